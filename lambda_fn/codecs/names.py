"""The names of the features: what a body's own are for them, how a message tells of them, a value for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lambda_fn.errors import LISTED, Problem, ServiceError, listed

if TYPE_CHECKING:
    from lambda_fn.model.card import Card


def columns(names: Sequence[str], card: Card, where: str) -> list[int | None]:
    """Return for each of the card's features its place in `names`, which `where` has; None for one that is dropped.

    Raises ServiceError: unknown-feature, also for a name that is there twice; missing-feature.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if name not in card.columns or name in places:
            twice = " twice" if name in places else ""
            detail = f"{where} has {name[:200]!r}{twice}, the model takes {listed(card.names)}"
            raise ServiceError(Problem.UNKNOWN_FEATURE, detail)
        places[name] = place
    for column, feature in enumerate(card.features):
        if feature.name not in places and not feature.dropped:
            detail = f"{where} lacks {feature.name!r}, the model takes {listed(card.names)}"
            raise ServiceError(Problem.MISSING_FEATURE, detail, column=column)
    return [None if feature.dropped else places[feature.name] for feature in card.features]


def width_of(features: Sequence[str]) -> str:
    """Return how many features there are, and their names, of many the first few: ``2 (a, b)``.

    >>> width_of(["age", "income"])
    '2 (age, income)'
    """
    return f"{len(features)} ({', '.join(features[:LISTED])}{', …' if len(features) > LISTED else ''})"


def check_widths(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> None:
    """Raise ServiceError for the first row that has not a value for each of the `names`."""
    if set(map(len, rows)) == {len(names)}:
        return
    number = next(number for number, row in enumerate(rows) if len(row) != len(names))
    count = len(rows[number])
    ragged = len(set(map(len, rows))) > 1
    raise ServiceError(
        Problem.RAGGED_ROWS if ragged else Problem.WRONG_WIDTH,
        f"row {number} has {count} value{'' if count == 1 else 's'}, the model takes {width_of(names)}",
        row=number,
    )
