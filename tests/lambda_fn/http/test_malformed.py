"""Events that AWS does not send: whole events with members of any type, through the entry points."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambda_fn.http.senders import Sender, sender_of
from lambda_fn.unrequested import UnrequestedError
from tests.conftest import TESTS, Event
from tests.lambda_fn.conftest import Load

EVENTS: dict[str, Event] = {
    path.stem: json.loads(path.read_text()) for path in sorted((TESTS / "events").glob("*.json"))
}
ABSENT = object()
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1.5, float("nan"), 1e400, ABSENT),
    *("", "x", "/", "\ud800", "é%2f%zz", "true", "$default"),
    *([], [None], [1], ["x"], ["x", "y"], [[]], [{}]),
    *({}, {"a": None}, {"a": 1}, {"a": "b"}, {"a": ["b"]}, {"a": [1]}, {"accept": {}}, {"probabilities": []}),
)

type Place = tuple[str | int, ...]


@pytest.fixture
def handler(load: Load, model_file: Path) -> ModuleType:
    return load(MODEL_URI=model_file.as_uri(), BASE_PATH="v1")


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Yield the way to every member and item within `value`, at all depths."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*place, key)
        yield from places(member, (*place, key))


def changed(event: Event, place: Place, value: Any) -> Event:
    """Return a copy of `event` with `value` at `place`, or with nothing there."""
    event = copy.deepcopy(event)
    at: Any = event
    for key in place[:-1]:
        at = at[key]
    if value is ABSENT:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return event


def check_answer(answer: Any, *, http: bool) -> None:
    """Check that an answer is in the form that its sender takes, and tells of no failure of the service."""
    json.dumps(answer)
    if not http:
        assert answer.get("status", 200) < 500
        return
    assert 200 <= answer["statusCode"] < 500, answer
    assert isinstance(answer["body"], str)
    assert isinstance(answer["isBase64Encoded"], bool)
    assert isinstance(answer.get("headers"), dict) != isinstance(answer.get("multiValueHeaders"), dict)


@pytest.mark.parametrize("name", EVENTS)
def test_no_member_of_any_type_is_a_failure_of_the_service(handler: ModuleType, name: str) -> None:
    for place in places(EVENTS[name]):
        for value in VALUES:
            sent = changed(EVENTS[name], place, value)
            if sender_of(sent) is Sender.NO_REQUEST:
                with pytest.raises(UnrequestedError):
                    handler.predict(sent, None)
            else:
                check_answer(handler.predict(sent, None), http=name != "predict-direct")


LISTS: list[Any] = ["a", 1]
OBJECT: dict[str, Any] = {"a": {}}


@pytest.mark.parametrize(
    ("names", "place", "value", "detail"),
    [
        (["http-api", "function-url"], "version", 2.0, "version was expected to be '2.0', it is a number"),
        (["http-api"], "version", ABSENT, "version was expected to be '2.0', it is not there"),
        (["http-api"], "version", "3.0", "version was expected to be '2.0', it is '3.0'"),
        (["http-api"], "rawPath", None, "rawPath was expected to be a string, it is null"),
        (["http-api"], "rawPath", ABSENT, "rawPath was expected to be a string, it is not there"),
        (["http-api"], "requestContext", [], "requestContext was expected to be an object, it is a list"),
        (["http-api"], "requestContext", ABSENT, "requestContext was expected to be an object, it is not there"),
        (
            ["http-api"],
            "requestContext.http",
            "GET",
            "requestContext.http was expected to be an object, it is a string",
        ),
        (
            ["http-api"],
            "requestContext.http.method",
            7,
            "requestContext.http.method was expected to be a string, it is a number",
        ),
        (
            ["http-api", "http-api-payload-1"],
            "requestContext.stage",
            False,
            "requestContext.stage was expected to be a string or null, it is true or false",
        ),
        (["http-api-payload-1"], "version", "1.1", "version was expected to be '1.0' or null, it is '1.1'"),
        (["rest-api", "load-balancer"], "path", None, "path was expected to be a string, it is null"),
        (["rest-api"], "path", ABSENT, "path was expected to be a string, it is not there"),
        (["rest-api", "load-balancer"], "httpMethod", {}, "httpMethod was expected to be a string, it is an object"),
        (
            ["rest-api", "load-balancer"],
            "httpMethod",
            ABSENT,
            "httpMethod was expected to be a string, it is not there",
        ),
        (["rest-api"], "requestContext", LISTS, "requestContext was expected to be an object or null, it is a list"),
        (
            ["rest-api", "http-api-payload-1", "load-balancer-multi"],
            "multiValueHeaders",
            LISTS,
            "multiValueHeaders was expected to be an object or null, it is a list",
        ),
        (
            ["rest-api", "load-balancer-multi"],
            "multiValueHeaders",
            {"accept": "*/*"},
            "multiValueHeaders['accept'] was expected to be a list, it is a string",
        ),
        (
            ["rest-api", "load-balancer-multi"],
            "multiValueQueryStringParameters",
            {"probabilities": ["true", 7]},
            "multiValueQueryStringParameters['probabilities'][1] was expected to be a string, it is a number",
        ),
        *(
            (["http-api", "function-url", "rest-api", "http-api-payload-1", "load-balancer"], place, value, detail)
            for place, value, detail in [
                ("headers", LISTS, "headers was expected to be an object or null, it is a list"),
                ("headers", "", "headers was expected to be an object or null, it is a string"),
                ("headers", {"a": 1}, "headers['a'] was expected to be a string or null, it is a number"),
                ("headers", {"accept": LISTS}, "headers['accept'] was expected to be a string or null, it is a list"),
                ("queryStringParameters", "a=b", "queryStringParameters was expected to be an object or null, it is"),
                ("queryStringParameters", OBJECT, "queryStringParameters['a'] was expected to be a string or null, it"),
                ("body", 7, "body was expected to be a string or null, it is a number"),
                ("body", {"data": [[6.2, 3.4]]}, "body was expected to be a string or null, it is an object"),
                (
                    "isBase64Encoded",
                    "false",
                    "isBase64Encoded was expected to be true or false or null, it is a string",
                ),
                ("isBase64Encoded", 0, "isBase64Encoded was expected to be true or false or null, it is a number"),
            ]
        ),
    ],
)
def test_a_member_of_another_type_than_aws_sends_is_named(
    handler: ModuleType, names: list[str], place: str, value: Any, detail: str
) -> None:
    for name in names:
        answer = handler.predict(changed(EVENTS[f"predict-{name}"], tuple(place.split(".")), value), None)
        details = json.loads(answer["body"])
        assert (answer["statusCode"], details["code"]) == (400, "malformed-event")
        assert details["detail"].startswith(f"the event's {detail}")
        assert ("multiValueHeaders" in answer) == (name == "load-balancer-multi")
        assert ("statusDescription" in answer) == name.startswith("load-balancer")


def test_a_null_is_as_good_as_nothing(handler: ModuleType) -> None:
    for name in ("http-api", "rest-api", "http-api-payload-1", "load-balancer"):
        event = EVENTS[f"predict-{name}"]
        nulls = {"accept": None, "content-type": None}
        for headers in (None, {}, nulls, {**nulls, **event["headers"]}):
            sent = event | {"headers": headers, "queryStringParameters": {"probabilities": None}}
            assert handler.predict(sent, None)["body"] == '{"prediction": [2, 1]}'
        assert json.loads(handler.predict(event | {"body": None}, None)["body"])["code"] == "malformed-json"
        sent = changed(event, ("isBase64Encoded",), ABSENT)
        assert handler.predict(sent, None)["body"] == '{"prediction": [2, 1]}'
    for name in ("rest-api", "load-balancer"):
        for context in (None, {}, ABSENT):
            sent = changed(EVENTS[f"predict-{name}"], ("requestContext",), context)
            assert handler.predict(sent, None)["body"] == '{"prediction": [2, 1]}'


def test_what_is_no_json_is_no_direct_invocation(handler: ModuleType) -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    directs: list[Any] = [{"data": object()}, {"data": [], "probabilities": {1}}, {"data": nested}]
    for direct in directs:
        assert handler.predict(direct, None)["code"] in {"malformed-event", "malformed-json"}
    others: list[Any] = [b"bytes", {1, 2}, object(), {"probabilities": {1}}, nested, {"a": nested}]
    for odd in others:
        with pytest.raises(UnrequestedError):
            handler.predict(odd, None)
