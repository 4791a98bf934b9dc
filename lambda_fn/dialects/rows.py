"""Rows as MLflow and TensorFlow Serving have them in JSON: a list of rows, of objects, or a list for each feature."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.codecs import names
from lambda_fn.codecs.json_document import decode
from lambda_fn.codecs.json_rows import LEAST_BYTES, encode_values
from lambda_fn.codecs.json_values import BLOCK_ROWS, block, kind_of
from lambda_fn.errors import Problem, ServiceError, listed
from lambda_fn.http.request import Response
from lambda_fn.predicting import Asked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.card import Card
    from lambda_fn.model.model import Scores
    from lambda_fn.model.rows import Rows
    from lambda_fn.serving.loaded import Loaded


type Column = Callable[[slice], list[Any]]
"""The values of a feature in a slice of the rows."""


class Table:
    """Rows of values, (n, features), that are made of columns slice by slice, as each takes much memory as a list."""

    def __init__(self, columns: Sequence[Column], count: int) -> None:
        self._columns, self._count = columns, count

    def __len__(self) -> int:
        """Return n."""
        return self._count

    def __getitem__(self, rows: slice) -> list[list[Any]]:
        """Return some rows."""
        part = slice(*rows.indices(self._count))
        return [list(row) for row in zip(*(column(part) for column in self._columns), strict=True)]

    def numbers(self, card: Card) -> NDArray[np.float64]:
        """Return the rows as numbers, (n, features); raise ServiceError for the first value that is none."""
        parts = [block(self[start : start + BLOCK_ROWS], start, card) for start in range(0, self._count, BLOCK_ROWS)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def row_by_row(rows: Any, member: str, card: Card) -> NDArray[np.float64]:
    """Return a list of rows, (n, features): each a list of values, or an object, or of a single feature its value.

    member: what it is called in messages. Raises ServiceError naming row and column.
    """
    if not isinstance(rows, list):
        raise ServiceError(Problem.MISSING_DATA, f"`{member}` is {kind_of(rows)}, expected a list of rows")
    _check_some(rows, member)
    if len(card.names) == 1 and {*map(type, rows)}.isdisjoint({list, dict}):
        return Table([rows.__getitem__], len(rows)).numbers(card)
    for number, row in enumerate(rows):  # each in its place, so that the others end
        if isinstance(row, dict):
            rows[number] = _bare(row)
        elif len(card.names) == 1 and not isinstance(row, list):
            rows[number] = [row]
    return decode({"data": rows}, card)


def by_feature(columns: Any, member: str, card: Card) -> NDArray[np.float64]:
    """Return the rows of what is a list of them, or an object of columns: each (n,), (n, 1), or one row's value."""
    if not isinstance(columns, dict):
        return row_by_row(columns, member, card)
    values = {name: column if isinstance(column, list) else [column] for name, column in columns.items()}
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name[:50]!r} {count}" for name, count in list(lengths.items())[:20])
        raise ServiceError(Problem.RAGGED_ROWS, f"the columns of `{member}` are of different lengths: {told}")
    count = max(lengths.values(), default=0)
    _check_some(range(count), member)
    order, parts = names.columns(list(values), card, f"`{member}`"), list(values.values())
    return Table([zeros if place is None else partial(_singles, parts[place]) for place in order], count).numbers(card)


def zeros(rows: slice) -> list[Any]:
    """Return the column of a feature that is dropped."""
    return [0.0] * (rows.stop - rows.start)


def form_of(document: Any, forms: Collection[str], others: Collection[str] = (), what: str = "the body") -> str:
    """Return which one of the `forms` of rows an object has; raise ServiceError for another member, or not one."""
    if not isinstance(document, dict):
        detail = f"{what} is {kind_of(document)}, expected an object with {' or '.join(forms)}"
        raise ServiceError(Problem.MISSING_DATA, detail)
    for name in document:
        if name not in forms and name not in others:
            detail = f"{what} has {name[:200]!r}, taken are {listed([*forms, *others])}"
            raise ServiceError(Problem.UNKNOWN_MEMBER, detail)
    found = [name for name in forms if name in document]
    if len(found) != 1:
        detail = f"{what} has {listed(found) or 'none'} of {' or '.join(forms)}, expected one"
        raise ServiceError(Problem.MISSING_DATA, detail)
    return found[0]


def asked(rows: Rows, probabilities: bool, member: str, card: Card) -> Asked:
    """Return a call that is answered by an object with the predictions, or the probabilities, under a `member`."""
    least = LEAST_BYTES * len(card.classes) if probabilities else len("2, ")

    def answer(scores: Scores, loaded: Loaded) -> Response:
        values = encode_values(values_of(scores, probabilities))
        return Response(200, f'{{"{member}": {values}}}', loaded.headers("application/json"))

    return Asked(rows, probabilities, answer, least)


def values_of(scores: Scores, probabilities: bool) -> NDArray[Any]:
    """Return the predictions (n,) or the probabilities (n, classes); raise ServiceError if there are none."""
    if not probabilities:
        return scores.prediction
    if scores.probabilities is None:
        raise ServiceError(Problem.NO_PROBABILITIES, "the model has no probabilities")
    return scores.probabilities


def _check_some(rows: Sequence[Any], member: str) -> None:
    """Raise ServiceError (empty-data) if there is no row."""
    if not rows:
        raise ServiceError(Problem.EMPTY_DATA, f"`{member}` is empty; scikit-learn, too, takes 1 row at least")


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    """Return an object with the values of those that are in lists of one."""
    return row if list not in map(type, row.values()) else {name: _single(value) for name, value in row.items()}


def _singles(column: list[Any], rows: slice) -> list[Any]:
    return [_single(value) for value in column[rows]]


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value
