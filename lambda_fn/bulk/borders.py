"""Where chunks of an object part: at the begin of a row, found by a look at a few bytes around each border."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lambda_fn.bulk.failures import asking
from lambda_fn.bulk.row_ends import QUOTE, first_stray, row_ends
from lambda_fn.codecs.places import outside_quotes
from lambda_fn.storage import large
from lambda_fn.storage.large import Object

LOOK_BYTES = 2**16
"""How much is looked at in front of a border, and behind it at first."""
MOST_LOOK_BYTES = 2**24
"""How far a line's end is looked for."""


def even(begin: int, end: int, size: float) -> Iterator[int]:
    """Yield places between `begin` and `end`, about `size` apart."""
    count = max(1, round((end - begin) / size)) if size else 1
    yield from (begin + (end - begin) * number // count for number in range(1, count))


def next_line(found: Object, at: int) -> int:
    """Return where the first line begins that does so at `at` or behind it; the object's end if none does."""
    at -= 1  # a line that begins there has its line end in front
    while at < found.size:
        with asking(found.uri):
            piece = large.read_range(found, at, at + LOOK_BYTES)
        place = piece.find(b"\n")
        if place >= 0:
            return at + place + 1
        at += len(piece)
    return found.size


def next_row(found: Object, at: int, commas: int) -> int | None:
    """Return where the first row of CSV begins that does so at `at` or behind it; None if that can't be told for sure.

    At the begin of what is looked at, a cell's quotes are open or not: the one under which it reads as rows, of so many
    `commas` each, is right. Where there is no quote at all, none is open: a cell would be longer than that. Whoever
    scores the chunk in front of the border sees it if that was wrong, as the chunk ends within quotes.
    """
    begin = max(0, at - LOOK_BYTES)
    for look in (LOOK_BYTES, 16 * LOOK_BYTES, MOST_LOOK_BYTES):
        with asking(found.uri):
            text = large.read_range(found, begin, at + look)
        if QUOTE not in text:
            return next_line(found, at)
        start = text.find(b"\n") + 1 if begin else 0
        closed, opened = text[start:], b'"' + text[start:]
        if begin and _reads(opened, commas) is _reads(closed, commas):
            return None
        ends = row_ends(closed, False) if not begin or _reads(closed, commas) else row_ends(opened, False) - 1
        behind = ends[ends + begin + start >= at]
        if len(behind):
            return begin + start + int(behind[0])
    return None


def _reads(text: bytes, commas: int) -> bool:
    """Whether a text that begins where a row does, or within its last cell, reads as rows of so many commas each."""
    if first_stray(text) is not None:
        return False
    ends = row_ends(text, False)
    counts = np.diff(np.searchsorted(outside_quotes(text, b",", 0, len(text)), ends))
    empty = np.diff(ends) <= len(b"\r\n")
    return bool((empty | (counts == commas)).all())
