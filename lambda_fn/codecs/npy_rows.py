"""``application/x-npy`` becomes rows, which are what the bytes of the body already are; scores become the same.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html; nothing is ever unpickled.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.codecs.names import columns, width_of
from lambda_fn.codecs.npy_header import Header, malformed, read_header
from lambda_fn.codecs.sizes import check_size
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.card import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.http.request import Request
    from lambda_fn.model.rows import Rows

CONTENT_TYPE = "application/x-npy"
BLOCK_ROWS = 4096
"""How many rows are looked through at once."""
NUMBER = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
PADDING = re.compile(r"\|V[0-9]{1,4}")
IGNORED = re.compile(r"[<>|=]?([SUV][0-9]{1,6}|c(8|16)|f16|[mM]8(\[([munpf]?s|[mhDWMY])\])?)")
"""The types, beside numbers, of a field that is dropped: those whose size is known, so never objects."""


class _Converted:
    """The rows of an array (n, features) of other numbers, or in another order, converted slice by slice."""

    def __init__(self, array: NDArray[Any], dropped: Sequence[int]) -> None:
        self._array, self._dropped = array, dropped

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):  # some NaN are told of
            values = np.array(self._array[rows], np.float64, order="C")
        if self._dropped:
            values[:, self._dropped] = 0.0
        return values


class _Fields:
    """The rows of a structured array (n,), a field for each feature that is not dropped, converted slice by slice."""

    def __init__(self, array: NDArray[Any], card: Card) -> None:
        self._array, self._width = array, len(card.features)
        self._kept = [(column, each.name) for column, each in enumerate(card.features) if not each.dropped]

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        fields = self._array[rows]
        values = np.zeros((len(fields), self._width))
        with np.errstate(invalid="ignore"):
            for column, name in self._kept:
                values[:, column] = fields[name]
        return values


def decode_request(request: Request, parameters: Mapping[str, str], card: Card) -> tuple[Rows, None]:
    """Return the rows in the body of `request`; raises what `decode` raises."""
    return decode(request.body, card), None


def decode(body: bytes, card: Card) -> Rows:
    """Return the rows in `body`: an array of numbers (n, features), or a structured one (n,) that names the features.

    Booleans are 0 and 1. No memory is taken for what a header merely claims. Raises ServiceError.
    """
    return rows_of(body, read_header(body), card)


def rows_of(body: bytes, header: Header, card: Card) -> Rows:
    """Return the rows that a `header` tells of, which are in `body` from its offset on; raises what `decode` does."""
    for column, feature in enumerate(card.features):
        if feature.type == "str" and not feature.dropped:
            detail = (
                f"column {column} ({feature.name!r}) takes strings, and NPY is taken with numbers: send JSON or CSV"
            )
            raise ServiceError(Problem.WRONG_TYPE, detail, column=column)
    read = _plain if isinstance(header.descr, str) else _structured
    rows = read(body, header, card, dtype_of(header, card))
    _check_booleans(rows, card)
    return rows


def dtype_of(header: Header, card: Card) -> np.dtype[Any]:
    """Return the type of an array's rows; raise ServiceError for one that is not of numbers, or lacks features.

    numpy sees no other: what a type may be said to be, it evaluates.
    """
    if isinstance(header.descr, str):
        if not NUMBER.fullmatch(header.descr):
            raise ServiceError(Problem.NOT_A_NUMBER, f"the array is of {header.descr[:200]!r}, expected numbers")
        return np.dtype(header.descr)
    names, ignored = [], {card.names[column] for column in card.dropped}
    for field in header.descr:
        match field:
            case tuple(("", str(kind))) if PADDING.fullmatch(kind):
                continue
            case tuple((str(name), str(kind))) if NUMBER.fullmatch(kind) or (
                name in ignored and IGNORED.fullmatch(kind)
            ):
                names.append(name)
            case _:
                raise ServiceError(Problem.NOT_A_NUMBER, f"the array has a field {str(field)[:200]}, expected numbers")
    columns(names, card, "the array's type")
    return np.lib.format.descr_to_dtype(header.descr)


def least_bytes(count: int, classes: Sequence[bool | int | float | str], probabilities: bool) -> int:
    """Return what an answer takes at the least, in base64: a label for a row, and a float32 for a probability."""
    label = min((_least_width(label) for label in classes), default=4)
    return count * (label + (4 * len(classes) if probabilities else 0)) * 4 // 3


def _least_width(label: bool | int | float | str) -> int:
    """Return how many bytes a label takes at the least, whatever type of its kind the model answers in."""
    return 4 * len(label) if isinstance(label, str) else 1


def encode(
    prediction: NDArray[Any],
    probabilities: NDArray[np.floating[Any]] | None = None,
    classes: Sequence[bool | int | float | str] = (),
) -> bytes:
    """Return the predictions (n,); with probabilities, a structured array (n,) of both.

    Its field ``probabilities`` is (n, classes), the columns in the order that `GET /model` lists the class labels in.
    Strings are of the longest one's width. Raises ServiceError (response-too-large) for more than an answer may take.
    """
    kind = prediction.dtype
    if kind.hasobject:
        kind = np.dtype(f"U{max(map(len, prediction.tolist()))}")
    check_size((len(prediction) * kind.itemsize + (probabilities.nbytes if probabilities is not None else 0)) * 4 // 3)
    answer = prediction.astype(kind, copy=False)
    if probabilities is not None:
        parts = {"prediction": answer, "probabilities": probabilities}
        answer = np.empty(len(prediction), [(name, part.dtype, part.shape[1:]) for name, part in parts.items()])
        for name, part in parts.items():
            answer[name] = part
    file = io.BytesIO()
    np.save(file, answer, allow_pickle=False)
    return file.getvalue()


def _plain(body: bytes, header: Header, card: Card, dtype: np.dtype[Any]) -> Rows:
    width = len(card.features)
    if len(header.shape) != 2:
        raise malformed(f"its shape is {header.shape}, expected (rows, {width})")
    if header.shape[1] != width:
        detail = f"the rows have {header.shape[1]} values, the model takes {width_of(card.names)}"
        raise ServiceError(Problem.WRONG_WIDTH, detail)
    array = _array(body, header, dtype).reshape(header.shape, order="F" if header.order == "F" else "C")
    ready = array.dtype == np.float64 and array.flags.c_contiguous and array.flags.aligned and not card.dropped
    return array if ready else _Converted(array, card.dropped)


def _structured(body: bytes, header: Header, card: Card, dtype: np.dtype[Any]) -> Rows:
    if len(header.shape) != 1:
        raise malformed(f"its shape is {header.shape}, expected (rows,) for an array with fields")
    return _Fields(_array(body, header, dtype), card)


def _array(body: bytes, header: Header, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the array as one of a single dimension, on the bytes of `body` themselves."""
    count, size = math.prod(header.shape), len(body) - header.offset
    if count * dtype.itemsize != size:
        raise malformed(f"its header tells of {count} times {dtype.itemsize} bytes, {size} follow")
    if header.shape[0] == 0:
        raise ServiceError(Problem.EMPTY_DATA, "the array has no row; scikit-learn, too, takes 1 row at least")
    return np.frombuffer(body, dtype, count, header.offset)


def _check_booleans(rows: Rows, card: Card) -> None:
    """Raise ServiceError for the first value of a boolean feature that is none."""
    booleans = [
        column for column, feature in enumerate(card.features) if feature.type == "bool" and not feature.dropped
    ]
    if not booleans:
        return
    nan = np.array([card.features[column].accepts.nan for column in booleans])
    for start in range(0, len(rows), BLOCK_ROWS):
        values = rows[start : start + BLOCK_ROWS][:, booleans]
        wrong = np.argwhere(~((values == 0) | (values == 1) | (np.isnan(values) & nan)))
        if len(wrong):
            row, number = wrong[0].tolist()
            column = booleans[number]
            where = f"row {start + row}, column {column} ({card.names[column]!r})"
            detail = f"{where} is {values[row, number]}, expected 0 or 1"
            raise ServiceError(Problem.WRONG_TYPE, detail, row=start + row, column=column)
