"""Where the rows of CSV end: at the line ends outside quotes, also where a quote stands that is none of RFC 4180's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEWLINE, QUOTE = ord("\n"), ord('"')
OPENS, CLOSES = np.zeros(256, np.bool_), np.zeros(256, np.bool_)
"""Behind which bytes a quote may open a cell, or be the second of two; in front of which it may close one."""
OPENS[list(b',\n"')] = CLOSES[list(b',\r\n"')] = True
FIRST_LOOK = 32


def line_ends(text: bytes, last: bool) -> NDArray[np.int64]:
    """Return behind which byte each line ends, of the `last` text the one without a line end, too."""
    found = (np.frombuffer(text, np.uint8) == NEWLINE).nonzero()[0] + 1
    return _with_last(found, text) if last else found


def row_ends(text: bytes, last: bool) -> NDArray[np.int64]:
    r"""Return behind which byte each row ends; `text` begins where a row does.

    A quote opens a cell at its begin only, and closes it at its end only. A row with any other is none that is scored,
    and ends with its line: what is behind it is not taken for its cell. Of the `last` text, the last row ends with it.

    >>> row_ends(b'1,"a\nb"\n2,5" x\n3,c', False).tolist()
    [8, 15]
    """
    if QUOTE not in text:
        return line_ends(text, last)
    ends, _ = _read(text)
    return _with_last(ends, text) if last else ends


def strays(text: bytes) -> NDArray[np.int64]:
    """Return where in each row of a text, that has one, the first quote stands that neither opens nor closes a cell."""
    return _read(text)[1] if QUOTE in text else np.empty(0, np.int64)


def _read(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where rows end, and the stray quotes."""
    codes = np.frombuffer(text, np.uint8)
    lines, quotes = (codes == NEWLINE).nonzero()[0], (codes == QUOTE).nonzero()[0]
    found, wrong, begin = [np.empty(0, np.int64)], [], 0
    while True:
        behind = quotes[np.searchsorted(quotes, begin) :]
        stray = _first_stray(codes, behind, begin)
        limit = len(text) if stray is None else stray
        ends = lines[np.searchsorted(lines, begin) : np.searchsorted(lines, limit)]
        ends = ends[np.searchsorted(behind, ends) % 2 == 0]
        found.append(ends + 1)
        if stray is None:
            break
        wrong.append(stray)
        at = text.find(b"\n", stray)
        if at < 0:
            break
        found.append(np.array([at + 1]))
        begin = at + 1
    return np.concatenate(found), np.array(wrong, np.int64)


def _with_last(ends: NDArray[np.int64], text: bytes) -> NDArray[np.int64]:
    """Return the ends, and that of the text if it is behind them."""
    return np.append(ends, len(text)) if len(text) > (ends[-1] if len(ends) else 0) else ends


def ends_within_quotes(text: bytes) -> bool:
    """Whether a text that begins where a row does ends within a cell's quotes."""
    ends = row_ends(text, False)
    row = text[int(ends[-1]) if len(ends) else 0 :]
    codes = np.frombuffer(row, np.uint8)
    quotes = (codes == QUOTE).nonzero()[0]
    return len(quotes) % 2 == 1 and _first_stray(codes, quotes, 0) is None


def _first_stray(codes: NDArray[np.uint8], quotes: NDArray[np.int64], begin: int) -> int | None:
    """Return where the first of the quotes is that neither opens nor closes a cell; None if all do.

    Few are looked at first, and then more each time, as there may be another soon.
    """
    start, size = 0, FIRST_LOOK
    while start < len(quotes):
        look = quotes[start : start + size]
        opening, closing = look[::2], look[1::2]
        fine = np.ones(len(look), np.bool_)
        fine[::2] = (opening == begin) | OPENS[codes[opening - 1]]
        inner = closing[: np.searchsorted(closing, len(codes) - 1)]  # what is behind the last byte is not known yet
        fine[1::2][: len(inner)] = CLOSES[codes[inner + 1]]
        if not fine.all():
            return int(look[int(np.argmin(fine))])
        start, size = start + size, size * 8
    return None
