"""Whole events of every sender, with anything in them altered: paths, headers, queries, bodies, codings, members."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.fuzz import values
from tests.fuzz.alterations import ALTERATIONS, with_post
from tests.fuzz.bodies import FEATURES, Post, invocations, posts, rows_of
from tests.fuzz.calls import answered
from tests.fuzz.draws import Draws
from tests.fuzz.finds import ROOT

SHARE = 55
EVENTS = {path.stem: path.read_text() for path in sorted((ROOT / "tests" / "events").rglob("*.json"))}
SEEDS = [*EVENTS, *["queue-sqs"] * 3]
SERVICES = ("several", "people", "based", "beside", "shadow")


class Call(NamedTuple):
    """An event, for a service's entry point."""

    service: str
    function: str
    event: Any


def make(draws: Draws) -> Call:
    """Return a sound event with up to four alterations."""
    service = draws.pick(SERVICES)
    seed = draws.pick(SEEDS)
    event: Any = json.loads(EVENTS[seed])
    function = "objects" if seed.startswith("objects") or draws.once_in(30) else "predict"
    if draws.below(4):
        post = posted(draws, service)
        event = with_post(event, post, draws)
    for _ in range(draws.below(5)):
        event = draws.pick(ALTERATIONS)(draws, event)
    return Call(service, function, event)


def check(made: Call) -> None:
    """Have it answered."""
    answered(made.service, made.function, made.event)


def size(made: Call) -> int:
    """Return how many characters the event has, roughly."""
    return sum(len(str(each)) for each in made.event.values()) if isinstance(made.event, dict) else 100


def posted(draws: Draws, service: str) -> Post:
    """Return rows as a client posts them."""
    name = "people" if service == "people" else draws.pick(list(FEATURES))
    rows = rows_of(draws, FEATURES[name])
    made = invocations if service == "people" and draws.below(2) else posts
    post = draws.pick(made(name, rows))()
    if draws.below(2):
        return post
    body = post.body
    if post.headers.get("content-type") == "application/json" and draws.below(2):
        body = json.dumps(values.altered(draws, json.loads(body))).encode()
    else:
        body = values.altered_bytes(draws, body)
    return post._replace(body=body)
