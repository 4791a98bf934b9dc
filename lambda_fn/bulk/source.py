"""The bytes of a chunk."""

from __future__ import annotations

from collections.abc import Iterator

from lambda_fn.bulk.blocks import sized, unpacked
from lambda_fn.bulk.failures import asking
from lambda_fn.bulk.run import Chunk
from lambda_fn.storage import large


def pieces_of(chunk: Chunk) -> Iterator[bytes]:
    """Yield the bytes of a chunk, unpacked, without its object's head."""
    with asking(chunk.object.uri):
        if not chunk.packed:
            yield from large.stream(chunk.object, max(chunk.begin, chunk.head), chunk.end)
            return
        left = chunk.head
        for piece in unpacked(large.stream(chunk.object, 0, chunk.size), chunk.object.uri):
            if len(piece) > left:
                yield piece[left:]
            left = max(0, left - len(piece))


def head_of(chunk: Chunk) -> bytes:
    """Return the head of a chunk's object."""
    return b"" if not chunk.head else start_of(chunk.object, packed=chunk.packed, size=chunk.head)[0][: chunk.head]


def start_of(found: large.Object, *, packed: bool, size: int) -> tuple[bytes, bool]:
    """Return the first bytes of an object, unpacked, about so many; and whether they are all."""
    with asking(found.uri):
        if not packed:
            return large.read_range(found, 0, size), size >= found.size
        start = next(sized(unpacked(large.stream(found, 0, found.size), found.uri), size), b"")
        return start, len(start) < size
