"""What a table's format makes of a chunk: for types alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from lambda_fn.bulk.options import Options
from lambda_fn.bulk.run import Chunk
from lambda_fn.model.card import Card
from lambda_fn.model.rows import Rows


class Block(Protocol):
    """Some rows of a chunk.

    rows: as the model takes them.
    lines: how many lines of the object they are, 0 where it has none.
    """

    rows: Rows
    lines: int

    def csv_keys(self, names: Sequence[str], begin: int, end: int) -> list[list[bytes]]:
        """Return for each of the columns its cells, of the rows from `begin` to `end`, as CSV has them."""

    def json_keys(self, names: Sequence[str], begin: int, end: int) -> list[list[bytes]]:
        """Return the same, as JSON has them."""

    def where(self, row: int) -> dict[str, Any]:
        """Return where a row is: ``line`` within the chunk, from 1, and ``byte`` within the object, or ``row``."""

    def text(self, row: int) -> bytes:
        """Return the row as it was."""


class Format(Protocol):
    """A module of this room for a format of tables."""

    def check_head(self, start: bytes, whole: bool, card: Card, options: Options, name: str) -> int:
        """Return how many bytes stand in front of the first row of an object that begins with `start`.

        whole: whether that is all of it. Raises RefusedError if its columns are not the model's, or lack what is asked.
        """

    def blocks(self, chunk: Chunk, card: Card, options: Options) -> Iterator[Block]:
        """Yield the rows of a chunk."""
