"""A JSON document, read as a whole: its rows become lists, each as wide as the model, and these numbers."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lambda_fn.codecs.json_values import kind_of, numbers
from lambda_fn.codecs.names import check_widths
from lambda_fn.errors import Problem, ServiceError, listed
from lambda_fn.http.json_body import parse_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.card import Card

SLICED_BYTES = 8192
"""Larger bodies are parsed slice by slice, if they can be."""


def decode_body(body: bytes, card: Card) -> NDArray[np.float64]:
    """Return the rows in `body`; raises what `parse_json` and `decode` raise."""
    return read(body, card)[0]


def read(body: bytes, card: Card) -> tuple[NDArray[np.float64], bool | None]:
    """Return what `decode_body` returns, and whether the document wants probabilities, None if it does not say."""
    return _read_large(body, card) if len(body) > SLICED_BYTES else _read(body, card)


def parse_document(body: bytes, row_depth: int) -> Any:
    """Return the JSON document in a body of any size; raise ServiceError (malformed-json, duplicate-member).

    row_depth: how deep a row stands in it.
    """
    if len(body) <= SLICED_BYTES:
        return parse_json(body)
    from lambda_fn.codecs.json_large import check_nesting, many_objects  # as below

    check_nesting(body, row_depth)
    with many_objects():
        return parse_json(body)


def _read_large(body: bytes, card: Card) -> tuple[NDArray[np.float64], bool | None]:
    from lambda_fn.codecs.json_large import check_nesting, many_objects  # here, as most bodies are small

    check_nesting(body)
    with many_objects():
        return _decode(parse_json(body), card)


def _read(body: bytes, card: Card) -> tuple[NDArray[np.float64], bool | None]:
    document = parse_json(body)
    if holds_numbers(body, card):
        rows = _as_numbers(document)
        if rows is not None and rows.ndim == 2 and rows.shape[1] == len(card.names) and not card.dropped:
            return rows, None
    return _decode(document, card)


def holds_numbers(body: bytes, card: Card) -> bool:
    """Whether numpy may take the values in `body` as they come: to look at each first takes longer.

    It has no string but its key, and not the letters of true, false and null, which numpy, too, takes for numbers.
    """
    return card.numeric and body.count(b'"') == 2 and b"u" not in body and b"s" not in body


def _as_numbers(document: Any) -> NDArray[np.float64] | None:
    """Return what is under ``data`` if that is an array of numbers; `decode` says of the rest what is wrong."""
    try:
        return np.array(document["data"], dtype=np.float64)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def decode(document: Any, card: Card) -> NDArray[np.float64]:
    """Return the rows under ``data``, (n, features), as numbers: a string as that of its category, null as NaN.

    A row is a list of values in the order of the card's features, or of the names in ``columns`` beside ``data``, or an
    object keyed by names. Raises ServiceError naming the row and column, counted from 0.
    """
    return _decode(document, card)[0]


def _decode(document: Any, card: Card) -> tuple[NDArray[np.float64], bool | None]:
    """Return what `decode` returns, and whether the document wants probabilities."""
    width, wanted = len(card.names), None
    data = _data_of(document, width)
    if len(document) > 1:
        from lambda_fn.codecs.json_members import put_in_order, wants_probabilities  # here, as most have rows alone

        wanted = wants_probabilities(document)
    rows = _rows_of(data, width)
    if "columns" in document:
        put_in_order(rows, document["columns"], card)
    else:
        _make_lists(rows, card)
        check_widths(rows, card.names)
    return numbers(rows, card), wanted


def _data_of(document: Any, width: int) -> Any:
    """Return what is under ``data``; raise ServiceError if nothing is."""
    if not isinstance(document, dict):
        raise ServiceError(Problem.MISSING_DATA, f"the body is {kind_of(document)}, expected {_expected(width)}")
    if "data" not in document:
        names = ", ".join(sorted(document)) or "no member"
        raise ServiceError(Problem.MISSING_DATA, f"the body has {names[:200]}, expected {_expected(width)}")
    return document["data"]


def _rows_of(data: Any, width: int) -> list[Any]:
    """Return the rows that are under ``data``; raise ServiceError if there are none."""
    if not isinstance(data, list):
        raise ServiceError(Problem.MISSING_DATA, f"`data` is {kind_of(data)}, expected {_expected(width)}")
    if not data:
        raise ServiceError(Problem.EMPTY_DATA, "`data` is an empty list; scikit-learn, too, takes 1 row at least")
    return data


def _make_lists(rows: list[Any], card: Card) -> None:
    """Put a list of values in the place of each row that is an object; raise ServiceError for what is neither."""
    if set(map(type, rows)) == {list}:
        return
    for number, row in enumerate(rows):  # each in its place, so that the objects end
        rows[number] = _as_list(row, number, card)


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
