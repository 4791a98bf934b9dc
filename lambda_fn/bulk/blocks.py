"""A stream becomes blocks of whole rows: the same blocks, however its bytes come."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from lambda_fn.bulk.failures import RefusedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BYTES = 2**20
"""How much is scored at once: more takes memory, less takes time."""
BLOCK_ROWS = 2**16
"""Short rows take more memory than their bytes tell: so many are a block at the most."""
MOST_ROW_BYTES = 2**22
"""A longer row is taken for none: a quote that is not closed, a file that is no table."""
GZIP = 31
"""What zlib calls a stream with gzip's header, in the largest window."""


def sized(pieces: Iterable[bytes], size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Yield what the pieces hold in blocks of `size`, the last one aside."""
    pending, held = [b""], 0
    for piece in pieces:
        pending.append(piece)
        held += len(piece)
        if held >= size:
            text = b"".join(pending)
            whole = len(text) // size * size
            for at in range(0, whole, size):
                yield text[at : at + size]
            pending, held = [text[whole:]], len(text) - whole
    if held:
        yield b"".join(pending)


def unpacked(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield what gzip's members hold, one behind the other; raise RefusedError if they are none, or not whole."""
    inflater, begun = zlib.decompressobj(GZIP), False
    for piece in pieces:
        while piece:
            if inflater.eof:
                piece = piece.lstrip(b"\0")  # tar and tapes fill up with zeros; gzip passes over them, too
                if not piece:
                    break
                inflater, begun = zlib.decompressobj(GZIP), False
            begun = True
            try:
                data = inflater.decompress(piece, BLOCK_BYTES)
            except zlib.error as error:
                raise RefusedError(f"{name} is not gzip: {error}") from error
            piece = inflater.unconsumed_tail or inflater.unused_data
            if data:
                yield data
    while begun and not inflater.eof:
        data = inflater.decompress(b"", BLOCK_BYTES)
        if not data:
            raise RefusedError(f"{name} ends in the middle of what gzip packed")
        yield data


def whole_rows(
    pieces: Iterable[bytes], ends: Callable[[bytes, bool], NDArray[np.int64]], name: str
) -> Iterator[tuple[bytes, NDArray[np.int64]]]:
    """Yield texts of whole rows, each with where the rows in it begin, and the last one ends: (rows + 1,).

    ends: returns behind which byte of a text each row ends; whether it is the last text, whose last row may have no
    end, is told. Raises RefusedError for a row of more than `MOST_ROW_BYTES`.
    """
    rest = b""
    for block in sized(pieces):
        text = rest + block
        found = ends(text, False)
        if len(found):
            yield from _rows(text, found)
            rest = text[int(found[-1]) :]
        elif len(text) > MOST_ROW_BYTES:
            raise RefusedError(f"{name} has a row of more than {MOST_ROW_BYTES:,} bytes, or a quote that is not closed")
        else:
            rest = text
    if rest:
        yield from _rows(rest, ends(rest, True))


def _rows(text: bytes, ends: NDArray[np.int64]) -> Iterator[tuple[bytes, NDArray[np.int64]]]:
    """Yield the rows of a text, not too many at a time, each time with where they begin, and the last one ends."""
    starts = np.concatenate([[0], ends])
    for first in range(0, len(ends), BLOCK_ROWS):
        bounds = starts[first : first + BLOCK_ROWS + 1]
        yield text[int(bounds[0]) : int(bounds[-1])], bounds - bounds[0]
