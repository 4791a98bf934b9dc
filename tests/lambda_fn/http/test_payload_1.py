"""What events in payload 1.0, and a load balancer's, have that those of payload 2.0 do not."""

from typing import Any

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.events import MAX_BALANCER_BYTES, parse_event, render
from lambda_fn.http.request import Request, Response
from lambda_fn.http.senders import sender_of
from tests.conftest import LoadEvent


def parsed(sent: Any) -> Request:
    return parse_event(sent, sender_of(sent))


@pytest.mark.parametrize("name", ["predict-rest-api", "predict-http-api-payload-1"])
def test_a_header_that_came_twice_is_joined(event: LoadEvent, name: str) -> None:
    sent = event(name)
    sent["headers"]["accept"] = "text/csv"
    sent["multiValueHeaders"]["accept"] = ["text/html", "text/csv"]
    assert parsed(sent).headers.get("accept") == "text/html,text/csv"


@pytest.mark.parametrize("name", ["predict-rest-api", "predict-http-api-payload-1", "predict-load-balancer-multi"])
def test_a_parameter_that_came_twice_is_joined(event: LoadEvent, name: str) -> None:
    several = {"probabilities": ["true", "false"], "other": ["a"]}
    sent = event(name) | {"multiValueQueryStringParameters": several}
    if "queryStringParameters" in sent:
        sent["queryStringParameters"] = {"probabilities": "false", "other": "a"}
    assert parsed(sent).query == {"probabilities": "true,false", "other": "a"}


@pytest.mark.parametrize("name", ["predict-rest-api", "predict-http-api-payload-1"])
def test_one_of_both_forms_of_headers_and_query_does(event: LoadEvent, name: str) -> None:
    lists = event(name) | {
        "headers": None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": {"probabilities": ["true"]},
    }
    strings = event(name) | {
        "multiValueHeaders": None,
        "queryStringParameters": {"probabilities": "true"},
        "multiValueQueryStringParameters": None,
    }
    for sent in (lists, strings):
        request = parsed(sent)
        assert (request.headers.get("content-type"), request.query) == ("application/json", {"probabilities": "true"})
    neither = parsed(lists | {"multiValueHeaders": None, "multiValueQueryStringParameters": None})
    assert (neither.headers.get("content-type"), neither.query) == ("", {})


@pytest.mark.parametrize("name", ["predict-load-balancer-probabilities", "predict-load-balancer-multi-probabilities"])
def test_a_load_balancers_query_is_decoded(event: LoadEvent, name: str) -> None:
    assert parsed(event(name)).query == {"probabilities": "true"}
    encoded = {"prob%61bilities": "tr%75e", "probabilities": "false", "a+b": "%2B+%zz%ff", "empty": ""}
    member, value = "queryStringParameters", dict[str, Any](encoded)
    if "multi" in name:
        member, value = "multiValueQueryStringParameters", {key: [each] for key, each in encoded.items()}
    assert parsed(event(name) | {member: value}).query == {
        "probabilities": "true,false",
        "a b": "+ %zz\ufffd",
        "empty": "",
    }


def test_a_load_balancer_is_told_the_status_in_words(event: LoadEvent) -> None:
    response = Response(404, "{}", {"x-a": "b"})
    assert render(response, sender_of(event("status-load-balancer"))) == {
        "statusCode": 404,
        "statusDescription": "404 Not Found",
        "headers": {"content-type": "application/json", "x-a": "b"},
        "body": "{}",
        "isBase64Encoded": False,
    }
    assert render(response, sender_of(event("predict-load-balancer-multi"))) == {
        "statusCode": 404,
        "statusDescription": "404 Not Found",
        "multiValueHeaders": {"content-type": ["application/json"], "x-a": ["b"]},
        "body": "{}",
        "isBase64Encoded": False,
    }


def test_an_answer_that_a_load_balancer_would_refuse_is_an_error(event: LoadEvent) -> None:
    for name in ("predict-load-balancer", "predict-load-balancer-multi"):
        sender = sender_of(event(name))
        assert render(Response(200, "1" * MAX_BALANCER_BYTES), sender)["statusCode"] == 200
        for body in ("1" * (MAX_BALANCER_BYTES + 1), bytes(MAX_BALANCER_BYTES), "\n" * (MAX_BALANCER_BYTES // 2 + 1)):
            with pytest.raises(ServiceError, match="a load balancer takes at most") as raised:
                render(Response(200, body), sender)
            assert raised.value.problem is Problem.RESPONSE_TOO_LARGE
