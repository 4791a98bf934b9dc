"""``text/csv`` (RFC 4180) becomes rows, parsed slice by slice as they are scored; scores become ``text/csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lambda_fn import media
from lambda_fn.card import UNKNOWN, Card, Feature
from lambda_fn.codecs.json_rows import EXPECTED, unknown_category
from lambda_fn.codecs.names import columns, width_of
from lambda_fn.codecs.places import outside_quotes
from lambda_fn.errors import Problem, ServiceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.codecs.places import Places
    from lambda_fn.request import Request

CONTENT_TYPE = "text/csv; charset=utf-8"
"""Clients take text for ISO 8859-1 where nothing is said."""
BOM = b"\xef\xbb\xbf"
HEADERS = frozenset({"", "present", "absent"})
BLOCK_ROWS = 4096
"""How many rows are written at once: each takes several times its text as Python objects."""
STRAY = "has a quote that is not closed, or a quote or a carriage return in a cell that is not quoted"
BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}


class CsvRows:
    """The rows of a body: `starts` has where in it each begins, and where the last one ends.

    order: for each feature, its column in the body; None where no header tells.
    """

    def __init__(self, body: bytes, starts: Places, card: Card, order: Sequence[int] | None) -> None:
        self._body, self._starts, self._card = body, starts, card
        self._headed, self._order = order is not None, list(order or range(len(card.features)))
        self._nan = np.array([feature.accepts.nan for feature in card.features])

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._starts) - 1

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        """Return the `rows` from one on to another, (n, features); raise ServiceError naming row, line and column."""
        start, stop, _ = rows.indices(len(self))
        text = self._body[self._starts[start] : self._starts[stop]]
        if _separators(text) != (stop - start) * (len(self._order) - 1):
            self._check_widths(start, stop)
        values = self._numbers(text, stop - start)
        return self._parse(text, start, stop - start) if values is None else values

    def _numbers(self, text: bytes, count: int) -> NDArray[np.float64] | None:
        """Return `count` rows of numbers; None if `text` has quotes, strings, or something wrong."""
        if not self._card.numeric or b'"' in text:
            return None
        values = _load(text)
        if values is None and self._nan.any():
            values = _load(_filled(text))
        if values is None or values.shape != (count, len(self._order)):
            return None
        if self._order != sorted(self._order):
            values = values[:, self._order]
        return None if np.isnan(values).any(axis=0)[~self._nan].any() else values

    def _parse(self, text: bytes, start: int, count: int) -> NDArray[np.float64]:
        """Return `count` rows, cell by cell."""
        rows = self._cells(text, start, count)
        values = np.empty((count, len(self._card.features)))
        transposed = list(zip(*rows, strict=True))
        for column, feature in enumerate(self._card.features):
            cells = transposed[self._order[column]]
            try:
                values[:, column] = [_number(cell, feature) for cell in cells]
            except ValueError:
                self._raise_first(rows, start)
        return values

    def _cells(self, text: bytes, start: int, count: int) -> list[list[str]]:
        """Return the cells of `count` rows; raise ServiceError if they are not that many, or not of one width."""
        try:
            rows = _records(text)
        except ValueError:
            rows = []
        if len(rows) != count or set(map(len, rows)) != {len(self._order)}:
            for row in range(start, start + count):
                self._check_record(row)
        return rows

    def _check_widths(self, start: int, stop: int) -> None:
        """Raise ServiceError for the first row of another width, without its cells as Python objects."""
        takes = width_of(self._card.names)
        for row in range(start, stop):
            text = self._text(row)
            count = _separators(text) + 1
            if count == len(self._order):
                continue
            if text.count(b'"') % 2 or b"\r" in text.rstrip(b"\r\n"):
                raise self._refusal(Problem.MALFORMED_CSV, row, STRAY)
            problem = Problem.RAGGED_ROWS if row or self._headed else Problem.WRONG_WIDTH
            values = f"{count} value{'' if count == 1 else 's'}"
            raise self._refusal(problem, row, f"has {values}, the model takes {takes}")

    def _check_record(self, row: int) -> None:
        """Raise ServiceError for a row that is not one record."""
        try:
            records = _records(self._text(row))
        except ValueError as error:
            raise self._refusal(Problem.MALFORMED_CSV, row, f"is not CSV in UTF-8: {error}") from error
        if [len(record) for record in records] != [len(self._order)]:
            raise self._refusal(Problem.MALFORMED_CSV, row, STRAY)

    def _text(self, row: int) -> bytes:
        return self._body[self._starts[row] : self._starts[row + 1]]

    def _refusal(self, problem: Problem, row: int, detail: str) -> ServiceError:
        return ServiceError(problem, f"{self._where(row)} {detail}", row=row)

    def _where(self, row: int) -> str:
        """Return how to find a row, counted from 0: with its line, counted from 1 as editors do."""
        return f"row {row} (line {self._body.count(b'\n', 0, int(self._starts[row])) + 1})"

    def _raise_first(self, rows: Sequence[Sequence[str]], start: int) -> NoReturn:
        """Raise ServiceError for the first cell that is not what its feature takes."""
        for row, cells in enumerate(rows, start):
            for column, feature in enumerate(self._card.features):
                cell = cells[self._order[column]]
                try:
                    _number(cell, feature)
                except ValueError as error:
                    raise _refusal(cell, self._where(row), row, column, feature) from error
        raise AssertionError("a cell was refused and now is not")


def decode_request(request: Request, parameters: Mapping[str, str], card: Card) -> CsvRows:
    """Return the rows in the body of `request`; raises what `decode` raises, and unsupported-media-type."""
    charset, header = parameters.get("charset", ""), parameters.get("header", "")
    if charset not in media.UTF_8:
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"CSV is taken in UTF-8, not {charset[:200]}")
    if header not in HEADERS:
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"header is present or absent, not {header[:200]}")
    return decode(request.body, card, header)


def decode(body: bytes, card: Card, header: str = "") -> CsvRows:
    """Return the rows in `body`, which are parsed when they are sliced.

    Cells are in the order of the card's features, or in that of a first line which names them. Whether there is one is
    told by `header`, ``present`` or ``absent``, and else by its cells. An empty cell is a missing value. Raises
    ServiceError naming row and column, counted from 0: some here, some for a slice.
    """
    starts = _row_starts(body)
    if len(starts) < 2:
        raise ServiceError(Problem.EMPTY_DATA, "the body has no line; scikit-learn, too, takes 1 row at least")
    order = None if header == "absent" else _header(body[starts[0] : starts[1]], card, header == "present")
    if order is None:
        return CsvRows(body, starts, card, None)
    if len(starts) < 3:
        raise ServiceError(Problem.EMPTY_DATA, "the body has a header and no row under it")
    return CsvRows(body, starts[1:], card, order)


def encode(
    prediction: NDArray[Any],
    probabilities: NDArray[np.floating[Any]] | None = None,
    classes: Sequence[bool | int | float | str] = (),
) -> str:
    """Return ``prediction`` and, if probabilities (n, classes) are given, a column of them for each class label."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [_text(label) for label in classes] if probabilities is not None else []
    writer.writerow(["prediction", *names])
    for start in range(0, len(prediction), BLOCK_ROWS):
        labels = prediction[start : start + BLOCK_ROWS].tolist()
        if probabilities is not None:
            numbers = probabilities[start : start + BLOCK_ROWS].T.tolist()
            writer.writerows(zip(map(_text, labels), *numbers, strict=True))
        elif prediction.dtype.kind in "iuf":  # nothing to quote
            text.write("\n".join(map(repr, labels)) + "\n")
        else:
            writer.writerows(zip(map(_text, labels)))
    return text.getvalue()


