import json
from typing import Any

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.events import parse_event, render
from lambda_fn.http.request import MAX_RESPONSE_BYTES, Headers, Request, Response
from lambda_fn.http.senders import Sender, sender_of
from tests.conftest import Event, LoadEvent

BODY = b'{"data": [[6.2, 3.4], [6.2, 1]]}'


def parsed(sent: Any, base_path: str = "") -> Request:
    return parse_event(sent, sender_of(sent), base_path)


def rendered(response: Response, sent: Any) -> Any:
    return render(response, sender_of(sent))


def in_context(event: Event, **members: Any) -> Event:
    return event | {"requestContext": event["requestContext"] | members}


@pytest.mark.parametrize(
    "name",
    [
        "predict-http-api",
        "predict-http-api-base64",
        "predict-http-api-stage",
        "predict-function-url",
        "predict-http-api-domain",
        "predict-http-api-payload-1",
        "predict-rest-api",
        "predict-rest-api-base64",
        "predict-load-balancer",
        "predict-load-balancer-multi",
        "predict-direct",
    ],
)
def test_every_kind_of_event_is_the_same_request(event: LoadEvent, name: str) -> None:
    for base_path in ("", "/v1"):
        request = parsed(event(name), base_path)
        assert (request.method, request.path, request.body, request.query) == ("POST", "/predict", BODY, {})


@pytest.mark.parametrize("name", ["predict-http-api-payload-1-domain", "predict-rest-api-domain"])
def test_the_base_path_of_a_custom_domain_is_taken_off_the_path(event: LoadEvent, name: str) -> None:
    assert parsed(event(name)).path == "/v1/predict"
    request = parsed(event(name), "/v1")
    assert (request.method, request.path, request.body, request.query) == ("POST", "/predict", BODY, {})


@pytest.mark.parametrize(
    ("base_path", "path", "expected"),
    [
        ("/v1", "/v1", "/"),
        ("/v1", "/v1/", "/"),
        ("/v1", "/v1/predict/", "/predict/"),
        ("/v1", "/v10/predict", "/v10/predict"),
        ("/v1", "/predict/v1", "/predict/v1"),
        ("/v1", "/v1/v1/predict", "/v1/predict"),
        ("/v1", "/dev/v1/predict", "/predict"),  # the stage in front: an origin of a CDN that has the base path
        ("/models/iris", "/models/iris/predict", "/predict"),
        ("/models/iris", "/models/predict", "/models/predict"),
        ("/predict", "/predict/predict", "/predict"),
        ("/dev", "/dev/predict", "/predict"),
        ("/dev", "/dev/dev", "/dev"),
        ("", "", ""),
    ],
)
def test_a_base_path_is_whole_segments(event: LoadEvent, base_path: str, path: str, expected: str) -> None:
    assert parsed(event("predict-http-api-stage") | {"rawPath": path}, base_path).path == expected
    if not path.startswith("/dev/v1"):
        assert parsed(event("predict-rest-api") | {"path": path}, base_path).path == expected
        assert parsed(event("predict-load-balancer") | {"path": path}, base_path).path == expected


@pytest.mark.parametrize(
    "name",
    ["predict-http-api-probabilities", "predict-rest-api-probabilities", "predict-http-api-payload-1-probabilities"],
)
def test_the_query_is_read_in_every_format(event: LoadEvent, name: str) -> None:
    assert parsed(event(name)).query == {"probabilities": "true"}


def test_a_direct_event_is_the_body_with_all_its_members() -> None:
    direct = parsed({"data": [], "probabilities": True, "text": "yes"})
    assert (direct.query, json.loads(direct.body)) == ({}, {"data": [], "probabilities": True, "text": "yes"})


def test_header_names_are_in_lower_case(event: LoadEvent) -> None:
    assert parsed(event("predict-rest-api")).headers.get("content-type") == "application/json"


@pytest.mark.parametrize(("path", "expected"), [("/dev", "/"), ("/dev/", "/"), ("/device", "/device")])
def test_a_named_stage_is_taken_off_the_path(event: LoadEvent, path: str, expected: str) -> None:
    assert parsed(event("predict-http-api-stage") | {"rawPath": path}).path == expected


def test_a_body_that_only_claims_to_be_base64_is_refused(event: LoadEvent) -> None:
    with pytest.raises(ServiceError) as raised:
        parsed(event("predict-http-api") | {"isBase64Encoded": True})
    assert raised.value.problem is Problem.MALFORMED_BASE64


