"""CSV as a table: blocks of its rows, the cells that are keys, its header."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.bulk.blocks import whole_rows
from lambda_fn.bulk.columns import keys_of
from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.options import Options
from lambda_fn.bulk.row_ends import ends_within_quotes, line_ends, row_ends, strays
from lambda_fn.bulk.run import Chunk
from lambda_fn.bulk.source import head_of, pieces_of
from lambda_fn.codecs.csv_rows import BOM, header_names
from lambda_fn.codecs.csv_slices import STRAY, CsvRows, records, separators
from lambda_fn.codecs.places import outside_quotes
from lambda_fn.errors import Problem, ServiceError, listed
from lambda_fn.model.card import Card
from lambda_fn.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW = 16
"""How many rows are read cell by cell: numpy's reader begins with 22 µs."""
EMPTY = (b"\n", b"\r\n", b"\r")


class Layout(Record):
    """The columns of a CSV: their names, None without a header; for each feature its place, None for one dropped."""

    names: tuple[str, ...] | None
    width: int
    order: tuple[int | None, ...]

    def place(self, name: str) -> int:
        """Return where a column is."""
        return (self.names or ()).index(name)


class _Rows(CsvRows):
    """Rows of a CSV, of which those with a stray quote are refused, whatever stands beside them."""

    def __init__(
        self, text: bytes, starts: NDArray[np.int64], card: Card, columns: Layout, stray: NDArray[np.int64]
    ) -> None:
        super().__init__(text, starts, card, columns.width, columns.order, headed=True)
        self._stray = stray

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        start, stop, _ = rows.indices(len(self))
        among = self._stray[np.searchsorted(self._stray, start) : np.searchsorted(self._stray, stop)]
        if len(among):
            row = int(among[0])
            raise ServiceError(Problem.MALFORMED_CSV, f"row {row} {STRAY}", row=row)
        if stop - start <= FEW:
            return self._parse(self._body[self._starts[start] : self._starts[stop]], start, stop)
        return super().__getitem__(rows)

    def _where(self, row: int) -> str:
        """Return the number of a row: its line is told otherwise, and to count lines for each takes long."""
        return f"row {row}"


class CsvBlock:
    """Rows of a CSV: `text` and where each begins in it, without the lines that are empty, which are no rows.

    byte, line: where in the object, and in which line of the chunk, the text begins.
    """

    def __init__(
        self, text: bytes, starts: NDArray[np.int64], columns: Layout, card: Card, byte: int, line: int
    ) -> None:
        self._whole, self._byte, self._line, self._columns = text, byte, line, columns
        self.lines = text.count(b"\n")
        self._text, self._starts, self._origins = text, starts, starts
        sizes = np.diff(starts)
        if len(sizes) and int(sizes.min()) <= len(b"\r\n"):
            bounds = pairwise(starts.tolist())
            kept = [(begin, end) for begin, end in bounds if text[begin:end] not in EMPTY]
            self._text = b"".join(text[begin:end] for begin, end in kept)
            self._origins = np.array([begin for begin, _ in kept], np.int64)
            self._starts = np.cumsum([0, *(end - begin for begin, end in kept)])
        stray = np.searchsorted(self._starts, strays(self._text), "right") - 1
        self.rows = _Rows(self._text, self._starts, card, columns, stray)
        self._line_ends: NDArray[np.int64] | None = None

    def csv_keys(self, names: Sequence[str], begin: int, end: int) -> list[list[bytes]]:
        """Return cells as they are, with their quotes."""
        text = self._text[self._starts[begin] : self._starts[end]]
        starts = (self._starts[begin:end] - self._starts[begin]).tolist()
        commas = outside_quotes(text, b",", 0, len(text)).reshape(end - begin, self._columns.width - 1).tolist()
        ends = (self._starts[begin + 1 : end + 1] - self._starts[begin]).tolist()
        bounds = [[start - 1, *row, stop] for start, row, stop in zip(starts, commas, ends, strict=True)]
        places = [self._columns.place(name) for name in names]
        return [[text[row[place] + 1 : row[place + 1]].rstrip(b"\r\n") for row in bounds] for place in places]

    def json_keys(self, names: Sequence[str], begin: int, end: int) -> list[list[bytes]]:
        """Return cells as strings of JSON."""
        bounds = self._starts[begin : end + 1].tolist()
        rows = records(self._text[start:stop] for start, stop in pairwise(bounds))
        return [[json.dumps(row[self._columns.place(name)]).encode() for row in rows] for name in names]

    def where(self, row: int) -> dict[str, Any]:
        """Return the line within the chunk, and the byte within the object, where a row begins."""
        if self._line_ends is None:
            self._line_ends = line_ends(self._whole, False)
        origin = int(self._origins[row])
        line = self._line + int(np.searchsorted(self._line_ends, origin, "right")) + 1
        return {"line": line, "byte": self._byte + origin}

    def text(self, row: int) -> bytes:
        """Return the row as it was."""
        return self._text[self._starts[row] : self._starts[row + 1]].removesuffix(b"\n").removesuffix(b"\r")


