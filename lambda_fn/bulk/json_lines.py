"""JSON Lines as a table: each line a row, a list of values or an object keyed by the features' names."""

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
from lambda_fn.bulk.row_ends import line_ends
from lambda_fn.bulk.run import Chunk
from lambda_fn.bulk.source import pieces_of
from lambda_fn.codecs.csv_rows import BOM
from lambda_fn.codecs.json_document import decode
from lambda_fn.codecs.places import deeper
from lambda_fn.errors import Problem, ServiceError, listed
from lambda_fn.http.json_body import parse_json
from lambda_fn.model.card import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


READER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=lambda _: None)
"""Leaves numbers as they are; NaN, which is no JSON, is null."""
DEEPEST = 100
"""How many lists and objects stand within each other in a row at the most."""


class _Rows:
    """Rows that are parsed when they are sliced."""

    def __init__(self, lines: Sequence[bytes], card: Card) -> None:
        self._lines, self._card = lines, card
        self._names = card.columns.keys()

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        start, stop, _ = rows.indices(len(self))
        parsed = []
        for number in range(start, stop):
            try:
                _check_depth(self._lines[number])
                row = parse_json(self._lines[number])
            except ServiceError as error:
                raise ServiceError(error.problem, f"row {number}: {error.detail}", row=number) from error
            parsed.append({name: row[name] for name in row if name in self._names} if isinstance(row, dict) else row)
        try:
            return decode({"data": parsed}, self._card)
        except ServiceError as error:
            row = None if error.row is None else start + error.row
            raise ServiceError(error.problem, error.detail, row=row, column=error.column) from error


class JsonBlock:
    """Lines of an object, without those that are empty, which are no rows."""

    def __init__(self, text: bytes, starts: NDArray[np.int64], card: Card, byte: int, line: int) -> None:
        self.lines = text.count(b"\n")
        self._text, self._byte, self._line = text, byte, line
        lines = [text[begin:end] for begin, end in pairwise(starts.tolist())]
        kept = [number for number, each in enumerate(lines) if each.strip()]
        self._lines, self._numbers = [lines[number].strip() for number in kept], kept
        self._starts = starts
        self.rows = _Rows(self._lines, card)

    def csv_keys(self, names: Sequence[str], begin: int, end: int) -> list[list[bytes]]:
        """Return members as cells: strings as they are, quoted if they have to be; null as nothing."""
        return [[_cell(value) for value in column] for column in self._members(names, begin, end)]

    def json_keys(self, names: Sequence[str], begin: int, end: int) -> list[list[bytes]]:
        """Return members as JSON; null where there is none."""
        return [[_text(value).encode() for value in column] for column in self._members(names, begin, end)]

    def where(self, row: int) -> dict[str, Any]:
        """Return the line within the chunk, and the byte within the object, where a row begins."""
        number = self._numbers[row]
        return {"line": self._line + number + 1, "byte": self._byte + int(self._starts[number])}

    def text(self, row: int) -> bytes:
        """Return the row as it was."""
        number = self._numbers[row]
        return (
            self._text[int(self._starts[number]) : int(self._starts[number + 1])]
            .removesuffix(b"\n")
            .removesuffix(b"\r")
        )

    def _members(self, names: Sequence[str], begin: int, end: int) -> list[list[Any]]:
        rows = [READER.decode(line.decode("utf-8-sig")) for line in self._lines[begin:end]]
        return [[row.get(name) if isinstance(row, dict) else None for row in rows] for name in names]


def _check_depth(line: bytes) -> None:
    """Raise ServiceError for what is nested so deeply that it can't be written again."""
    if line.count(b"[") + line.count(b"{") > DEEPEST and deeper(line, DEEPEST):
        raise ServiceError(Problem.MALFORMED_JSON, f"has lists and objects more than {DEEPEST} deep")


def _text(value: Any) -> str:
    """Return a member as JSON has it, its numbers with the digits that they came with."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(name)}: {_text(each)}' for name, each in value.items())}}}"
    return json.dumps(value)


def _cell(value: Any) -> bytes:
    if value is None:
        return b""
    text = value if type(value) is str else _text(value)
    quoted = any(mark in text for mark in ',"\r\n')
    return ('"' + text.replace('"', '""') + '"' if quoted else text).encode("utf-8", "backslashreplace")


def check_head(start: bytes, whole: bool, card: Card, options: Options, name: str) -> int:
    """Return how many bytes a byte order mark takes; raise RefusedError if the first line lacks what is asked for."""
    begin = len(BOM) if start.startswith(BOM) else 0
    line = next((line for line in start[begin:].split(b"\n") if line.strip()), b"")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # which the row itself says
        return begin
    keys = keys_of(options.columns, card)
    lacking = [key for key in keys if not isinstance(row, dict) or key not in row]
    if lacking:
        raise RefusedError(f"{name}: its first row has no {listed(lacking)}")
    return begin


def blocks(chunk: Chunk, card: Card, options: Options) -> Iterator[JsonBlock]:
    """Yield the rows of a chunk."""
    byte, line = max(chunk.begin, chunk.head), 0
    for text, starts in whole_rows(pieces_of(chunk), line_ends, chunk.object.uri):
        yield JsonBlock(text, starts, card, byte, line)
        byte, line = byte + len(text), line + text.count(b"\n")
