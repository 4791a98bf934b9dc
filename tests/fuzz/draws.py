"""Choices read from bytes: whatever finds inputs, chance, Hypothesis or atheris, finds bytes."""

from __future__ import annotations

from collections.abc import Sequence


class Draws:
    """Choices, one behind the other; behind the end of the bytes each is the first one, which is the simplest."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def below(self, count: int) -> int:
        """Return a whole number from 0 up to, and not with, `count`."""
        if count > 256:
            return int.from_bytes(self.take(4), "little") % count
        at = self._at
        self._at = at + 1
        return self._data[at] % count if at < len(self._data) and count else 0

    def pick[Value](self, values: Sequence[Value]) -> Value:
        """Return one of the values."""
        return values[self.below(len(values))]

    def once_in(self, count: int) -> bool:
        """Whether to do what is done once in so many times."""
        return self.below(count) == count - 1

    def take(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def rest(self) -> bytes:
        """Return the bytes that are left."""
        return self.take(len(self._data))
