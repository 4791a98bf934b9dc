"""Where in a large body certain bytes stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Places = NDArray[np.integer[Any]]

PIECE_BYTES = 1 << 18
"""How much of the body is searched at once."""


def outside_quotes(text: bytes, among: bytes, begin: int, end: int) -> Places:
    """Return where in `text`, from `begin` to `end`, one `among` some bytes stands that is not within quotes.

    The places, (places,), are in order.

    >>> outside_quotes(b'a,"b,c",d', b",", 0, 9).tolist()
    [1, 7]
    """
    dtype = np.int32 if len(text) < 2**31 else np.int64
    found = [np.empty(0, dtype)]
    found += [places.astype(dtype) for places in _pieces(text, among, begin, end)]
    return np.concatenate(found)


def _pieces(text: bytes, among: bytes, begin: int, end: int) -> Iterator[Places]:
    """Yield those places piece by piece."""
    quoted, quotes_before = b'"' in text, 0
    for at in range(begin, end, PIECE_BYTES):
        piece = np.frombuffer(text, np.uint8, min(PIECE_BYTES, end - at), at)
        wanted = piece == among[0]
        for byte in among[1:]:
            wanted |= piece == byte
        places = wanted.nonzero()[0]  # np.flatnonzero asks for np.matrix: 7 ms the first time
        if quoted:
            quotes = (piece == ord('"')).nonzero()[0]
            places = places[(np.searchsorted(quotes, places) + quotes_before) % 2 == 0]
            quotes_before += len(quotes)
        yield places + at


def without_escapes(text: bytes) -> bytes:
    r"""Return JSON with spaces in the place of escaped quotes and backslashes, so that each quote left is one.

    >>> without_escapes(rb'["a\"b", "\\"]')
    b'["a  b", "  "]'
    """
    return text.replace(b"\\\\", b"  ").replace(b'\\"', b"  ") if b"\\" in text else text


def deeper(text: bytes, depth: int) -> int:
    """Return how many lists and objects stand more than `depth` deep in JSON.

    >>> deeper(b'{"data": [[1, [2]], ["[[["]]}', 3)
    1
    """
    text = without_escapes(text)
    values, count, open_before = np.frombuffer(text, np.uint8), 0, 0
    for places in _pieces(text, b"[]{}", 0, len(text)):
        opening = values[places] & 2 != 0  # so are the codes of [ and {
        steps = np.full(len(places), -1)
        steps[opening] = 1
        levels = steps.cumsum() + open_before
        count += int((levels[opening] > depth).sum())
        open_before = int(levels[-1]) if len(levels) else open_before
    return count