def _text(label: Any) -> Any:
    """Return a label as CSV has it: booleans as in JSON."""
    return str(label).lower() if isinstance(label, bool) else label


def _row_starts(body: bytes) -> Places:
    """Return where each row starts, and where the last one ends: (n + 1,). Line ends within quotes start none."""
    begin, end = len(BOM) if body.startswith(BOM) else 0, len(body)
    while end > begin:  # rstrip of it all would make another body
        tail = body[max(begin, end - 4096) : end]
        kept = tail.rstrip(b"\r\n")
        end -= len(tail) - len(kept)
        if kept:
            break
    if begin == end:
        return np.empty(0, np.int64)
    line_ends = outside_quotes(body, b"\n", begin, end)
    return np.concatenate([[begin], line_ends + 1, [end]], dtype=line_ends.dtype)


def _header(line: bytes, card: Card, certain: bool) -> list[int] | None:
    """Return, for each feature, its column as the header in `line` has it; None if `line` is no header."""
    if _separators(line) > 4 * len(card.names) + 256:  # too many to be names: a row, and too wide for one
        return None
    try:
        [cells, *_] = _records(line)
    except ValueError as error:
        raise ServiceError(Problem.MALFORMED_CSV, f"the first line is not CSV in UTF-8: {error}") from error
    names = [cell if cell in card.names else cell.strip() for cell in cells]
    if not certain and not _is_header(names, card):
        return None
    return columns(names, card.names, "the header")


