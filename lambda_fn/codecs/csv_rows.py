"""``text/csv`` (RFC 4180) becomes rows, parsed slice by slice as they are scored; scores become ``text/csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.codecs.csv_slices import CsvRows, has_stray_return, records, separators
from lambda_fn.codecs.names import columns
from lambda_fn.codecs.places import outside_quotes
from lambda_fn.codecs.sizes import BLOCK_NUMBERS, check_size
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http import media

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.codecs.places import Places
    from lambda_fn.http.request import Request
    from lambda_fn.model.card import Card

CONTENT_TYPE = "text/csv; charset=utf-8"
"""Clients take text for ISO 8859-1 where nothing is said."""
BOM = b"\xef\xbb\xbf"
HEADERS = frozenset({"", "present", "absent"})
MANY_LINES = 128
"""Fewer take no longer one by one."""
ROW_END = b"\xfd"
"""A byte that UTF-8 has not, where rows are to be told apart again."""


def decode_request(request: Request, parameters: Mapping[str, str], card: Card) -> tuple[CsvRows, None]:
    """Return the rows in the body of `request`; raises what `decode` raises, and unsupported-media-type."""
    charset, header = parameters.get("charset", ""), parameters.get("header", "")
    if charset not in media.UTF_8:
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"CSV is taken in UTF-8, not {charset[:200]}")
    if header not in HEADERS:
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"header is present or absent, not {header[:200]}")
    return decode(request.body, card, header), None


def decode(body: bytes, card: Card, header: str = "") -> CsvRows:
    """Return the rows in `body`, which are parsed when they are sliced.

    Cells are in the order of the card's features, or in that of a first line which names them. Whether there is one is
    told by `header`, ``present`` or ``absent``, and else by its cells. An empty cell is a missing value. Raises
    ServiceError naming row and column, counted from 0: some here, some for a slice.
    """
    starts = _row_starts(body)
    if len(starts) < 2:
        raise ServiceError(Problem.EMPTY_DATA, "the body has no line; scikit-learn, too, takes 1 row at least")
    line = body[starts[0] : starts[1]]
    is_wide = separators(line) > 4 * len(card.names) + 256  # too many to be names: a row, and too wide for one
    names = None if header == "absent" or is_wide else header_names(line, card, header == "present")
    if names is None:
        order = [None if feature.dropped else column for column, feature in enumerate(card.features)]
        return CsvRows(body, starts, card, len(order), order, headed=False)
    if len(starts) < 3:
        raise ServiceError(Problem.EMPTY_DATA, "the body has a header and no row under it")
    return CsvRows(body, starts[1:], card, len(names), columns(names, card, "the header"), headed=True)


def least_bytes(count: int, classes: Sequence[bool | int | float | str], probabilities: bool) -> int:
    """Return what an answer takes at the least: a label and an escaped line end, ``,0.5`` for a probability."""
    label = min((len(str(label)) for label in classes), default=len("0.0"))
    return count * (label + 2 + (4 * len(classes) if probabilities else 0))


def encode(
    prediction: NDArray[Any],
    probabilities: NDArray[np.floating[Any]] | None = None,
    classes: Sequence[bool | int | float | str] = (),
) -> str:
    """Return ``prediction`` and, if probabilities (n, classes) are given, a column of them for each class label.

    Raises ServiceError (response-too-large) for more than an answer may take.
    """
    if prediction.dtype == object:
        check_size(sum(map(len, prediction.tolist())) + 2 * len(prediction))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [text_of(label) for label in classes] if probabilities is not None else []
    writer.writerow(["prediction", *names])
    step = max(1, BLOCK_NUMBERS // (1 + len(names)))
    for start in range(0, len(prediction), step):
        count = len(prediction[start : start + step])
        numbers = None if probabilities is None else probabilities[start : start + step]
        text.write(_block(prediction[start : start + step], numbers, many=len(prediction) > step))
        check_size(text.tell() + start + count)  # a line's end takes two bytes in the event's JSON
    return text.getvalue()


def _block(prediction: NDArray[Any], probabilities: NDArray[np.floating[Any]] | None, *, many: bool) -> str:
    """Return the lines of some rows of an answer; of `many`, as reading the module for that takes some milliseconds."""
    if many:
        alone = probabilities is None  # an empty label is then quoted
        rows = _at_once(prediction, probabilities, lambda label: _quoted(label) if alone or label != "" else b"")
        if rows is not None:
            return rows.decode()
    text, labels = io.StringIO(), prediction.tolist()
    writer = csv.writer(text, lineterminator="\n")
    if probabilities is not None:
        writer.writerows(zip(map(text_of, labels), *probabilities.T.tolist(), strict=True))
    elif prediction.dtype.kind in "iuf":  # nothing to quote
        text.write("\n".join(map(repr, labels)) + "\n")
    else:
        writer.writerows(zip(map(text_of, labels)))
    return text.getvalue()


def line(cells: Sequence[Any]) -> str:
    """Return a line of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def lines(
    keys: Sequence[Sequence[bytes]],
    prediction: NDArray[Any] | None,
    probabilities: NDArray[np.floating[Any]] | None,
) -> bytes:
    """Return a line for each row: cells that are CSV already, the label (n,), the probabilities (n, classes)."""
    scores = probabilities if prediction is None else prediction
    if scores is not None and len(scores) >= MANY_LINES:
        rows = _at_once(prediction, probabilities, _quoted, ROW_END if keys else b"\n")
        if rows is not None and keys:
            return b"".join([b",".join(row) + b"\n" for row in zip(*keys, rows.split(ROW_END)[:-1], strict=True)])
        if rows is not None:
            return rows
    columns: list[Sequence[str]] = [[cell.decode() for cell in column] for column in keys]
    if prediction is not None:
        labels = prediction.tolist()
        texts = {label: _quoted(label).decode() for label in set(labels)} if prediction.dtype.kind != "f" else {}
        columns.append([texts.get(label) or repr(label) for label in labels])
    if probabilities is not None:
        columns += [list(map(repr, column)) for column in probabilities.T.tolist()]
    return "".join([",".join(row) + "\n" for row in zip(*columns, strict=True)]).encode()


