"""What is written of a row: keys of the input, then the label, then probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from lambda_fn.bulk.failures import RefusedError
from lambda_fn.codecs.csv_rows import text_of
from lambda_fn.model.card import Card
from lambda_fn.record import Record

PREDICTION, PROBABILITIES = "prediction", "probabilities"


class Columns(Record):
    """The columns of an output, in their order.

    keys: names of columns of the input. prediction: whether the label, or value, is one.
    classes: the places of the classes whose probabilities are columns.
    """

    keys: tuple[str, ...]
    prediction: bool
    classes: tuple[int, ...]


def columns_of(asked: Sequence[str], card: Card, has_probabilities: bool) -> Columns:
    """Return the columns that are asked for, all of the scores if none are; raise RefusedError if no score is."""
    names = class_names(card) if has_probabilities else []
    if not asked:
        return Columns((), True, tuple(range(len(names))))
    if PROBABILITIES in asked and not names:
        raise RefusedError(f"the model is a {card.task} without probabilities")
    wanted = {*names} if PROBABILITIES in asked else {*asked}
    classes = tuple(place for place, name in enumerate(names) if name in wanted)
    chosen = Columns(keys_of(asked, card), PREDICTION in asked, classes)
    if not chosen.prediction and not classes:
        raise RefusedError(
            f"columns are {', '.join(asked)[:200]}, expected {PREDICTION!r} or {PROBABILITIES!r} among them"
        )
    return chosen


def keys_of(asked: Sequence[str], card: Card) -> tuple[str, ...]:
    """Return those of the columns asked for that are the input's."""
    scores = {PREDICTION, PROBABILITIES, *class_names(card)}
    return tuple(name for name in asked if name not in scores)


def class_names(card: Card) -> list[str]:
    """Return what the columns of the classes' probabilities are called."""
    return [str(text_of(label)) for label in card.classes]