def _is_header(names: Sequence[str], card: Card) -> bool:
    """Whether these are names: those of the features, or one of them that is no number, or none a number."""
    known, words = set(card.names), [name for name in names if name and not _is_number(name)]
    return set(names) == known or not known.isdisjoint(words) or (card.numeric and len(words) == len(names) > 0)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _separators(text: bytes) -> int:
    """Return how many commas stand outside quotes."""
    return len(outside_quotes(text, b",", 0, len(text))) if b'"' in text else text.count(b",")


def _records(text: bytes) -> list[list[str]]:
    """Return the cells of each record, of an empty line one empty cell; raise ValueError if `text` is not CSV."""
    try:
        return [cells or [""] for cells in csv.reader(io.StringIO(text.decode(), newline=""), strict=True)]
    except csv.Error as error:
        raise ValueError(*error.args) from error


def _load(text: bytes) -> NDArray[np.float64] | None:
    """Return the numbers in `text`, (rows, columns), each as float() has it; None if not all are numbers."""
    try:  # it passes over empty lines
        return np.loadtxt(io.BytesIO(text), delimiter=",", comments=None, encoding="utf-8", ndmin=2)
    except ValueError:
        return None


def _filled(text: bytes) -> bytes:
    """Return `text` with a word in its empty cells."""
    text = text.replace(b"\r\n", b"\n")
    for _ in range(2):  # of two neighbours, one each time
        text = text.replace(b",,", b",nan,")
    text = text.replace(b",\n", b",nan\n").replace(b"\n,", b"\nnan,")
    return (b"nan" if text.startswith(b",") else b"") + text + (b"nan" if text.endswith(b",") else b"")


def _number(cell: str, feature: Feature) -> float:
    """Return what a cell stands for; raise ValueError if it is not what the feature takes."""
    if feature.type == "str" and cell in feature.categories:
        return feature.categories[cell]
    if feature.accepts.nan and not cell.strip():
        return np.nan
    if feature.type == "float" and "_" not in cell:  # which Python takes between digits
        return float(cell)
    if feature.type == "bool" and cell.strip().lower() in BOOLEANS:
        return BOOLEANS[cell.strip().lower()]
    if feature.type == "str" and feature.takes_unknown:
        return UNKNOWN
    raise ValueError(cell)


def _refusal(cell: str, where: str, row: int, column: int, feature: Feature) -> ServiceError:
    where = f"{where}, column {column} ({feature.name!r})"
    if feature.type == "str":
        return unknown_category(cell, where, row, column, feature)
    came = repr(cell[:200]) if cell else "empty"
    expected = f"{EXPECTED[feature.type]}{' or nothing' if feature.accepts.nan else ''}"
    problem = Problem.NOT_A_NUMBER if feature.type == "float" else Problem.WRONG_TYPE
    return ServiceError(problem, f"{where} is {came}, expected {expected}", row=row, column=column)
