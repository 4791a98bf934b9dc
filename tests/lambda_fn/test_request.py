import json
from typing import Any

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.request import MAX_RESPONSE_BYTES, Headers, Request, Response, is_http, parse_event, render
from tests.conftest import LoadEvent

BODY = b'{"data": [[6.2, 3.4], [6.2, 1]]}'


def parsed(sent: Any) -> Request:
    return parse_event(sent, is_http(sent))


def rendered(response: Response, sent: Any) -> Any:
    return render(response, is_http(sent))


@pytest.mark.parametrize(
    "name",
    [
        "predict-http-api",
        "predict-http-api-base64",
        "predict-http-api-stage",
        "predict-function-url",
        "predict-rest-api",
        "predict-rest-api-base64",
        "predict-direct",
    ],
)
def test_every_kind_of_event_is_the_same_request(event: LoadEvent, name: str) -> None:
    request = parsed(event(name))
    assert (request.method, request.path, request.body, request.query) == ("POST", "/predict", BODY, {})


@pytest.mark.parametrize("name", ["predict-http-api-probabilities", "predict-rest-api-probabilities"])
def test_the_query_is_read_in_both_formats(event: LoadEvent, name: str) -> None:
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


@pytest.mark.parametrize("odd", [None, [], "text", 7, {}, {"version": "2.0"}, {"requestContext": {}}, {"body": "x"}])
def test_what_is_no_http_event_is_a_direct_one(odd: Any) -> None:
    assert not is_http(odd)
    assert parsed(odd).body == json.dumps(odd).encode()


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
    assert rendered(Response(200, quotes), {}) == "a" * (MAX_RESPONSE_BYTES - 2)
    with pytest.raises(ServiceError) as raised:
        rendered(Response(200, quotes), event("status-http-api"))
    assert raised.value.problem is Problem.RESPONSE_TOO_LARGE


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE", "content-Type"])
def test_headers_are_found_in_any_case(name: str) -> None:
    headers = Headers({"x-other": "a", name: "text/csv", "accept": None})
    assert headers.get("content-type") == "text/csv"
    assert headers.get("accept", "*/*") == "*/*"
    assert Headers().get("accept") == ""
