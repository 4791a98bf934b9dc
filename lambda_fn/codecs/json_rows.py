"""``{"data": [[6.2, 3.4], …]}`` becomes rows; scores become ``{"prediction": […]}``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lambda_fn.card import UNKNOWN, Card, Feature
from lambda_fn.codecs.names import width_of
from lambda_fn.errors import Problem, ServiceError, listed
from lambda_fn.json_body import check_charset, parse_json
from lambda_fn.request import Request

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.rows import Rows

CONTENT_TYPE = "application/json"
ENCODER = json.JSONEncoder(allow_nan=False)
SLICED_BYTES = 8192
"""Larger bodies are parsed slice by slice."""
MANY_NUMBERS = 128
NUMBERS = frozenset({int, float})
"""The types of a JSON number. A bool is none of them, though Python would count with it."""
TYPES: Mapping[str, frozenset[type]] = {"float": NUMBERS, "bool": frozenset({bool}), "str": frozenset({str})}
EXPECTED = {"float": "a number", "bool": "true or false", "str": "a string"}


def decode_request(request: Request, parameters: Mapping[str, str], card: Card) -> Rows:
    """Return the rows in the JSON body of `request`; raises unsupported-media-type, and what `decode_body` raises."""
    check_charset(parameters)
    body = request.body
    if len(body) > SLICED_BYTES:
        from lambda_fn.codecs.json_slices import sliced_rows  # here, as most bodies are small

        rows = sliced_rows(body, card)
        if rows is not None:
            return rows
    return decode_body(body, card)


def decode_body(body: bytes, card: Card) -> NDArray[np.float64]:
    """Return the rows in `body`; raises what `parse_json` and `decode` raise."""
    document = parse_json(body)
    if holds_numbers(body, card):
        rows = _as_numbers(document)
        if rows is not None and rows.ndim == 2 and rows.shape[1] == len(card.names):
            return rows
    return decode(document, card)


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

    A row is a list of values in the order of the card's features, or an object keyed by their names.
    Raises ServiceError naming the row and column, counted from 0.
    """
    rows = _data(document, card.names)
    if set(map(type, rows)) != {list}:
        rows = [_as_list(row, number, card.names) for number, row in enumerate(rows)]
    if set(map(len, rows)) != {len(card.names)}:
        _raise_width(rows, card.names)
    if not (card.numeric and set(map(type, chain.from_iterable(rows))) <= NUMBERS):
        _check_types(rows, card.features)
    try:
        if card.numeric:
            return np.array(rows, dtype=np.float64)
        columns = enumerate(zip(*rows, strict=True))
        numbers = [_numbers(values, column, card.features[column]) for column, values in columns]
        return np.array(numbers, dtype=np.float64).T
    except OverflowError:
        _raise_beyond_float64(rows, card)


def _numbers(values: Sequence[Any], column: int, feature: Feature) -> Sequence[float | None]:
    """Return a column's values as numbers; raise ServiceError for a string that is none of the categories."""
    if feature.type != "str":
        return values
    codes = [None if value is None else feature.categories.get(value, UNKNOWN) for value in values]
    if UNKNOWN in codes and not feature.takes_unknown:
        row = codes.index(UNKNOWN)
        raise unknown_category(values[row], f"row {row}, column {column} ({feature.name!r})", row, column, feature)
    return codes


def unknown_category(value: str, where: str, row: int, column: int, feature: Feature) -> ServiceError:
    """Return the error for a string, found at `where`, that is none of the feature's categories."""
    detail = f"{where} is {value[:200]!r}, the model takes {listed(tuple(feature.categories))}"
    return ServiceError(Problem.UNKNOWN_CATEGORY, detail, row=row, column=column)


def encode(
    prediction: NDArray[Any],
    probabilities: NDArray[np.floating[Any]] | None = None,
    classes: Sequence[bool | int | float | str] = (),
) -> str:
    """Return the body for the predictions (n,), with probabilities (n, classes) if they are given.

    Raises ServiceError naming the first row whose score is NaN or infinite.
    """
    if probabilities is None and prediction.dtype.kind in "iu":
        return f'{{"prediction": {_whole_numbers(prediction)}}}'
    content: dict[str, Any] = {"prediction": prediction.tolist()}
    if probabilities is not None:
        content["probabilities"] = probabilities.tolist()
        content["classes"] = list(classes)
    try:
        return ENCODER.encode(content)
    except ValueError as error:
        scores = prediction if probabilities is None else probabilities
        row = int(np.argmin(np.isfinite(scores.astype(np.float64)).reshape(len(prediction), -1).all(axis=1)))
        detail = f"row {row} is scored {scores[row].tolist()}; the model overflows on it"
        raise ServiceError(Problem.SCORE_NOT_FINITE, detail, row=row) from error