@pytest.mark.parametrize("stage", ["predict", "model", "objects"])
def test_a_stage_may_be_named_like_a_route(event: LoadEvent, stage: str) -> None:
    for path, expected in ((f"/{stage}", "/"), (f"/{stage}/predict", "/predict"), ("/predicted", "/predicted")):
        for name, member in (("predict-http-api-stage", "rawPath"), ("predict-http-api-payload-1", "path")):
            assert parsed(in_context(event(name), stage=stage, path=path) | {member: path}).path == expected
    for name in ("predict-rest-api", "predict-http-api-payload-1-domain"):  # which have no stage in front
        assert parsed(in_context(event(name), stage=stage) | {"path": f"/{stage}"}).path == f"/{stage}"
    emulated = event("predict-rest-api") | {"version": "1.0", "path": f"/{stage}"}
    assert parsed(in_context(emulated, stage=stage, path=f"/{stage}/{stage}")).path == f"/{stage}"


def test_a_stage_on_a_custom_domain_does_no_harm(event: LoadEvent) -> None:
    """AWS puts none there in payload 1.0, as its documents have it; of whoever does it is taken off."""
    for path in ("/dev/predict", "/v1/predict", "/predict"):
        assert parsed(event("predict-http-api-payload-1-domain") | {"path": path}, "/v1").path == "/predict"
    same = in_context(event("predict-http-api-payload-1-domain"), stage="v1")
    assert parsed(same | {"path": "/v1/models/predict"}, "/v1/models").path == "/predict"


def test_the_default_stage_leaves_no_trace(event: LoadEvent) -> None:
    for name, member in (("predict-http-api", "rawPath"), ("predict-http-api-payload-1", "path")):
        assert parsed(in_context(event(name), stage="$default") | {member: "/predict"}).path == "/predict"


def test_a_path_is_decoded_once(event: LoadEvent) -> None:
    for name, member in (
        ("predict-function-url", "rawPath"),
        ("predict-rest-api", "path"),
        ("predict-load-balancer", "path"),
    ):
        assert parsed(event(name) | {member: "/pr%65dict%2541/%zz"}).path == "/predict%41/%zz"
    for name, member in (
        ("predict-http-api", "rawPath"),
        ("predict-http-api-payload-1", "path"),
    ):  # the API has done so
        assert parsed(event(name) | {member: "/predict%41"}).path == "/predict%41"


def test_what_has_rows_is_a_direct_invocation() -> None:
    events: list[Any] = [{"data": None}, {"data": [[1]], "version": "2.0"}, {"data": [], "Records": []}]
    for direct in events:
        assert sender_of(direct) is Sender.DIRECT
        assert parsed(direct).body == json.dumps(direct).encode()


@pytest.mark.parametrize("odd", [None, [], "text", 7, True, {}, {"version": "2.0"}, {"body": "x"}, {"Records": []}])
def test_what_has_neither_rows_nor_a_request_is_none(odd: Any) -> None:
    assert sender_of(odd) is Sender.NO_REQUEST


def test_an_http_event_is_answered_with_a_proxy_result(event: LoadEvent) -> None:
    for name in ("status-http-api", "status-rest-api"):
        assert rendered(Response(200, "{}", {"x-a": "b"}), event(name)) == {
            "statusCode": 200,
            "headers": {"content-type": "application/json", "x-a": "b"},
            "body": "{}",
            "isBase64Encoded": False,
        }


def test_bytes_are_answered_in_base64(event: LoadEvent) -> None:
    for name in ("predict-http-api-npy", "predict-rest-api-npy"):
        assert rendered(Response(200, b"\x93NUMPY", {"content-type": "application/x-npy"}), event(name)) == {
            "statusCode": 200,
            "headers": {"content-type": "application/x-npy"},
            "body": "k05VTVBZ",
            "isBase64Encoded": True,
        }


def test_a_direct_event_is_answered_with_the_bare_body() -> None:
    assert rendered(Response(200, '{"prediction": [1]}'), {"data": [[1]]}) == {"prediction": [1]}


def test_an_answer_that_lambda_would_refuse_is_an_error(event: LoadEvent) -> None:
    lines = Response(200, "\n" * (MAX_RESPONSE_BYTES // 2 + 1))
    with pytest.raises(ServiceError):
        rendered(lines, event("status-http-api"))
    with pytest.raises(ServiceError):  # base64 takes 4 bytes for 3
        rendered(Response(200, bytes(MAX_RESPONSE_BYTES * 3 // 4 + 3)), event("status-http-api"))
    assert rendered(Response(200, bytes(4_500_000)), event("status-http-api"))["statusCode"] == 200
    quotes = json.dumps("a" * (MAX_RESPONSE_BYTES - 2))
    assert rendered(Response(200, quotes), {"data": []}) == "a" * (MAX_RESPONSE_BYTES - 2)
    with pytest.raises(ServiceError) as raised:
        rendered(Response(200, quotes), event("status-http-api"))
    assert raised.value.problem is Problem.RESPONSE_TOO_LARGE


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE", "content-Type"])
def test_headers_are_found_in_any_case(name: str) -> None:
    headers = Headers({"x-other": "a", name: "text/csv", "accept": None})
    assert headers.get("content-type") == "text/csv"
    assert headers.get("accept", "*/*") == "*/*"
    assert Headers().get("accept") == ""
