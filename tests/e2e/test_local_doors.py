"""The doors of `make local`: the same calls are let in, and refused in the same way, as by a deployment."""

from __future__ import annotations

import hashlib
import http.client
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from scripts.doors import (
    SERVICE,
    Call,
    Door,
    Doors,
    doors_before,
    is_signed,
    key_door,
    open_door,
    signature_door,
    token_door,
)
from tests.e2e.tokens import AUDIENCE, SCOPE, Issuer, unsound, without_scope
from tests.served import serving

OURS, OTHERS = Credentials("ours", "our secret"), Credentials("ours", "another secret")
KEY = "k" * 32
BODY = b'{"data": [[1, 2]]}'


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with what was asked."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    told = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {environ['QUERY_STRING']} ".encode() + body
    headers = [("content-type", "application/json"), ("x-model-version", "7"), ("content-length", str(len(told)))]
    start_response("201 Created", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [told]


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


def spoken(port: int, *lines: str) -> str:
    """Return all that is answered until the connection ends to what is sent as it is."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, connection.makefile("rb") as answers:
        connection.sendall("\r\n".join(lines).encode())
        return answers.read().decode()


def signed(
    port: int,
    method: str,
    path: str,
    body: bytes = b"",
    by: Credentials = OURS,
    service: str = SERVICE,
    digest: str = "",
) -> dict[str, str]:
    headers = {"host": f"127.0.0.1:{port}", **({"X-Amz-Content-SHA256": digest} if digest else {})}
    request = AWSRequest(method, f"http://127.0.0.1:{port}{path}", headers, body)
    SigV4Auth(by, service, "eu-central-1").add_auth(request)
    return dict(request.headers.items())


def test_a_signature_opens_of_this_very_request_and_now(behind: Any) -> None:
    port = behind(signature_door(OURS))
    path = "/predict?probabilities=true"
    status, body, headers = call(port, "POST", path, BODY, signed(port, "POST", path, BODY))
    assert (status, body) == (201, f"POST /predict probabilities=true {BODY.decode()}")
    assert headers["x-model-version"] == "7"
    right = signed(port, "POST", path, BODY)
    told = signed(port, "POST", path, BODY, digest=hashlib.sha256(BODY).hexdigest())
    assert call(port, "POST", path, BODY, told)[0] == 201
    for wrong in (
        (path, b'{"data": [[1, 3]]}', told),
        (path, BODY, signed(port, "POST", path, BODY, service="s3")),
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
    refused |= {"for ever": f"Bearer {issuer.token(exp=None)}", "no text": f"Bearer {issuer.token(aud=[7])}"}
    refused |= {"of another client": f"Bearer {issuer.token(aud=None, client_id='others')}"}
    refused |= {"of our client for others": f"Bearer {issuer.token(aud='others', client_id=AUDIENCE)}"}
    without |= {f"scope {scope}": f"Bearer {issuer.token(scope=scope)}" for scope in (7, [7], {SCOPE: 1})}
    without |= {"scope null": f"Bearer {issuer.token(scope=None, scp=7)}"}
    assert statuses(refused) == dict.fromkeys(refused, 401)
    assert statuses(without) == dict.fromkeys(without, 403)
    sound = {"sound": f"Bearer {issuer.token()}", "client": f"Bearer {issuer.token(aud=None, client_id=AUDIENCE)}"}
    assert statuses(sound) == dict.fromkeys(sound, 201)
    assert call(port, "POST", "/predict", BODY)[0] == 401


def test_a_key_opens(behind: Any) -> None:
    port = behind(key_door(KEY))
    asked = {"none": {}, "another": {"x-api-key": "K" * 32}, "umlauts": {"x-api-key": "ä"}, "ours": {"X-API-Key": KEY}}
    found = {name: call(port, "POST", "/predict", BODY, headers)[0] for name, headers in asked.items()}
    assert found == {"none": 401, "another": 403, "umlauts": 403, "ours": 201}
    for keys in ((KEY, "K" * 32), ("K" * 32, KEY)):
        two = (f"x-api-key: {key}" for key in keys)
        assert spoken(port, "GET /model HTTP/1.0", *two, "", "").startswith("HTTP/1.1 403 ")


def test_each_path_has_its_door(behind: Any) -> None:
    port = behind(key_door(KEY), open_door)
    key = {"x-api-key": KEY}
    for method, path, headers, status in (
        ("GET", "/docs", {}, 201),
        ("GET", "/openapi.json", {}, 201),
        ("POST", "/docs", {}, 401),
        ("GET", "/docs/../model", {}, 401),
        ("GET", "/model", {}, 401),
        *[("GET", path, key, 404) for path in ("/docs/", "/%64ocs", "/x/../docs", "/openapi.json//")],
        ("HEAD", "/docs", key, 404),
        ("GET", "/models/docs", key, 201),
        ("GET", "/model", key, 201),
        ("OPTIONS", "/predict", {}, 201),
        ("GET", "/objects/a", key, 403),
        ("GET", "/objects/a", signed(port, "GET", "/objects/a"), 201),
        ("GET", "/%6Fbjects/a", key, 403),
        ("GET", "/./objects/a", key, 403),
        ("GET", "/x/../objects/a", key, 403),
        ("GET", "/x/%2e%2e/objects/a", key, 403),
        ("GET", "/x//objects/a", key, 403),
        ("GET", "/x%5c..%5cobjects%5ca", key, 403),
        *[("GET", path, key, 400) for path in ("/.\\docs", "/docs\\", "/docs#a", "/model?#", "/x\\..\\objects\\a")],
        ("GET", "/objects/..%2fa", key, 403),
        ("GET", "/models/objects", key, 201),
        ("GET", "http://127.0.0.1/objects/a", key, 400),
        ("GET", "objects/a", key, 400),
    ):
        assert (call(port, method, path, headers=headers)[0], path) == (status, path)


def test_what_others_could_read_as_another_call_ends_the_connection(behind: Any) -> None:
    port = behind(key_door(KEY))
    smuggled = "GET /objects/note HTTP/1.1\r\nhost: here\r\n\r\n"
    for headers in (
        ["content-length: 0", f"content-length: {len(smuggled)}"],
        [f"content-length: {len(smuggled)}", "content-length: 0"],
        ["content-length: -1"],
        ["content-length: +5"],
        ["content-length: five"],
        ["content-length: 10000001"],
        [f"content-length: {'9' * 5000}"],
        ["transfer-encoding: chunked"],
        ["Transfer-Encoding: identity", "content-length: 5"],
    ):
        answers = spoken(port, "OPTIONS /predict HTTP/1.1", "host: here", *headers, "", smuggled)
        head, _, body = answers.partition("\r\n\r\n")
        assert (head[:13], body) == ("HTTP/1.1 400 ", '{"message": "Bad Request"}'), headers
        assert "connection: close" in head


def test_head_is_answered_without_a_body_and_calls_stay_in_step(behind: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", behind(key_door(KEY)), timeout=30)
    for headers, status, length in (({}, 401, 27), ({"x-api-key": KEY}, 201, 13), ({}, 401, 27)):
        connection.request("HEAD", "/model", headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-length"], answer.read()) == (status, str(length), b"")
    connection.request("GET", "/model", headers={"x-api-key": KEY})
    assert connection.getresponse().read() == b"GET /model  "
    connection.close()


def test_a_server_that_does_not_answer_is_told_of() -> None:
    with doors_before(Doors(open_door, open_door, open_door), 0, 9) as port:
        status, body, _ = call(port, "GET", "/")
    assert status == 502
    assert "the service does not answer" in body
