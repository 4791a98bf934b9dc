"""Objects' keys and bodies: what was put comes back byte for byte, and no key leaves the prefix."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.fuzz import values
from tests.fuzz.alterations import with_body
from tests.fuzz.calls import answered
from tests.fuzz.draws import Draws
from tests.fuzz.finds import FindError
from tests.fuzz.targets import events

SHARE = 2
KEYS = (
    "note",
    "secret",
    "..",
    "../secret",
    "a.b",
    ".a",
    "a.",
    "..a",
    "%2e%2e",
    "%2e%2e%2fsecret",
    "models/../x",
    "a/b",
    "/",
    "",
    "x" * 128,
    "x" * 129,
    "x" * 1025,
    "a\n",
    "a\0",
    "é",
    "K",
    "\u017f",
    "a b",
    "a+b",
    "a%20b",
    "a\\b",
    "_",
    "-",
    "...",
    "a?b",
    "a#b",
    "a&b=c",
)


class Put(NamedTuple):
    """An event that puts a body, and the same key asked for."""

    key: str
    body: bytes
    put: Any
    get: Any


def make(draws: Draws) -> Put:
    """Return a call of each method for a key."""
    key = draws.pick(KEYS) if draws.below(3) else values.text(draws)
    body = b'{"hello": "world"}' if draws.below(2) else json.dumps(values.value(draws)).encode()
    if draws.once_in(3):
        body = values.altered_bytes(draws, body)
    found = []
    for name in ("objects-put-http-api", "objects-get-http-api"):
        event = json.loads(events.EVENTS[name])
        event["rawPath"] = event["rawPath"].removesuffix("note") + key
        found.append(event)
    return Put(key, body, with_body(found[0], body, True), found[1])


def check(made: Put) -> None:
    """Put it, and get it again."""
    answers = []
    for event in (made.put, made.get):
        answer, content = answered("several", "objects", event)
        answers.append(answer)
    if answers[0]["statusCode"] == 200 and (answers[1]["statusCode"], content) != (200, made.body):
        raise FindError("what was put does not come back", f"{answers[1]}")


def size(made: Put) -> int:
    """Return the bytes of the body and of the key."""
    return len(made.body) + len(made.key)
