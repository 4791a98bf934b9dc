"""Made-up bodies: good ones, and such with a few bytes put in, taken out or in the place of others."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from lambda_fn.errors import ServiceError
from lambda_fn.model.rows import Rows
from tests.lambda_fn.codecs.cards import card

EXAMPLES = int(os.environ.get("EXAMPLES", "300"))
"""Bodies a test: more of them, of other seeds, are for when a codec is changed."""
SETTINGS = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
TWO = card(("a", "float", False), ("b", "float", False))
NULLABLE = card(("a", "float", True), ("b", "float", True))
MIXED = card(("city", "str", True), ("a", "float", True), ("on", "bool", False), categories=("Oslo", "a]}, {", 'ä"\n'))
UNKNOWN = card(("city", "str", False), ("on", "bool", True), categories=("Oslo", ""), unknown=True)
CARDS = (TWO, NULLABLE, MIXED, UNKNOWN)

type Outcome = list[list[str]] | tuple[str, int | None, int | None]


def outcome_of(decode: Callable[[], Rows], step: int) -> Outcome:
    """Return the numbers of the rows to the bit, `step` rows at once, or the error that they raise."""
    try:
        rows = decode()
        return [list(map(float.hex, row)) for at in range(0, len(rows), step) for row in rows[at : at + step].tolist()]
    except ServiceError as error:
        return error.problem.code, error.row, error.column


@st.composite
def mutated(draw: st.DrawFn, bodies: st.SearchStrategy[bytes], pieces: Sequence[bytes]) -> bytes:
    """Draw one of the bodies, and change it at no, one or two places."""
    body = bytearray(draw(bodies))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        place = draw(st.integers(0, len(body)))
        body[place : place + draw(st.integers(0, 2))] = draw(st.sampled_from(pieces))
    return bytes(body)


def value_of(kind: str, texts: Sequence[str]) -> st.SearchStrategy[Any]:
    """Return a strategy for values that are mostly right for a type."""
    right: dict[str, st.SearchStrategy[Any]] = {
        "float": st.one_of(
            st.floats(allow_nan=False), st.integers(-(2**70), 2**70), st.sampled_from([0, -0.0, 5e-324])
        ),
        "bool": st.sampled_from([True, False, 1, 0, 1.0, -0.0]),
        "str": st.sampled_from(list(texts)),
    }
    odd: list[Any] = [None, True, 2, 0.5, "x", "", [], [1], {}, {"a": 1}, 10**400, float("inf"), float("nan")]
    return st.one_of(*[right[kind]] * 25, st.sampled_from(odd))
