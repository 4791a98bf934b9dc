"""A large JSON body, ``{"data": [row, …]}``, parsed slice by slice as its rows are scored.

So it takes the memory for the Python objects of a slice only. Rows of numbers are parsed as one list, without the
brackets between them: 10,000 rows of two take 0.7 of the time that lists within a list take.
"""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.codecs.json_document import decode, decode_body, holds_numbers
from lambda_fn.codecs.places import outside_quotes, without_escapes
from lambda_fn.errors import ServiceError
from lambda_fn.http.json_body import DECODER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.codecs.places import Places
    from lambda_fn.model.card import Card

SPACE = rb"[ \t\n\r]*"
START = re.compile(SPACE.join([b"", rb"\{", b'"data"', b":", rb"\[", rb"(?=[\[{])"]))
BETWEEN = re.compile(SPACE.join([rb"[\]}]", b",", rb"(?=[\[{])"]))
END = re.compile(SPACE.join([rb"[\]}]", rb"\]", rb"\}", b""]))


class SlicedRows:
    """The rows of `body`: the first begins at `begin`, each ends with the bracket at one of `ends`.

    Each is within brackets of its own, and has none inside. Whether they are JSON is seen when they are sliced; if not,
    the body is read as a whole, which says what is wrong.
    """

    def __init__(self, body: bytes, begin: int, ends: Places, card: Card) -> None:
        self._body, self._begin, self._ends, self._card = body, begin, ends, card
        self._between = BETWEEN.match(body, int(ends[0]))
        self._numbers = holds_numbers(body, card)
        self._reading = Lock()
        self._whole: NDArray[np.float64] | None = None
        self._refusal: ServiceError | None = None

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._ends)

    def __getitem__(self, rows: slice, /) -> NDArray[np.float64]:
        """Return the `rows` from one on to another, (n, features); raise what `decode_body` raises for the body."""
        start, stop, _ = rows.indices(len(self))
        values = None if self._refusal else self._parse(start, stop)
        return self._read()[start:stop] if values is None else values

    def _read(self) -> NDArray[np.float64]:
        """Return all rows, of the body as a whole: once, whichever thread asks first."""
        with self._reading:
            if self._refusal is not None:
                raise self._refusal.again()
            if self._whole is None:
                try:
                    self._whole = decode_body(self._body, self._card)
                except ServiceError as error:
                    self._refusal = error.again()
                    raise
            return self._whole

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
            rows = DECODER.decode(f"[{text.decode()}]")
            if len(rows) != stop - start or _members(rows) != len(
                outside_quotes(without_escapes(text), b":", 0, len(text))
            ):
                return None  # with fewer members than colons one has come twice
            return decode({"data": rows}, self._card)
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
        values = np.array(DECODER.decode(text.replace(between, b",").decode()), np.float64)
        if values.shape != (len(ends) * width,):
            return None
        values = values.reshape(-1, width)
        if self._card.dropped:
            values[:, self._card.dropped] = 0.0
        return values


def _members(rows: list[Any]) -> int:
    """Return how many members the objects among `rows` have."""
    return sum(len(row) for row in rows if isinstance(row, dict))


def sliced_rows(body: bytes, card: Card) -> SlicedRows | None:
    """Return the rows of a `body` that looks like rows alone, none with a list or an object inside; None otherwise."""
    start = START.match(body)
    if start is None:
        return None
    places = outside_quotes(without_escapes(body), b"[]{}", 0, len(body))
    if len(places) < 6 or len(places) % 2 or END.fullmatch(body, int(places[-3])) is None:
        return None
    rows = places[2:-2]  # without the brackets around `data`, and those of the document
    kinds = np.frombuffer(body, np.uint8)[rows]
    opening, closing = kinds[::2], kinds[1::2]
    if not ((opening == ord("[")) | (opening == ord("{"))).all() or not (closing - opening == 2).all():
        return None
    if (opening == ord("{")).any() and holds_numbers(body, card):
        return None
    return SlicedRows(body, start.end(), rows[1::2].copy(), card)  # or else the places of all brackets stay
