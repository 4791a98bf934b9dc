"""A large JSON body, ``{"data": [row, …]}``, parsed slice by slice as its rows are scored.

So it takes the memory for the Python objects of a slice only. Rows of numbers are parsed as one list, without the
brackets between them: 10,000 rows of two take 0.7 of the time that lists within a list take.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lambda_fn.codecs.json_rows import decode, decode_body, holds_numbers
from lambda_fn.codecs.places import outside_quotes
from lambda_fn.errors import ServiceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.card import Card
    from lambda_fn.codecs.places import Places

SPACE = rb"[ \t\n\r]*"
START = re.compile(SPACE.join([b"", rb"\{", b'"data"', b":", rb"\[", rb"(?=[\[{])"]))
BETWEEN = re.compile(SPACE.join([rb"[\]}]", b",", rb"(?=[\[{])"]))
END = re.compile(SPACE.join([rb"[\]}]", rb"\]", rb"\}", b""]))
ANOTHER_MEMBER = re.compile(SPACE.join([rb"[\]}]", b",", b'"']))


class SlicedRows:
    """The rows of `body`: the first begins at `begin`, each ends with the bracket at one of `ends`.

    Whether that is so is seen when they are sliced; if not, it is one row that is no flat list or object, and the body
    as a whole is refused.
    """

    def __init__(self, body: bytes, begin: int, ends: Places, card: Card) -> None:
        self._body, self._begin, self._ends, self._card = body, begin, ends, card
        self._between = BETWEEN.match(body, int(ends[0]))
        self._numbers = holds_numbers(body, card)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._ends)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        """Return the `rows` from one on to another, (n, features); raise what `decode_body` raises for the body."""
        start, stop, _ = rows.indices(len(self))
        values = self._parse(start, stop)
        return self._whole[start:stop] if values is None else values

    @cached_property
    def _whole(self) -> NDArray[np.float64]:
        return decode_body(self._body, self._card)

    def _parse(self, start: int, stop: int) -> NDArray[np.float64] | None:
        """Return the rows from `start` to `stop`; None if they are not what was expected."""
        begin = self._begin
        if start > 0:
            between = BETWEEN.match(self._body, int(self._ends[start - 1]))
            if between is None:
                return None
            begin = between.end()
        text = self._body[begin : self._ends[stop - 1] + 1]
        try:
            if self._numbers:
                return self._parse_numbers(text, self._ends[start:stop] - begin)
            rows = json.loads(f"[{text.decode()}]")
            return decode({"data": rows}, self._card) if len(rows) == stop - start else None
        except (ValueError, TypeError, OverflowError, RecursionError, ServiceError):
            return None

    def _parse_numbers(self, text: bytes, ends: Places) -> NDArray[np.float64] | None:
        """Return rows of numbers; raise ValueError, TypeError or OverflowError if they are others, or none."""
        width, between = len(self._card.names), self._between[0] + b"[" if self._between else b"],["
        commas = outside_quotes(text, b",", 0, len(text))
        # the comma behind each row's last value, and no other, is the one between two rows
        if (
            len(commas) != len(ends) * width - 1
            or (commas[width - 1 :: width] != ends[:-1] + between.index(b",")).any()
        ):
            return None
        values = np.array(json.loads(text.replace(between, b",").decode()), np.float64)
        return values.reshape(-1, width) if values.shape == (len(ends) * width,) else None


def sliced_rows(body: bytes, card: Card) -> SlicedRows | None:
    """Return the rows of a `body` that looks like rows alone; None if it does not, or strings hide where they end."""
    start = START.match(body)
    if start is None or b'\\"' in body or b"\\\\" in body:
        return None
    ends = outside_quotes(body, b"]}", 0, len(body))
    if len(ends) < 3 or END.fullmatch(body, int(ends[-3])) is None:
        return None
    if body.count(b'"') > 2 and ANOTHER_MEMBER.search(body):
        return None
    return SlicedRows(body, start.end(), ends[:-2], card)
