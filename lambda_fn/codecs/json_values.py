"""The values in rows of JSON become numbers, or the first one that can't be is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.errors import LISTED, Problem, ServiceError, listed
from lambda_fn.model.card import UNKNOWN, Card, Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_ROWS = 1024
"""How many rows become numbers at once: each takes several times its Python objects on the way."""
NUMBERS = frozenset({int, float})
"""The types of a JSON number. A bool is none of them, though Python would count with it."""
NULL = type(None)
TYPES: Mapping[str, frozenset[type]] = {
    "float": NUMBERS,
    "bool": frozenset({bool, int, float}),
    "str": frozenset({str}),
}
EXPECTED = {"float": "a number", "bool": "true or false", "str": "a string"}


def numbers(rows: Sequence[Sequence[Any]], card: Card) -> NDArray[np.float64]:
    """Return `rows`, each as wide as the card, as numbers (n, features).

    A string is that of its category, true is 1, null is NaN, and what is dropped is 0. Raises ServiceError for the
    first value, row by row, that its feature does not take.
    """
    if len(rows) <= BLOCK_ROWS:
        return block(rows, 0, card)
    values = np.empty((len(rows), len(card.features)))
    for start in range(0, len(rows), BLOCK_ROWS):
        values[start : start + BLOCK_ROWS] = block(rows[start : start + BLOCK_ROWS], start, card)
    return values


def block(rows: Sequence[Sequence[Any]], start: int, card: Card) -> NDArray[np.float64]:
    """Return a block of rows as `numbers` does; its first is number `start`."""
    try:
        if card.numeric and set(map(type, chain.from_iterable(rows))) <= NUMBERS:
            values = np.array(rows, np.float64)
            if card.dropped:
                values[:, card.dropped] = 0.0
            return values
        pairs = zip(zip(*rows, strict=True), card.features, strict=True)
        return np.array([_column(column, feature) for column, feature in pairs], np.float64).T
    except (ValueError, OverflowError) as error:
        raise _first_refusal(rows, start, card) from error  # in no name: an error and its frame would hold each other


def _column(values: Sequence[Any], feature: Feature) -> Sequence[float | None]:
    """Return a column's values as numbers or None; raise ValueError if the feature does not take one of them."""
    if feature.dropped:
        return (0.0,) * len(values)
    kinds = set(map(type, values))
    if NULL in kinds and feature.accepts.nan:
        kinds.remove(NULL)
    if not kinds <= TYPES[feature.type]:
        raise ValueError(feature.name)
    if feature.type == "str":
        codes = [None if value is None else feature.categories.get(value, UNKNOWN) for value in values]
        if not feature.takes_unknown and UNKNOWN in codes:
            raise ValueError(feature.name)
        return codes
    if feature.type == "bool" and not (kinds <= {bool} or all(map({0, 1, None}.__contains__, values))):
        raise ValueError(feature.name)
    return values


def _fits(values: Sequence[Any], feature: Feature) -> bool:
    """Whether all of a column's values become numbers."""
    try:
        np.array(_column(values, feature), np.float64)
    except (ValueError, OverflowError):
        return False
    return True


def _first_refusal(rows: Sequence[Sequence[Any]], start: int, card: Card) -> ServiceError:
    """Return the error for the first value, row by row, that its feature does not take; there is one."""
    first, found = len(rows), 0
    for column, values in enumerate(zip(*rows, strict=True)):
        feature = card.features[column]
        if not _fits(values[:first], feature):
            first = next(row for row, value in enumerate(values) if not _fits((value,), feature))
            found = column
    return _refusal(rows[first][found], start + first, found, card.features[found])


def _refusal(value: Any, row: int, column: int, feature: Feature) -> ServiceError:
    where = f"row {row}, column {column} ({feature.name!r})"
    if type(value) is str and feature.type == "str":
        return unknown_category(value, where, row, column, feature)
    if type(value) is int and feature.type == "float":
        detail = f"{where} is a whole number of {len(str(abs(value)))} digits, the model takes finite numbers"
        return ServiceError(Problem.BEYOND_FLOAT32, f"{detail} of float32", row=row, column=column)
    came = str(value)[:200] if type(value) in NUMBERS and feature.type == "bool" else kind_of(value)
    detail = f"{where} is {came}, expected {EXPECTED[feature.type]}{' or null' if feature.accepts.nan else ''}"
    problem = Problem.NOT_A_NUMBER if feature.type == "float" else Problem.WRONG_TYPE
    return ServiceError(problem, detail, row=row, column=column)


def unknown_category(value: str, where: str, row: int, column: int, feature: Feature) -> ServiceError:
    """Return the error for a string, found at `where`, that is none of the feature's categories."""
    takes = listed(list(feature.categories)[: LISTED + 1])
    detail = f"{where} is {value[:200]!r}, the model takes {takes}"
    return ServiceError(Problem.UNKNOWN_CATEGORY, detail, row=row, column=column)


def kind_of(value: Any) -> str:
    """Say what a JSON value is, in JSON's words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", NULL: "null"}
    return names.get(type(value), "a number")
