"""The names of the features: what a body's own names are for them, and how a message tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from lambda_fn.errors import LISTED, Problem, ServiceError, listed


def columns(names: Sequence[str], features: Sequence[str], where: str) -> list[int]:
    """Return for each of `features` its place in `names`, which `where` has.

    Raises ServiceError: unknown-feature, also for a name that is there twice; missing-feature.
    """
    takes = f"the model takes {listed(features)}"
    places: dict[str, int] = {}
    known = frozenset(features)
    for place, name in enumerate(names):
        if name not in known or name in places:
            twice = " twice" if name in known else ""
            raise ServiceError(Problem.UNKNOWN_FEATURE, f"{where} has {name[:200]!r}{twice}, {takes}")
        places[name] = place
    for column, name in enumerate(features):
        if name not in places:
            raise ServiceError(Problem.MISSING_FEATURE, f"{where} lacks {name!r}, {takes}", column=column)
    return [places[name] for name in features]


def width_of(features: Sequence[str]) -> str:
    """Return how many features there are, and their names, of many the first few: ``2 (a, b)``."""
    return f"{len(features)} ({', '.join(features[:LISTED])}{', …' if len(features) > LISTED else ''})"
