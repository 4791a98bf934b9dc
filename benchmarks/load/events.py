"""Requests as their senders put them into events: the whole ones of tests/events, altered."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.emulator import ROOT

EVENTS = {
    name: (ROOT / "tests" / "events" / f"predict-{name}.json").read_text()
    for name in ("http-api", "function-url", "rest-api", "load-balancer", "load-balancer-multi")
}
"""An event, as text, by who sends it."""
DIRECT = "direct"
"""Who invokes the function, and sends no request: the event is the body, and so is the answer."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request; the names of headers are in lower case."""

    method: str = "POST"
    path: str = "/predict"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


def event_of(sent: Sent, sender: str) -> Any:
    """Return the event that the sender makes of a request."""
    event = json.loads(EVENTS[sender])
    binary = not sent.body.isascii()
    event |= {
        "isBase64Encoded": binary,
        "body": base64.b64encode(sent.body).decode() if binary else sent.body.decode(),
    }
    if "rawPath" in event:
        event |= {"rawPath": sent.path, "queryStringParameters": {}}
        event["requestContext"]["http"] |= {"method": sent.method, "path": sent.path}
    else:
        event |= {"path": sent.path, "httpMethod": sent.method}
    _put(event, "headers", "multiValueHeaders", sent.headers)
    _put(event, "queryStringParameters", "multiValueQueryStringParameters", sent.query)
    return event


def answered(answer: Any, sender: str) -> tuple[int, dict[str, str], Any]:
    """Return the status, the headers and the body of an answer; bytes where it was in base64.

    Raises AttributeError, KeyError, TypeError or ValueError for what is none.
    """
    if sender == DIRECT:
        return answer.get("status", 200), {}, json.dumps(answer)
    headers = answer.get("headers") or {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    body = answer["body"]
    return answer["statusCode"], headers, base64.b64decode(body) if answer["isBase64Encoded"] else body


def _put(event: Any, member: str, lists: str, values: Mapping[str, str]) -> None:
    """Put strings by name into the event's `member`, and into that of `lists` of them, where it has those."""
    if member in event:
        event[member] = _without(event[member], values) | dict(values)
    if lists in event:
        event[lists] = _without(event[lists], values) | {name: [value] for name, value in values.items()}


def _without(named: Mapping[str, Any] | None, others: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in (named or {}).items() if name.lower() not in others}
