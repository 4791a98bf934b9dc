"""Which estimators convert, and how well: the table of docs/estimators.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from convert.strategies.composed import ESTIMATORS
from convert.strategies.plain import REFUSED
from convert.transforms import WRITERS
from convert.trees import READERS


class Support(NamedTuple):
    """A line of the table: the class's name, ``exact``, ``certified`` or ``refused``, and what that rests on."""

    estimator: str
    level: str
    how: str


def supported() -> Iterator[Support]:
    """Yield the lines of the table: exact, certified, refused, each in alphabetical order."""
    for name in sorted(reader.__name__ for reader in READERS):
        yield Support(name, "exact", "a table of its answers, or float64 trees")
    for name in sorted(writer.__name__ for writer in WRITERS):
        yield Support(name, "exact", "in float64, in front of the above")
    for name in sorted(estimator.__name__ for estimator in ESTIMATORS):
        yield Support(name, "certified", "in float64, within 1e-9")
    for estimator, reason in sorted(REFUSED.items(), key=lambda item: item[0].__name__):
        yield Support(estimator.__name__, "refused", reason)


def markdown() -> str:
    """Return the table in Markdown."""
    lines = ["| estimator | | how |", "|---|---|---|"]
    lines += [f"| {support.estimator} | {support.level} | {support.how} |" for support in supported()]
    return "\n".join(lines)