def check_head(start: bytes, whole: bool, card: Card, options: Options, name: str) -> int:
    """Return how many bytes a byte order mark and a header take; raise RefusedError if the columns do not fit."""
    begin = len(BOM) if start.startswith(BOM) else 0
    text = start[begin:]
    ends = row_ends(text, whole)
    if text and not len(ends):
        raise RefusedError(f"{name}: its first row does not end in its first {len(start):,} bytes")
    at, line = 0, b""
    for end in ends.tolist():  # empty lines in front are neither rows nor a header
        line = text[at:end]
        if line not in EMPTY:
            break
        at, line = end, b""
    if not line:
        return begin
    columns, keys = _columns(line, card, options.header, name), keys_of(options.columns, card)
    for key in keys:
        count = (columns.names or ()).count(key)
        if count != 1:
            raise RefusedError(f"{name} has {count or 'no'} column{'s' if count > 1 else ''} {key!r}, expected one")
    return begin if columns.names is None else begin + at + len(line)


def _columns(line: bytes, card: Card, header: str, name: str) -> Layout:
    """Return the columns of a table by its first line; raise RefusedError if they are not what the model takes."""
    try:
        names = None if header == "absent" else header_names(line, card, header == "present")
    except ServiceError as error:
        raise RefusedError(f"{name}: {error.told}") from error
    if names is None:
        width = separators(line) + 1
        if width != len(card.features):
            raise RefusedError(
                f"{name} has no header that names the features, and {width} columns in its first line; the model takes"
                f" {len(card.features)}: {listed(card.names)}"
            )
        return _headless(card)
    order: list[int | None] = []
    for feature in card.features:
        if feature.dropped:
            order.append(None)
        elif names.count(feature.name) != 1:
            count = "twice" if feature.name in names else "not"
            raise RefusedError(f"{name}: its header has {feature.name!r} {count}, the model takes {listed(card.names)}")
        else:
            order.append(names.index(feature.name))
    return Layout(tuple(names), len(names), tuple(order))


def _headless(card: Card) -> Layout:
    order = tuple(None if each.dropped else place for place, each in enumerate(card.features))
    return Layout(None, len(order), order)


def blocks(chunk: Chunk, card: Card, options: Options) -> Iterator[CsvBlock]:
    """Yield the rows of a chunk; raise RefusedError if it does not end where a row does, though it should."""
    uri, head = chunk.object.uri, head_of(chunk)
    header = head.removeprefix(BOM).lstrip(b"\r\n")
    columns = _columns(header, card, "present", uri) if header else _headless(card)
    above = 0 if chunk.begin else head.count(b"\n")
    byte, line, text = max(chunk.begin, chunk.head), above, b""
    for text, starts in whole_rows(pieces_of(chunk), row_ends, uri):
        block = CsvBlock(text, starts, columns, card, byte, line)
        byte, line = byte + len(text), line + block.lines
        block.lines, above = block.lines + above, 0
        yield block
    if chunk.end < chunk.size and not chunk.packed and (ends_within_quotes(text) or not text.endswith(b"\n")):
        raise RefusedError(
            f"{uri}: byte {chunk.end} lies within a quoted cell, where chunks were seen to part: plan with chunk_mb 0"
        )
