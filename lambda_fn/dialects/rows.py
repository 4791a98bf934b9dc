"""Rows as MLflow and TensorFlow Serving have them in JSON: a list of rows, of objects, or a list for each feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambda_fn.codecs.json_document import decode
from lambda_fn.codecs.json_values import kind_of
from lambda_fn.errors import Problem, ServiceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lambda_fn.model.card import Card
    from lambda_fn.model.model import Scores


def row_by_row(rows: Any, member: str, card: Card) -> NDArray[np.float64]:
    """Return a list of rows, (n, features): each a list of values, or an object, or of a single feature its value.

    member: what it is called in messages. Raises ServiceError naming row and column.
    """
    if not isinstance(rows, list):
        raise ServiceError(Problem.MISSING_DATA, f"`{member}` is {kind_of(rows)}, expected a list of rows")
    check_some(rows, member)
    if len(card.names) == 1:
        rows = [row if isinstance(row, list | dict) else [row] for row in rows]
    return decode({"data": [_bare(row) for row in rows]}, card)


def by_feature(columns: Any, member: str, card: Card) -> NDArray[np.float64]:
    """Return the rows of what is a list of them, or an object of columns: each (n,), (n, 1), or one row's value."""
    if not isinstance(columns, dict):
        return row_by_row(columns, member, card)
    values = {name: column if isinstance(column, list) else [column] for name, column in columns.items()}
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name[:50]!r} {count}" for name, count in list(lengths.items())[:20])
        raise ServiceError(Problem.RAGGED_ROWS, f"the columns of `{member}` are of different lengths: {told}")
    check_some(next(iter(values.values()), []), member)
    table = [
        list(row) for row in zip(*([_single(value) for value in column] for column in values.values()), strict=True)
    ]
    return decode({"data": table, "columns": list(values)}, card)


def values_of(scores: Scores, probabilities: bool) -> NDArray[Any]:
    """Return the predictions (n,) or the probabilities (n, classes); raise ServiceError if there are none."""
    if not probabilities:
        return scores.prediction
    if scores.probabilities is None:
        raise ServiceError(Problem.NO_PROBABILITIES, "the model has no probabilities")
    return scores.probabilities


def check_some(rows: list[Any], member: str) -> None:
    """Raise ServiceError (empty-data) if there is no row."""
    if not rows:
        raise ServiceError(Problem.EMPTY_DATA, f"`{member}` is empty; scikit-learn, too, takes 1 row at least")


def _bare(row: Any) -> Any:
    """Return a row, of an object whose values are lists of one with those."""
    return {name: _single(value) for name, value in row.items()} if isinstance(row, dict) else row


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value
