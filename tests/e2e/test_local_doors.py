"""The doors of `make local`: the same calls are let in, and refused in the same way, as by a deployment."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from scripts.doors import Call, Door, Doors, doors_before, is_signed, key_door, open_door, signature_door, token_door
from tests.e2e.tokens import AUDIENCE, SCOPE, Issuer, unsound, without_scope
from tests.served import serving

OURS, OTHERS = Credentials("ours", "our secret"), Credentials("ours", "another secret")
KEY = "k" * 32
BODY = b'{"data": [[1, 2]]}'


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with what was asked."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("201 Created", [("content-type", "application/json"), ("x-model-version", "7")])
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {environ['QUERY_STRING']} ".encode() + body]


@pytest.fixture
def behind() -> Iterator[Any]:
    """Return what puts a server behind doors, and returns their port."""
    with ExitStack() as stack:
        upstream = int(stack.enter_context(serving(echo)).rpartition(":")[2])

        def made(others: Door, pages: Door = open_door) -> int:
            doors = Doors(others, pages, signature_door(OURS))
            return stack.enter_context(doors_before(doors, 0, upstream))

        yield made


def call(
    port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, str, Mapping[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def signed(port: int, method: str, path: str, body: bytes = b"", by: Credentials = OURS) -> dict[str, str]:
    request = AWSRequest(method, f"http://127.0.0.1:{port}{path}", {"host": f"127.0.0.1:{port}"}, body)
    SigV4Auth(by, "execute-api", "eu-central-1").add_auth(request)
    return dict(request.headers.items())


def test_a_signature_opens_of_this_very_request_and_now(behind: Any) -> None:
    port = behind(signature_door(OURS))
    path = "/predict?probabilities=true"
    status, body, headers = call(port, "POST", path, BODY, signed(port, "POST", path, BODY))
    assert (status, body) == (201, f"POST /predict probabilities=true {BODY.decode()}")
    assert headers["x-model-version"] == "7"
    right = signed(port, "POST", path, BODY)
    for wrong in (
        (path, BODY, {}),
        (path, BODY, signed(port, "POST", path, BODY, OTHERS)),
        (path, BODY, signed(port, "GET", path, BODY)),
        (path, b'{"data": [[1, 3]]}', right),
        ("/predict", BODY, right),
        ("/predict?probabilities=false", BODY, right),
        (path, BODY, {**right, "x-amz-date": "20200101T000000Z", "X-Amz-Date": "20200101T000000Z"}),
        (path, BODY, {**right, "Authorization": right["Authorization"][:-1] + "x"}),
        (path, BODY, {"Authorization": "Bearer let-me-in"}),
    ):
        status, body, _ = call(port, "POST", *wrong)
        assert (status, body) == (403, '{"message": "Forbidden"}')


def test_a_signature_is_good_for_five_minutes() -> None:
    headers = {name.lower(): value for name, value in signed(80, "POST", "/predict", BODY).items()}
    headers["host"] = "127.0.0.1:80"
    asked, now = Call("POST", "/predict", headers, BODY), time.time()
    assert [is_signed(asked, OURS, now + late) for late in (-310, -280, 0, 280, 310)] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_a_token_opens_that_is_sound_and_for_this(behind: Any, issuer: Issuer) -> None:
    port = behind(token_door(issuer.url, ["other", AUDIENCE], [SCOPE]))

    def statuses(values: Mapping[str, str]) -> dict[str, int]:
        return {
            name: call(port, "POST", "/predict", BODY, {"Authorization": value})[0] for name, value in values.items()
        }

    refused, without = unsound(issuer), without_scope(issuer)
    assert statuses(refused) == dict.fromkeys(refused, 401)
    assert statuses(without) == dict.fromkeys(without, 403)
    assert statuses({"sound": f"Bearer {issuer.token()}"}) == {"sound": 201}
    assert call(port, "POST", "/predict", BODY)[0] == 401


def test_a_key_opens(behind: Any) -> None:
    port = behind(key_door(KEY))
    asked = {"none": {}, "another": {"x-api-key": "K" * 32}, "umlauts": {"x-api-key": "ä"}, "ours": {"X-API-Key": KEY}}
    found = {name: call(port, "POST", "/predict", BODY, headers)[0] for name, headers in asked.items()}
    assert found == {"none": 401, "another": 403, "umlauts": 403, "ours": 201}


def test_each_path_has_its_door(behind: Any) -> None:
    port = behind(key_door(KEY), open_door)
    key = {"x-api-key": KEY}
    for method, path, headers, status in (
        ("GET", "/docs", {}, 201),
        ("GET", "/openapi.json", {}, 201),
        ("POST", "/docs", {}, 401),
        ("GET", "/docs/../model", {}, 401),
        ("GET", "/model", {}, 401),
        ("GET", "/model", key, 201),
        ("OPTIONS", "/predict", {}, 201),
        ("GET", "/objects/a", key, 403),
        ("GET", "/objects/a", signed(port, "GET", "/objects/a"), 201),
    ):
        assert (call(port, method, path, headers=headers)[0], path) == (status, path)


def test_a_server_that_does_not_answer_is_told_of() -> None:
    with doors_before(Doors(open_door, open_door, open_door), 0, 9) as port:
        status, body, _ = call(port, "GET", "/")
    assert status == 502
    assert "the service does not answer" in body
