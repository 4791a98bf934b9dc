"""The rows of a CSV body, parsed slice by slice as they are scored.

A row ends where a line does outside quotes, and has to be one record by itself: slices of any size have the same rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lambda_fn.codecs.json_values import EXPECTED, unknown_category
from lambda_fn.codecs.names import width_of
from lambda_fn.codecs.places import outside_quotes
from lambda_fn.errors import Kind, Problem, ServiceError
from lambda_fn.model.card import UNKNOWN, Card, Feature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.codecs.places import Places

STRAY = "has a quote that is not closed, or a quote or a carriage return in a cell that is not quoted"
BOOLEANS: Mapping[str, float] = {"true": 1.0, "false": 0.0, "True": 1.0, "False": 0.0, "1": 1.0, "0": 0.0}
"""As JSON, pandas and numpy write them; other spellings take longer."""
NO_SPACE = (b"\x1c", b"\x1d", b"\x1e", b"\x1f")
"""What numpy passes over around a number, and float() does not."""
COLUMNS_FROM = 4096
"""Cells from which on columns are read by `csv_numbers`: below, its steps take longer than numpy's parser."""
LARGEST_CELL = csv.field_size_limit()
"""How many characters the csv module takes in a cell."""


class CsvRows:
    """The rows of a body: `starts` has where in it each begins, and where the last one ends.

    width: how many columns the body has.
    order: for each feature, its column in the body, None if it is dropped.
    headed: whether a header told so.
    """

    def __init__(
        self, body: bytes, starts: Places, card: Card, width: int, order: Sequence[int | None], *, headed: bool
    ) -> None:
        self._body, self._starts, self._card = body, starts, card
        self._width, self._order, self._headed = width, order, headed
        self._places = None if list(order) == list(range(width)) else np.array([place or 0 for place in order])
        self._nan = np.array([feature.accepts.nan or feature.dropped for feature in card.features])

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._starts) - 1

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        """Return the `rows` from one on to another, (n, features); raise ServiceError naming row, line and column."""
        start, stop, _ = rows.indices(len(self))
        text = self._body[self._starts[start] : self._starts[stop]]
        values = self._numbers(text, start, stop)
        return self._parse(text, start, stop) if values is None else values

    def _numbers(self, text: bytes, start: int, stop: int) -> NDArray[np.float64] | None:
        """Return rows of numbers; None if `text` has quotes, strings, or something wrong."""
        if not self._card.numeric or b'"' in text or has_stray_return(text) or text.isspace():
            return None
        if (stop - start) * self._width >= COLUMNS_FROM:
            return self._columns(text, start, stop)
        if any(map(text.__contains__, NO_SPACE)):
            return None
        if text.count(b",") != (stop - start) * (self._width - 1) or self._longest(start, stop) > LARGEST_CELL:
            return None
        values = _load(text)
        if values is None and self._nan.any():
            values = _load(_filled(text))
        if values is None or values.shape != (stop - start, self._width):
            return None
        if self._places is not None:
            values = values[:, self._places]
            values[:, self._card.dropped] = 0.0
        return None if np.isnan(values).any(axis=0)[~self._nan].any() else values

    def _columns(self, text: bytes, start: int, stop: int) -> NDArray[np.float64] | None:
        """Return many rows of numbers; None if something is wrong."""
        from lambda_fn.codecs.csv_numbers import columns_of  # as no small body needs

        if self._longest(start, stop) > LARGEST_CELL or not _is_utf8(text):
            return None
        taken = [column for column, place in enumerate(self._order) if place is not None]
        wanted, features = [self._order[column] or 0 for column in taken], self._card.features
        values = columns_of(
            text, stop - start, self._width, wanted, lambda cell, at: _column((cell,), features[taken[at]])[0]
        )
        if values is None or len(taken) == len(features):
            return values
        rows = np.zeros((stop - start, len(features)))
        rows[:, taken] = values
        return rows

    def _longest(self, start: int, stop: int) -> int:
        """Return how many bytes the longest of some rows has."""
        return int((self._starts[start + 1 : stop + 1] - self._starts[start:stop]).max())

    def _parse(self, text: bytes, start: int, stop: int) -> NDArray[np.float64]:
        """Return the rows from `start` to `stop`, column by column."""
        rows = self._records(text, start, stop)
        columns = list(zip(*rows, strict=True))
        values = np.empty((stop - start, len(self._order)))
        try:
            for column, (place, feature) in enumerate(zip(self._order, self._card.features, strict=True)):
                values[:, column] = 0.0 if place is None else _column(columns[place], feature)
        except ValueError as error:
            raise self._first_refusal(columns, start) from error
        return values

    def _records(self, text: bytes, start: int, stop: int) -> list[list[str]]:
        """Return the cells of the rows; raise ServiceError for the first row, or cell above it, that is wrong."""
        if separators(text) == (stop - start) * (self._width - 1) and not has_stray_return(text):
            try:
                bounds = self._starts[start : stop + 1].tolist()
                rows = records(self._body[begin:end] for begin, end in pairwise(bounds))
            except ValueError:
                rows = []
            if len(rows) == stop - start and set(map(len, rows)) == {self._width}:
                return rows
        rows = []
        for row in range(start, stop):
            try:
                rows.append(self._record(row))
            except ServiceError:
                if rows:
                    self._check(rows, start)
                raise
        return rows

    def _record(self, row: int) -> list[str]:
        """Return the cells of a row; raise ServiceError if it is not one record as wide as the body."""
        text = self._text(row)
        count = separators(text) + 1
        if count != self._width:  # looked at first: its cells as Python objects may be many
            if text.count(b'"') % 2 or has_stray_return(text):
                raise self._refusal(Problem.MALFORMED_CSV, row, STRAY)
            problem = Problem.RAGGED_ROWS if row or self._headed else Problem.WRONG_WIDTH
            values, takes = f"{count} value{'' if count == 1 else 's'}", width_of(self._card.names)
            raise self._refusal(problem, row, f"has {values}, the model takes {takes}")
        try:
            found = records([text])
        except ValueError as error:  # csv's own word for a line's end in a cell advises on how to open files
            detail = STRAY if "new-line" in str(error) else f"is not CSV in UTF-8: {error}"
            raise self._refusal(Problem.MALFORMED_CSV, row, detail) from error
        if [len(cells) for cells in found] != [self._width] or has_stray_return(text):
            raise self._refusal(Problem.MALFORMED_CSV, row, STRAY)
        return found[0]

    def _check(self, rows: Sequence[Sequence[str]], start: int) -> None:
        """Raise ServiceError for the first cell that is not what its feature takes."""
        columns = list(zip(*rows, strict=True))
        for place, feature in zip(self._order, self._card.features, strict=True):
            if place is not None and not _fits(columns[place], feature):
                raise self._first_refusal(columns, start)

    def _first_refusal(self, columns: Sequence[Sequence[str]], start: int) -> ServiceError:
        """Return the error for the first cell, row by row, that is not what its feature takes; there is one."""
        first, found = len(columns[0]), 0
        for column, (place, feature) in enumerate(zip(self._order, self._card.features, strict=True)):
            if place is not None and not _fits(columns[place][:first], feature):
                first = next(row for row, cell in enumerate(columns[place]) if not _fits((cell,), feature))
                found = column
        cell = columns[self._order[found] or 0][first]
        return _refusal(cell, self._where(start + first), start + first, found, self._card.features[found])

    def _text(self, row: int) -> bytes:
        return self._body[self._starts[row] : self._starts[row + 1]]

    def _refusal(self, problem: Kind, row: int, detail: str) -> ServiceError:
        return ServiceError(problem, f"{self._where(row)} {detail}", row=row)

    def _where(self, row: int) -> str:
        """Return how to find a row, counted from 0: with its line, counted from 1 as editors do."""
        return f"row {row} (line {self._body.count(b'\n', 0, int(self._starts[row])) + 1})"