def _at_once(
    prediction: NDArray[Any] | None,
    probabilities: NDArray[np.floating[Any]] | None,
    text: Callable[[Any], bytes],
    end: bytes = b"\n",
) -> bytes | None:
    """Return lines that end with `end`, given what makes CSV of a label; None if they are to be made one by one."""
    from lambda_fn.codecs import text_rows  # here: few answers are large

    columns = text_rows.columns_of(prediction, probabilities, text)
    if not columns:
        return None
    return text_rows.rows_of(b"", zip(columns, [b","] * (len(columns) - 1) + [end], strict=True))


def _quoted(label: Any) -> bytes:
    """Return a label as a line of CSV has it that has nothing else."""
    return line([text_of(label)])[:-1].encode()


def text_of(label: Any) -> Any:
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


def header_names(line: bytes, card: Card, certain: bool) -> list[str] | None:
    """Return the names that the header in `line` has; None if `line` is no header."""
    if has_stray_return(line) and not certain:  # which a row says, with its number
        return None
    try:
        [cells, *_] = records([line])
    except ValueError as error:
        raise ServiceError(Problem.MALFORMED_CSV, f"the first line is not CSV in UTF-8: {error}") from error
    names = [cell if cell in card.columns else cell.strip() for cell in cells]
    return names if certain or _is_header(names, card) else None


def _is_header(names: Sequence[str], card: Card) -> bool:
    """Whether these are names: those of the features, or one of them that is no number, or none a number."""
    words = [name for name in names if name and not _is_number(name)]
    if set(names) == card.columns.keys() or any(map(card.columns.__contains__, words)):
        return True
    return card.numeric and len(words) == len(names) > 0


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
