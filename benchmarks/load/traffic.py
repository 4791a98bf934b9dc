"""The calls: seeded, in every dialect, through every sender, good and bad, of one row and of thousands."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.bulk.calls import CSV, JSON, NPY, body_of
from benchmarks.load.events import DIRECT, EVENTS, Sent, event_of
from benchmarks.load.models import FEATURES, POOL_ROWS, pool

NAMES = [f"x{column}" for column in range(FEATURES)]
"""The features, as a model file names those of an estimator that was fitted on an array."""
DIALECTS = ("JSON lists", "JSON objects", "CSV", "CSV with header", "NPY", DIRECT)
STATUS, MODEL, BAD, SCORED = "GET /", "GET /model", "bad", "scored"
SHARES = {STATUS: 0.01, MODEL: 0.08, BAD: 0.12, SCORED: 0.79}
SIZES = ((0.60, 1, 1), (0.90, 2, 50), (0.985, 51, 400), (1.0, 1_000, 3_000))
"""How many rows are scored, from the least to the most, up to which share of the calls."""
USERS = 40
USERS_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Call:
    """An event, and what it is to be answered: scores of `rows` of the pool, or the problem with that `code`.

    kind: the dialect of what is scored, or else another of `SHARES`.
    """

    number: int
    kind: str
    sender: str
    event: Any
    rows: slice = slice(0)
    probabilities: bool = False
    code: str = ""
    user: str = ""

    @property
    def scored(self) -> bool:
        """Whether it is answered with scores."""
        return self.kind in DIALECTS


def _bad(body: bytes, kind: str = JSON) -> Sent:
    return Sent(body=body, headers={"content-type": kind})


BAD_CALLS = (
    ("wrong-width", _bad(b'{"data": [[1, 2, 3]]}')),
    ("ragged-rows", _bad(b'{"data": [[1, 2, 3, 4], [1]]}')),
    ("not-a-number", _bad(b'{"data": [[1, 2, 3, "4"]]}')),
    ("infinity", _bad(b'{"data": [[1, 2, 3, 1e999]]}')),
    ("missing-feature", _bad(b'{"data": [{"x0": 1, "x1": 2, "x2": 3}]}')),
    ("malformed-json", _bad(b'{"data": [[1, 2, 3, 4')),
    ("wrong-width", _bad(b"1,2,3\n", CSV)),
    ("not-a-number", _bad(b"1,2,3,4\n1,2,3,four\n", f"{CSV}; header=absent")),
    ("malformed-csv", _bad(b'1,2,3,"4\n', CSV)),
    ("wrong-width", _bad(body_of(np.ones((2, FEATURES - 1)), NPY), NPY)),
    ("infinity", _bad(body_of(np.full((2, FEATURES), np.inf), NPY), NPY)),
    ("malformed-npy", _bad(b"\x93NUMPY\x01\x00v\x00{", NPY)),
    ("unsupported-media-type", _bad(b"<p>", "text/html")),
    ("not-found", Sent(path="/nowhere")),
    ("method-not-allowed", Sent(method="DELETE")),
    ("method-not-allowed", Sent(path="/model")),
)
"""The code of the problem, and the request that has it."""


class Traffic:
    """Calls by their number: with the same seed the same, whoever makes them, and when."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pool = pool()

    def call(self, number: int) -> Call:
        """Return the call with that number."""
        chance = random.Random(f"{self._seed} {number}")
        [kind] = chance.choices(list(SHARES), list(SHARES.values()))
        sender = chance.choice(list(EVENTS))
        if kind == SCORED:
            return self._scored(number, sender, chance)
        if kind == BAD:
            code, sent = chance.choice(BAD_CALLS)
            return Call(number, kind, sender, event_of(sent, sender), code=code)
        return Call(number, kind, sender, event_of(Sent("GET", kind.removeprefix("GET ")), sender))

    def _scored(self, number: int, sender: str, chance: random.Random) -> Call:
        kind, probabilities, size = chance.choice(DIALECTS), chance.random() < 0.5, chance.random()
        count = next(chance.randint(least, most) for share, least, most in SIZES if size < share)
        first = chance.randrange(POOL_ROWS - count)
        rows = slice(first, first + count)
        if kind == DIRECT:
            event = {"data": self._pool[rows].tolist(), "probabilities": probabilities}
            return Call(number, kind, DIRECT, event, rows, probabilities)
        user = f"user-{chance.randrange(USERS)}" if chance.random() < USERS_SHARE else ""
        media_type, body = self._body(kind, rows)
        headers = {"content-type": media_type} | ({"x-user": user} if user else {})
        sent = Sent(body=body, headers=headers, query={"probabilities": "true"} if probabilities else {})
        return Call(number, kind, sender, event_of(sent, sender), rows, probabilities, user=user)

    def _body(self, kind: str, rows: slice) -> tuple[str, bytes]:
        """Return the media type and the body of a request."""
        sent = self._pool[rows]
        if kind == "JSON objects":
            return JSON, json.dumps({"data": [dict(zip(NAMES, row, strict=True)) for row in sent.tolist()]}).encode()
        if kind == "CSV with header":  # which names the features from the last to the first
            return CSV, ",".join(reversed(NAMES)).encode() + b"\n" + body_of(sent[:, ::-1], CSV)
        media_type = {"JSON lists": JSON, "CSV": CSV, "NPY": NPY}[kind]
        return media_type, body_of(sent, media_type)
