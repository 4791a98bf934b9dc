"""The rows in a JSON document become lists, each as wide as the model."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn

from lambda_fn.codecs.json_values import kind_of
from lambda_fn.codecs.names import width_of
from lambda_fn.errors import Problem, ServiceError, listed

if TYPE_CHECKING:
    from lambda_fn.model.card import Card


def data_of(document: Any, width: int) -> Any:
    """Return what is under ``data``; raise ServiceError if nothing is."""
    if not isinstance(document, dict):
        raise ServiceError(Problem.MISSING_DATA, f"the body is {kind_of(document)}, expected {_expected(width)}")
    if "data" not in document:
        names = ", ".join(sorted(document)) or "no member"
        raise ServiceError(Problem.MISSING_DATA, f"the body has {names[:200]}, expected {_expected(width)}")
    return document["data"]


def rows_of(data: Any, width: int) -> list[Any]:
    """Return the rows that are under ``data``; raise ServiceError if there are none."""
    if not isinstance(data, list):
        raise ServiceError(Problem.MISSING_DATA, f"`data` is {kind_of(data)}, expected {_expected(width)}")
    if not data:
        raise ServiceError(Problem.EMPTY_DATA, "`data` is an empty list; scikit-learn, too, takes 1 row at least")
    return data


def make_lists(rows: list[Any], card: Card) -> None:
    """Put a list of values in the place of each row that is an object; raise ServiceError for what is neither."""
    if set(map(type, rows)) == {list}:
        return
    for number, row in enumerate(rows):  # each in its place, so that the objects end
        rows[number] = _as_list(row, number, card)


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


def _as_list(row: Any, number: int, card: Card) -> list[Any]:
    """Return the values of row `number` in the order of the features, 0 for one that is dropped."""
    if isinstance(row, list):
        return row
    if not isinstance(row, dict):
        detail = f"row {number} is {kind_of(row)}, expected a list of {len(card.names)} values or an object"
        raise ServiceError(Problem.INVALID_ROW, detail, row=number)
    if row.keys() != card.columns.keys():
        if not card.dropped:
            _raise_names(row, number, card)
        for column in card.dropped:
            row.setdefault(card.names[column], 0.0)
        if row.keys() != card.columns.keys():
            _raise_names(row, number, card)
    values = itemgetter(*card.names)(row)
    return list(values) if len(card.names) > 1 else [values]


def _raise_names(row: dict[str, Any], number: int, card: Card) -> NoReturn:
    takes = f"the model takes {listed(card.names)}"
    for name in row:
        if name not in card.columns:
            raise ServiceError(Problem.UNKNOWN_FEATURE, f"row {number} has {name[:200]!r}, {takes}", row=number)
    column, name = next((column, name) for column, name in enumerate(card.names) if name not in row)
    raise ServiceError(Problem.MISSING_FEATURE, f"row {number} lacks {name!r}, {takes}", row=number, column=column)


def _expected(width: int) -> str:
    return f'{{"data": [row, …]}}, each row a list of {width} values or an object'
