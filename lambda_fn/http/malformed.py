"""What is wrong with an event that AWS does not send: the first member of another type, named."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

from lambda_fn.errors import Problem, ServiceError, described
from lambda_fn.http.senders import Sender

log = logging.getLogger(__name__)

type Member = tuple[str, Any, str]
"""A member's name, its value, and what was expected: a word of `TYPES`, with `` or null`` where it may be that."""

ABSENT = object()
TYPES: dict[str, type] = {"a string": str, "an object": dict, "a list": list, "true or false": bool}
SEVERAL = ("multiValueHeaders", "multiValueQueryStringParameters")
"""Members that are lists of strings by name."""


def malformed_event(event: Any, sender: Sender) -> ServiceError:
    """Return the error (malformed-event) that names what was expected of `event` and what came."""
    for name, value, expected in _members(event, sender):
        if not _is(value, expected):
            detail = f"the event's {name[:200]} was expected to be {expected}, {_came(value, expected)}"
            return ServiceError(Problem.MALFORMED_EVENT, detail)
    log.error("an event was not read, and no member of it is wrong: %s", described(sys.exception()))
    return ServiceError(Problem.MALFORMED_EVENT, f"the event was expected to be one that {sender.value} sends")


def _members(event: Any, sender: Sender) -> Iterator[Member]:
    """Yield what the service reads of an event: what holds others before those."""
    if sender is Sender.DIRECT:
        return
    context = event.get("requestContext", ABSENT)
    if sender is Sender.PAYLOAD_2:
        yield "version", event.get("version", ABSENT), "'2.0'"
        yield "rawPath", event.get("rawPath", ABSENT), "a string"
        yield "requestContext", context, "an object"
        http = context.get("http", ABSENT)
        yield "requestContext.http", http, "an object"
        yield "requestContext.http.method", http.get("method", ABSENT), "a string"
    else:
        yield "version", event.get("version"), "'1.0' or null"
        yield "httpMethod", event.get("httpMethod", ABSENT), "a string"
        yield "path", event.get("path", ABSENT), "a string"
        context = event.get("requestContext")
        yield "requestContext", context, "an object or null"
    for name in ("stage", "domainName"):
        yield f"requestContext.{name}", (context or {}).get(name), "a string or null"
    yield "body", event.get("body"), "a string or null"
    yield "isBase64Encoded", event.get("isBase64Encoded"), "true or false or null"
    yield from _named(event, "headers", "a string or null")
    yield from _named(event, "queryStringParameters", "a string or null")
    if sender is not Sender.PAYLOAD_2:
        for name in SEVERAL:
            yield from _named(event, name, "a list")


def _named(event: dict[str, Any], member: str, expected: str) -> Iterator[Member]:
    """Yield a member that is an object or null, and what is in it."""
    values = event.get(member)
    yield member, values, "an object or null"
    for name, value in (values or {}).items():
        yield f"{member}[{name!r}]", value, expected
        if expected == "a list":
            yield from ((f"{member}[{name!r}][{place}]", each, "a string") for place, each in enumerate(value))


def _is(value: Any, expected: str) -> bool:
    kind = expected.removesuffix(" or null")
    if value is None:
        return expected != kind
    return value == kind.strip("'") if kind not in TYPES else isinstance(value, TYPES[kind])


def _came(value: Any, expected: str) -> str:
    """Return what came in the words of JSON, a string itself where another one was expected."""
    if value is ABSENT:
        return "it is not there"
    if value is None:
        return "it is null"
    if isinstance(value, str) and expected.startswith("'"):
        return f"it is {value[:50]!r}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "it is a number"
    return next((f"it is {name}" for name, kind in TYPES.items() if type(value) is kind), "it is no JSON")
