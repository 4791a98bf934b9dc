"""NPY as a table: each row takes the same bytes, so a chunk is found without a look at it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.bulk.blocks import BLOCK_BYTES, BLOCK_ROWS, MOST_ROW_BYTES, sized
from lambda_fn.bulk.columns import keys_of
from lambda_fn.bulk.failures import RefusedError, asking
from lambda_fn.bulk.options import Options
from lambda_fn.bulk.run import Chunk
from lambda_fn.bulk.source import head_of, pieces_of
from lambda_fn.codecs.npy_header import Header, read_header
from lambda_fn.codecs.npy_rows import dtype_of, rows_of
from lambda_fn.errors import ServiceError, listed
from lambda_fn.model.card import Card
from lambda_fn.storage import large

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.rows import Rows

TURNED_BYTES = 2**26
"""How much is read at once of an array in Fortran's order: a piece of each column, with a request of about 2 ms."""
READERS = 16


class NpyBlock:
    """Rows of an array, one behind the other in `data`; the first is number `first` of it."""

    lines = 0

    def __init__(self, data: bytes, header: Header, card: Card, first: int) -> None:
        self._first = first
        self._array = np.frombuffer(data, _dtype(header)).reshape((-1, *header.shape[1:]))
        self.rows: Rows = _Unread(self._array, header.descr, card)

    def csv_keys(self, names: Sequence[str], begin: int, end: int) -> list[list[bytes]]:
        """Return nothing: `check_head` takes no keys."""
        return []

    def json_keys(self, names: Sequence[str], begin: int, end: int) -> list[list[bytes]]:
        """Return nothing."""
        return []

    def where(self, row: int) -> dict[str, Any]:
        """Return the number of a row in its array, from 0."""
        return {"row": self._first + row}

    def text(self, row: int) -> bytes:
        """Return the values of a row as JSON has them."""
        return json.dumps(self._array[row].tolist(), default=str).encode()


class _Unread:
    """Rows that are looked at when they are sliced, as others are: what is wrong with a value is told then."""

    def __init__(self, array: NDArray[Any], descr: Any, card: Card) -> None:
        self._array, self._descr, self._card = array, descr, card

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: slice, /) -> Any:
        start, stop, _ = rows.indices(len(self))
        part = self._array[start:stop]
        try:
            return rows_of(part.tobytes(), Header(self._descr, part.shape, "C", 0), self._card)[0 : stop - start]
        except ServiceError as error:
            row = None if error.row is None else start + error.row
            raise ServiceError(error.problem, error.detail, row=row, column=error.column) from error


def check_head(start: bytes, whole: bool, card: Card, options: Options, name: str) -> int:
    """Return how many bytes the header takes; raise RefusedError if it does not tell of rows for the model."""
    keys = keys_of(options.columns, card)
    if keys:
        raise RefusedError(f"{name} is NPY, of which no columns are written beside the scores: {listed(keys)}")
    try:
        header = read_header(start)
        size = dtype_of(header, card).itemsize * math.prod(header.shape[1:])
        if size > MOST_ROW_BYTES:
            raise RefusedError(f"{name}: its header tells of rows of {size:,} bytes, at most {MOST_ROW_BYTES:,} are")
        rows_of(bytes(size), Header(header.descr, (1, *header.shape[1:]), header.order, 0), card)
    except ServiceError as error:
        raise RefusedError(f"{name}: {error}") from error
    return header.offset


def row_bytes(head: bytes) -> int:
    """Return how many bytes a row takes of an array with that header."""
    header = read_header(head)
    return _dtype(header).itemsize * math.prod(header.shape[1:])


def rows_in(head: bytes) -> int:
    """Return how many rows a header tells of."""
    return read_header(head).shape[0]


def is_turned(head: bytes) -> bool:
    """Whether an array is in Fortran's order, column by column."""
    header = read_header(head)
    return header.order == "F" and len(header.shape) > 1


def blocks(chunk: Chunk, card: Card, options: Options) -> Iterator[NpyBlock]:
    """Yield the rows of a chunk; raise RefusedError if a packed array has other rows than its header tells of."""
    head = head_of(chunk)
    header, size = read_header(head), row_bytes(head)
    if size == 0 or (header.shape[0] == 0 and not any(pieces_of(chunk))):
        return
    first = (max(chunk.begin, chunk.head) - chunk.head) // size
    if is_turned(head):
        stop = (chunk.end - chunk.head) // size
        yield from _turned_blocks(chunk, header, first, stop, card)
        return
    for data in sized(pieces_of(chunk), _block_rows(size) * size):
        count = len(data) // size
        if count * size != len(data) or first + count > header.shape[0]:
            raise RefusedError(f"{chunk.object.uri} holds other bytes than the {header.shape[0]:,} rows of its header")
        yield NpyBlock(data, header, card, first)
        first += count
    if chunk.packed and first != header.shape[0]:
        raise RefusedError(f"{chunk.object.uri} holds {first:,} rows, its header tells of {header.shape[0]:,}")


def _turned_blocks(chunk: Chunk, header: Header, begin: int, stop: int, card: Card) -> Iterator[NpyBlock]:
    """Yield the rows of an array in Fortran's order: many of each column are read at once, as each is a request."""
    dtype, (count, width) = _dtype(header), header.shape
    step = min(max(1, TURNED_BYTES // (dtype.itemsize * width)), stop - begin)
    rows, columns = _block_rows(dtype.itemsize * width), np.empty((width, step), dtype)
    with ThreadPoolExecutor(READERS) as readers:
        for first in range(begin, stop, step):
            part = columns[:, : stop - first]
            starts = [header.offset + (column * count + first) * dtype.itemsize for column in range(width)]
            with asking(chunk.object.uri):
                list(readers.map(partial(_read_into, chunk.object), part.view(np.uint8), starts))
            for at in range(0, part.shape[1], rows):
                yield NpyBlock(part[:, at : at + rows].T.tobytes(), header, card, first + at)


def _read_into(found: large.Object, column: NDArray[np.uint8], start: int) -> None:
    """Read the bytes of an object from `start` on into `column`."""
    at = 0
    for piece in large.stream(found, start, start + len(column)):
        column[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)


def _block_rows(size: int) -> int:
    """Return how many rows of so many bytes are a block."""
    return max(1, min(BLOCK_ROWS, BLOCK_BYTES // size))


def _dtype(header: Header) -> np.dtype[Any]:
    return np.dtype(header.descr) if isinstance(header.descr, str) else np.lib.format.descr_to_dtype(header.descr)
