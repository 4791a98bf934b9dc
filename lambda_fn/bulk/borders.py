"""Where chunks of an object part: at the begin of a row, found by a look at a few bytes around each border."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lambda_fn.bulk.failures import asking
from lambda_fn.bulk.row_ends import row_ends, strays
from lambda_fn.codecs.places import outside_quotes
from lambda_fn.storage import large
from lambda_fn.storage.large import Object

LOOK_BYTES = 2**16
"""How much is looked at in front of a border, and behind it at first."""
LONGER_LOOK_BYTES = 2**20
"""How much is looked at behind a border of CSV at the most."""
CLEARLY = 4
"""How many times more rows have to be wrong in one reading for the other to be taken."""


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
    """Return where the first row of CSV begins that does so at `at` or behind it; None if that can't be told cheaply.

    Behind the first line end of what is looked at begins a row, or a cell's quotes are open. Where both lead to the
    same place, that is certain. Else the reading is right under which most rows have so many `commas`, if under the
    other far fewer do. Whoever scores the chunk in front of the border sees it if that was wrong, as the chunk ends
    within quotes.
    """
    begin = max(0, at - LOOK_BYTES)
    for look in (LOOK_BYTES, LONGER_LOOK_BYTES):
        with asking(found.uri):
            text = large.read_range(found, begin, at + look)
        start = text.find(b"\n") + 1 if begin else 0
        closed, opened = text[start:], b'"' + text[start:]
        cut = _cut(closed, at - begin - start)
        if begin:
            other = _cut(opened, at - begin - start + 1)
            is_same = cut is not None and other is not None and cut == other - 1
            if not is_same:
                wrong, otherwise = _wrong(closed, commas), _wrong(opened, commas)
                if min(wrong, otherwise) > 1 / 2 or CLEARLY * min(wrong, otherwise) >= max(wrong, otherwise):
                    continue
                if otherwise < wrong:
                    cut = None if other is None else other - 1
        if cut is not None:
            return begin + start + cut
    return None


def _cut(text: bytes, at: int) -> int | None:
    """Return where the first row of a text begins that does so at `at` or behind it."""
    ends = row_ends(text, False)
    behind = ends[np.searchsorted(ends, at) :]
    return int(behind[0]) if len(behind) else None


def _wrong(text: bytes, commas: int) -> float:
    """Return the share of rows, but for the first, that have a stray quote or other than so many commas; 1 for none."""
    ends = row_ends(text, False)
    if len(ends) < 2:
        return 1.0
    sizes = np.diff(ends, prepend=0)
    rows = sizes > len(b"\r\n")
    rows[0] = False
    clean = rows.copy()
    odd = np.searchsorted(ends, strays(text), "right")
    clean[odd[odd < len(ends)]] = False
    kept = np.frombuffer(text, np.uint8, int(ends[-1]))[np.repeat(clean, sizes)].tobytes()
    places = outside_quotes(kept, b",", 0, len(kept))
    counts = np.diff(np.searchsorted(places, np.cumsum(sizes[clean])), prepend=0)
    return 1.0 - int((counts == commas).sum()) / max(1, int(rows.sum()))
