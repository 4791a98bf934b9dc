"""``application/x-npy`` becomes rows, which are what the bytes of the body already are; scores become the same.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html; nothing is ever unpickled.
"""

from __future__ import annotations

import ast
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lambda_fn.card import Card
from lambda_fn.codecs.names import columns, width_of
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.request import Request
    from lambda_fn.rows import Rows

CONTENT_TYPE = "application/x-npy"
MAGIC = b"\x93NUMPY"
HEADER_BYTES = 65_536
"""The longest header that is read: Python parses it."""
BLOCK_ROWS = 4096
"""How many rows are looked through at once."""
NUMBER = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
PADDING = re.compile(r"\|V[0-9]{1,4}")


class Header(Record):
    """What a file says of its array: its type as `np.dtype` takes it, its shape, its order, where its bytes begin."""

    descr: Any
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    offset: int


class _Converted:
    """The rows of an array (n, features) of other numbers, or in another order, converted slice by slice."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        return np.array(self._array[rows], np.float64, order="C")


class _Fields:
    """The rows of a structured array (n,), its fields in the order of `names`, converted slice by slice."""

    def __init__(self, array: NDArray[Any], names: Sequence[str]) -> None:
        self._array, self._names = array, names

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        fields = self._array[rows]
        return np.stack([fields[name].astype(np.float64) for name in self._names], axis=1)


def decode_request(request: Request, parameters: Mapping[str, str], card: Card) -> Rows:
    """Return the rows in the body of `request`; raises what `decode` raises."""
    return decode(request.body, card)


def decode(body: bytes, card: Card) -> Rows:
    """Return the rows in `body`: an array of numbers (n, features), or a structured one (n,) that names the features.

    Booleans are 0 and 1. No memory is taken for what a header merely claims. Raises ServiceError.
    """
    for column, feature in enumerate(card.features):
        if feature.type == "str":
            detail = (
                f"column {column} ({feature.name!r}) takes strings, and NPY is taken with numbers: send JSON or CSV"
            )
            raise ServiceError(Problem.WRONG_TYPE, detail, column=column)
    header = _read_header(body)
    rows = _plain(body, header, card) if isinstance(header.descr, str) else _structured(body, header, card)
    _check_booleans(rows, card)
    return rows


def encode(
    prediction: NDArray[Any],
    probabilities: NDArray[np.floating[Any]] | None = None,
    classes: Sequence[bool | int | float | str] = (),
) -> bytes:
    """Return the predictions (n,); with probabilities, a structured array (n,) of both.

    Its field ``probabilities`` is (n, classes), the columns in the order that `GET /model` lists the class labels in.
    Strings are of the longest one's width.
    """
    answer = prediction.astype(np.str_) if prediction.dtype == object else prediction
    if probabilities is not None:
        parts = {"prediction": answer, "probabilities": probabilities}
        answer = np.empty(len(prediction), [(name, part.dtype, part.shape[1:]) for name, part in parts.items()])
        for name, part in parts.items():
            answer[name] = part
    file = io.BytesIO()
    np.save(file, answer, allow_pickle=False)
    return file.getvalue()


def _read_header(body: bytes) -> Header:
    """Return the checked header of `body`; raise ServiceError (malformed-npy) where it is none."""
    if not body.startswith(MAGIC):
        raise _malformed(f"it begins with {body[:6]!r}, not with {MAGIC!r}")
    version = tuple(body[6:8])
    if version not in {(1, 0), (2, 0), (3, 0)}:
        raise _malformed(f"it is of version {'.'.join(map(str, version))}, expected 1.0, 2.0 or 3.0")
    start = 10 if version == (1, 0) else 12
    end = start + int.from_bytes(body[8:start], "little")
    if end > min(len(body), HEADER_BYTES):
        raise _malformed(f"its header ends at byte {end}, the body has {len(body)}")
    try:
        header = ast.literal_eval(body[start:end].decode("utf-8" if version == (3, 0) else "latin-1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise _malformed("its header is no dictionary") from error
    match header:
        case {"descr": str() | list() as descr, "fortran_order": bool(fortran), "shape": tuple(shape)} if all(
            type(length) is int and 0 <= length < 2**63 for length in shape
        ):
            return Header(descr, shape, "F" if fortran else "C", end)
        case _:
            expected = "descr (a type), fortran_order (True or False) and shape (whole numbers)"
            raise _malformed(f"its header was expected to have {expected}, it is {str(header)[:200]}")


def _plain(body: bytes, header: Header, card: Card) -> Rows:
    if not NUMBER.fullmatch(header.descr):
        raise ServiceError(Problem.NOT_A_NUMBER, f"the array is of {header.descr[:200]!r}, expected numbers")
    width = len(card.features)
    if len(header.shape) != 2:
        raise _malformed(f"its shape is {header.shape}, expected (rows, {width})")
    if header.shape[1] != width:
        detail = f"the rows have {header.shape[1]} values, the model takes {width_of(card.names)}"
        raise ServiceError(Problem.WRONG_WIDTH, detail)
    array = _array(body, header, np.dtype(header.descr)).reshape(
        header.shape, order="F" if header.order == "F" else "C"
    )
    ready = array.dtype == np.float64 and array.flags.c_contiguous and array.flags.aligned
    return array if ready else _Converted(array)


def _structured(body: bytes, header: Header, card: Card) -> Rows:
    names = []
    for field in header.descr:
        match field:
            case tuple(("", str(kind))) if PADDING.fullmatch(kind):
                continue
            case tuple((str(name), str(kind))) if NUMBER.fullmatch(kind):
                names.append(name)
            case _:
                raise ServiceError(Problem.NOT_A_NUMBER, f"the array has a field {str(field)[:200]}, expected numbers")
    columns(names, card.names, "the array's type")
    if len(header.shape) != 1:
        raise _malformed(f"its shape is {header.shape}, expected (rows,) for an array with fields")
    return _Fields(_array(body, header, np.lib.format.descr_to_dtype(header.descr)), card.names)


def _array(body: bytes, header: Header, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the array as one of a single dimension, on the bytes of `body` themselves."""
    count, size = math.prod(header.shape), len(body) - header.offset
    if count * dtype.itemsize != size:
        raise _malformed(f"its header tells of {count} times {dtype.itemsize} bytes, {size} follow")
    if header.shape[0] == 0:
        raise ServiceError(Problem.EMPTY_DATA, "the array has no row; scikit-learn, too, takes 1 row at least")
    return np.frombuffer(body, dtype, count, header.offset)


def _check_booleans(rows: Rows, card: Card) -> None:
    """Raise ServiceError for the first value of a boolean feature that is none."""
    booleans = [column for column, feature in enumerate(card.features) if feature.type == "bool"]
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


def _malformed(detail: str) -> ServiceError:
    return ServiceError(Problem.MALFORMED_NPY, f"the body is not an NPY file of rows: {detail[:400]}")