def separators(text: bytes) -> int:
    """Return how many commas stand outside quotes."""
    return len(outside_quotes(text, b",", 0, len(text))) if b'"' in text else text.count(b",")


def records(rows: Iterable[bytes]) -> list[list[str]]:
    """Return the cells of each row, of an empty one an empty cell; raise ValueError if one is not CSV in UTF-8.

    There are fewer than rows where one is no record by itself.
    """
    try:
        return [cells or [""] for cells in csv.reader((row.decode() for row in rows), strict=True)]
    except csv.Error as error:
        raise ValueError(*error.args) from error


def has_stray_return(text: bytes) -> bool:
    """Whether a carriage return that ends no line stands outside quotes."""
    if b"\r" not in text or text.count(b"\r") == text.count(b"\r\n"):
        return False
    places = outside_quotes(text, b"\r", 0, len(text))
    return bool((np.frombuffer(text + b"\0", np.uint8)[places + 1] != ord("\n")).any())


def _is_utf8(text: bytes) -> bool:
    """Whether the text is UTF-8."""
    try:
        return text.isascii() or text.decode() is not None
    except UnicodeDecodeError:
        return False


def _load(text: bytes) -> NDArray[np.float64] | None:
    """Return the numbers in `text`, (rows, columns), each as float() has it; None if not all are numbers."""
    try:  # numpy passes over empty lines; of bytes that are no UTF-8 it would never free the line
        return np.loadtxt(io.StringIO(text.decode()), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None


def _filled(text: bytes) -> bytes:
    """Return `text` with a word in its empty cells."""
    text = text.replace(b"\r\n", b"\n")
    for _ in range(2):  # of two neighbours, one each time
        text = text.replace(b",,", b",nan,")
    text = text.replace(b",\n", b",nan\n").replace(b"\n,", b"\nnan,")
    return (b"nan" if text.startswith(b",") else b"") + text + (b"nan" if text.endswith(b",") else b"")


def _column(cells: Sequence[str], feature: Feature) -> list[float]:
    """Return what the cells of a column stand for; raise ValueError if one is not what the feature takes."""
    if feature.type == "float" and "_" in "".join(cells):  # which Python takes between digits
        raise ValueError(feature.name)
    if feature.type == "float" and not feature.accepts.nan:
        return list(map(float, cells))
    if feature.type != "float":
        known: Mapping[str, float] = feature.categories if feature.type == "str" else BOOLEANS
        numbers = list(map(known.get, cells))
        if None not in numbers:
            return numbers  # type: ignore[return-value]
    return [_number(cell, feature) for cell in cells]


def _number(cell: str, feature: Feature) -> float:
    if feature.type == "str" and cell in feature.categories:
        return feature.categories[cell]
    if feature.accepts.nan and (not cell or (cell.isspace() and feature.type != "str")):
        return np.nan
    if feature.type == "float":
        return float(cell)
    if feature.type == "bool":
        return _boolean(cell)
    if feature.takes_unknown:
        return UNKNOWN
    raise ValueError(cell)


def _boolean(cell: str) -> float:
    """Return 1 or 0 for true or false in any case, or for a number that is one of them; raise ValueError for others."""
    word = cell.strip().lower()
    number = BOOLEANS[word] if word in {"true", "false"} else float(cell)
    if number not in (0, 1) or "_" in word:
        raise ValueError(cell)
    return number


def _fits(cells: Sequence[str], feature: Feature) -> bool:
    try:
        _column(cells, feature)
    except ValueError:
        return False
    return True


def _refusal(cell: str, where: str, row: int, column: int, feature: Feature) -> ServiceError:
    where = f"{where}, column {column} ({feature.name!r})"
    if feature.type == "str":
        return unknown_category(cell, where, row, column, feature)
    came = repr(cell[:200]) if cell else "empty"
    expected = f"{EXPECTED[feature.type]}{' or nothing' if feature.accepts.nan else ''}"
    problem = Problem.NOT_A_NUMBER if feature.type == "float" else Problem.WRONG_TYPE
    return ServiceError(problem, f"{where} is {came}, expected {expected}", row=row, column=column)
