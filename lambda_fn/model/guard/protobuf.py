"""Protobuf's wire format, as much of it as checking a model file takes: no field's meaning, no message's name.

See https://protobuf.dev/programming-guides/encoding/. A long list in proto2 repeats the field's tag in front of each
element; such runs have millions of elements in a forest, so numpy reads them, never a loop. Without numpy.lib, as
CONTRIBUTING says: a cold start passes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.errors import Problem, ServiceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_FIELDS = 1_000_000
"""How many fields are read one by one, about 1 µs each; runs aside, a model has thousands."""
MAX_TAG = 2**32
"""Where protobuf's own parsers cut a tag: what is beyond would mean one field here and another one there."""
MAX_VARINT = 10
"""How many bytes a varint of 64 bits takes at most."""
PIECE = 2**16
"""How many bytes of a run are read at once: what is made of them stays in the processor's cache."""
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

type Ints = NDArray[np.signedinteger[Any]]


class Span:
    """Where something is in the file: from byte `start` to in front of byte `end`."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end


type Field = tuple[int, int | Span, int]
"""A field: its number, its value (a varint, or where its bytes are), and where the next field starts."""


class Reader:
    """Reads fields from the bytes of a file; raises ServiceError (model-invalid) where they are not protobuf."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = MAX_FIELDS

    def field(self, position: int, end: int) -> Field:
        r"""Return the field at `position` of a message that ends at `end`.

        >>> Reader(b"\x08\x96\x01\x10\x05").field(0, 5)  # number 1, the varint 150, the next one begins at byte 3
        (1, 150, 3)
        """
        self._left -= 1
        if self._left < 0:
            raise ServiceError(Problem.MODEL_INVALID, f"the model file has more than {MAX_FIELDS:,} fields")
        data = self.data
        if position + 1 < end and data[position] < 0x80 and data[position + 1] < 0x80:  # most are of one byte each
            tag, start, value, after = data[position], position + 1, data[position + 1], position + 2
        else:
            tag, start = self._varint(position, end)
            value, after = self._varint(start, end) if tag & 7 in (VARINT, LENGTH) else (0, start)
        if not 8 <= tag < MAX_TAG:
            raise _broken(position, f"a field number from 1 to 2^29 - 1 was expected, not {tag >> 3}")
        wire_type = tag & 7
        if wire_type == VARINT:
            return tag >> 3, value, after
        if wire_type == LENGTH:
            length, start = value, after
        elif wire_type in (FIXED32, FIXED64):
            length = 4 if wire_type == FIXED32 else 8
        else:
            raise _broken(position, f"a wire type of 0, 1, 2 or 5 was expected, not {wire_type}")
        if length > end - start:
            raise _broken(position, f"{length:,} bytes were expected, {end - start:,} came")
        return tag >> 3, Span(start, start + length), start + length

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        """Return the varint at `position` and where it ends."""
        value = 0
        for place, byte in enumerate(self.data[position : min(position + MAX_VARINT, end)]):
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value, position + place + 1
        raise _broken(position, f"a number was expected to end within {MAX_VARINT} bytes and within its message")

    def run_of_ints(self, position: int, end: int) -> tuple[Ints, int]:
        """Read the varints behind as many repetitions of the one-byte tag at `position` as there are.

        Returns the values and where the run ends.
        """
        tag, pieces = self.data[position], []
        while position < end and self.data[position] == tag:
            values, position = self._piece_of_run(position, min(position + PIECE, end))
            pieces.append(values)
        return np.concatenate(pieces), position

    def _piece_of_run(self, position: int, end: int) -> tuple[Ints, int]:
        """Read as many of the varints in front of `end` as are whole."""
        raw = np.frombuffer(self.data, np.uint8, end - position, position)
        ends = (raw < 0x80).nonzero()[0][1::2]  # every other of tag, value, tag, value, …
        tags = _starts(ends)
        same = raw[tags] == raw[0]
        count = len(same) if same.all() else int(np.argmin(same))
        if count == 0:
            raise _broken(position, "a number was expected to end within its message")
        return _varints(raw, tags[:count] + 1, ends[:count], position), position + int(ends[count - 1]) + 1

    def packed_ints(self, span: Span) -> Ints:
        """Read varints that follow each other without tags."""
        raw = np.frombuffer(self.data, np.uint8, span.end - span.start, span.start)
        ends = (raw < 0x80).nonzero()[0]
        if len(raw) and (len(ends) == 0 or ends[-1] != len(raw) - 1):
            raise _broken(span.end, "a number was expected to end within its list")
        return _varints(raw, _starts(ends), ends, span.start)

    def run_of_floats(self, position: int, end: int) -> int:
        """Return where the run of 4-byte values ends that starts with the one-byte tag at `position`."""
        tags = np.frombuffer(self.data, np.uint8, end - position, position)[: (end - position) // 5 * 5 : 5]
        same = tags == self.data[position]
        count = len(same) if same.all() else int(np.argmin(same))
        if count == 0:
            raise _broken(position, "a float was expected to end within its message")
        return position + 5 * count


def _starts(ends: Ints) -> Ints:
    """Return where what follows each other starts, by where it ends."""
    return np.concatenate(([0], ends + 1))[:-1]


def _varints(raw: NDArray[np.uint8], starts: Ints, ends: Ints, position: int) -> Ints:
    """Return the varints whose first and last bytes in `raw` are at `starts` and `ends`, in int32 if that does."""
    if (ends - starts >= MAX_VARINT).any():
        raise _broken(position, f"numbers were expected to end within {MAX_VARINT} bytes")
    kind: type[np.signedinteger[Any]] = np.int32 if (ends - starts < 4).all() else np.int64
    values = (raw[starts] & 0x7F).astype(kind)
    place, longer = 1, (ends > starts).nonzero()[0]
    while len(longer):
        values[longer] |= (raw[starts[longer] + place] & 0x7F).astype(kind) << 7 * place
        place += 1
        longer = longer[starts[longer] + place <= ends[longer]]
    return values


def _broken(position: int, detail: str) -> ServiceError:
    return ServiceError(Problem.MODEL_INVALID, f"the model file is not protobuf: at byte {position:,} {detail}")