def _whole_numbers(numbers: NDArray[np.integer[Any]]) -> str:
    """Return whole numbers (n,) as a JSON array: Python writes them the same, in a third of an encoder's time.

    Of many numbers of a digit, as class labels mostly are, an array of characters takes a twelfth of that.
    """
    if len(numbers) > MANY_NUMBERS and numbers.min() >= 0 and numbers.max() <= 9:
        text = np.full((len(numbers), 3), np.frombuffer(b"0, ", np.uint8))
        text[:, 0] += numbers.astype(np.uint8)
        return f"[{text.tobytes()[:-2].decode()}]"
    return str(numbers.tolist())


def _data(document: Any, features: Sequence[str]) -> list[Any]:
    expected = f'{{"data": [row, …]}}, each row a list of {len(features)} values or an object'
    if not isinstance(document, dict):
        raise ServiceError(Problem.MISSING_DATA, f"the body is {_kind(document)}, expected {expected}")
    if "data" not in document:
        names = ", ".join(sorted(document)) or "no member"
        raise ServiceError(Problem.MISSING_DATA, f"the body has {names[:200]}, expected {expected}")
    rows = document["data"]
    if not isinstance(rows, list):
        raise ServiceError(Problem.MISSING_DATA, f"`data` is {_kind(rows)}, expected {expected}")
    if not rows:
        raise ServiceError(Problem.EMPTY_DATA, "`data` is an empty list; scikit-learn, too, takes 1 row at least")
    return rows


def _as_list(row: Any, number: int, features: Sequence[str]) -> list[Any]:
    if isinstance(row, list):
        return row
    if not isinstance(row, dict):
        raise ServiceError(
            Problem.INVALID_ROW,
            f"row {number} is {_kind(row)}, expected a list of {len(features)} values or an object",
            row=number,
        )
    if row.keys() != set(features):
        _raise_names(row, number, features)
    values = itemgetter(*features)(row)
    return list(values) if len(features) > 1 else [values]


def _raise_names(row: dict[str, Any], number: int, features: Sequence[str]) -> NoReturn:
    takes = f"the model takes {listed(features)}"
    for name in row:
        if name not in features:
            raise ServiceError(Problem.UNKNOWN_FEATURE, f"row {number} has {name[:200]!r}, {takes}", row=number)
    column, name = next((column, name) for column, name in enumerate(features) if name not in row)
    raise ServiceError(Problem.MISSING_FEATURE, f"row {number} lacks {name!r}, {takes}", row=number, column=column)


def _raise_width(rows: list[list[Any]], features: Sequence[str]) -> NoReturn:
    number = next(number for number, row in enumerate(rows) if len(row) != len(features))
    count = len(rows[number])
    ragged = len(set(map(len, rows))) > 1
    raise ServiceError(
        Problem.RAGGED_ROWS if ragged else Problem.WRONG_WIDTH,
        f"row {number} has {count} value{'' if count == 1 else 's'}, the model takes {width_of(features)}",
        row=number,
    )


def _check_types(rows: list[list[Any]], features: Sequence[Feature]) -> None:
    """Raise ServiceError for the first value that is neither of its feature's type nor a null where that is allowed."""
    for row, values in enumerate(rows):
        for column, (value, feature) in enumerate(zip(values, features, strict=True)):
            if type(value) in TYPES[feature.type] or (value is None and feature.accepts.nan):
                continue
            where, expected = f"row {row}, column {column} ({feature.name!r})", EXPECTED[feature.type]
            detail = f"{where} is {_kind(value)}, expected {expected}{' or null' if feature.accepts.nan else ''}"
            problem = Problem.NOT_A_NUMBER if feature.type == "float" else Problem.WRONG_TYPE
            raise ServiceError(problem, detail, row=row, column=column)


def _raise_beyond_float64(rows: list[list[Any]], card: Card) -> NoReturn:
    """Name the whole number that no float holds; every float that JSON spells is read, if as an infinity."""
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            try:
                _ = float(value) if card.features[column].type == "float" and value is not None else 0.0
            except OverflowError as error:
                raise ServiceError(
                    Problem.BEYOND_FLOAT32,
                    f"row {row}, column {column} ({card.names[column]!r}) is a whole number of"
                    f" {len(str(abs(value)))} digits, the model takes finite numbers of float32",
                    row=row,
                    column=column,
                ) from error
    raise AssertionError("numpy refused numbers that Python takes")


def _kind(value: Any) -> str:
    """Say what a JSON value is, in JSON's words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
