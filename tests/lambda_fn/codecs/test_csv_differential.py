"""Made-up CSV bodies, read at once and by slices, against a reference that is `csv`, `float` and plain rules."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.codecs import csv_slices
from lambda_fn.codecs.csv_rows import decode
from lambda_fn.model.card import Card, Feature
from tests.lambda_fn.codecs.cards import card
from tests.lambda_fn.codecs.made_up import CARDS, SETTINGS, Outcome, mutated, outcome_of, value_of

SEPARATORS = [
    b",",
    b",,",
    b"\n",
    b"\n\n",
    b"\n,",
    b"\r\n",
    b"\r",
    b"\r\r\n",
    b'"',
    b'""',
    b'"\n"',
    b'a"b',
    b'"a"b',
    b";",
]
SPACES = [b" ", b"\t", b"\x0b", b"\x0c", b"\x1c", b"\x1f", b"\x00", b"\xa0", *map(str.encode, "\x85\u2028\u00a0\ufeff")]
NUMBERS = [b"0", b"1", b"01", b"-0", b"-", b"+", b".", b"e5", b"nan", b"NAN", b"nan(1)", b"inf", b"Infinity", b"1e999"]
ODD = [b"", b"0x1", b"0x1p3", b"1_0", b"1d5", b"true", b"#", b";", b"1\n2", b"\xff", *map(str.encode, "\uff11\u0661")]
PIECES = [*SEPARATORS, *SPACES, *NUMBERS, *ODD]


def reference(body: bytes, card: Card) -> Outcome:
    """Return the numbers of the rows in a body without a header, or how it is refused."""
    rows = rows_of(body)
    if not rows:
        return "empty-data", None, None
    found = []
    for row, text in enumerate(rows):
        cells = cells_of(text, len(card.features))
        if isinstance(cells, str):
            return "wrong-width" if cells == "ragged-rows" and row == 0 else cells, row, None
        numbers = []
        for column, (cell, feature) in enumerate(zip(cells, card.features, strict=True)):
            value = number(cell, feature)
            if isinstance(value, str):
                return value, row, column
            numbers.append(value.hex())
        found.append(numbers)
    return found


def rows_of(body: bytes) -> list[bytes]:
    """Return the rows: they end where a line does outside quotes."""
    body = body.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    rows, quoted = [bytearray()], False
    for byte in body:
        rows[-1].append(byte)
        quoted ^= byte == ord('"')
        if byte == ord("\n") and not quoted:
            rows.append(bytearray())
    return [bytes(row) for row in rows] if body else []


def cells_of(row: bytes, width: int) -> list[str] | str:
    """Return the cells of a row, or the code of the error."""
    parts = row.split(b'"')
    bare = any(b"\r" in part.replace(b"\r\n", b"") for part in parts[::2])
    if sum(part.count(b",") for part in parts[::2]) + 1 != width:
        return "malformed-csv" if bare or len(parts) % 2 == 0 else "ragged-rows"
    try:
        records = list(csv.reader([row.decode()], strict=True))
    except (csv.Error, UnicodeDecodeError):
        return "malformed-csv"
    cells = records[0] or [""]
    return "malformed-csv" if bare or len(cells) != width else cells


def number(cell: str, feature: Feature) -> float | str:
    """Return the number that a cell stands for, or the code of the error."""
    if feature.type == "str" and cell in feature.categories:
        return feature.categories[cell]
    if feature.accepts.nan and not (cell if feature.type == "str" else cell.strip()):
        return math.nan
    if feature.type == "str":
        return -1.0 if feature.takes_unknown else "unknown-category"
    if feature.type == "bool" and cell.strip().lower() in ("true", "false"):
        return float(cell.strip().lower() == "true")
    try:
        value = float(cell) if "_" not in cell else None
    except ValueError:
        value = None
    if feature.type == "float":
        return "not-a-number" if value is None else value
    return value if value in (0, 1) else "wrong-type"


@st.composite
def tables(draw: st.DrawFn, card: Card) -> bytes:
    """Draw a table that is mostly right, as a writer or another writes it."""
    texts = [text for feature in card.features for text in feature.categories]
    values = [value_of(feature.type, texts or ["x"]) for feature in card.features]
    rows: list[list[Any]] = [[draw(each) for each in values] for _ in range(draw(st.integers(1, 7)))]
    text = io.StringIO()
    quoting: Any = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(text, lineterminator=draw(st.sampled_from(["\n", "\r\n"])), quoting=quoting)
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize("cells", [1, csv_slices.COLUMNS_FROM])
@pytest.mark.parametrize("card", CARDS, ids=["two", "nullable", "mixed", "unknown"])
def test_a_body_is_read_as_the_reference_reads_it_in_slices_of_any_size(
    card: Card, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_slices, "COLUMNS_FROM", cells)
    read = 0

    @SETTINGS
    @given(mutated(tables(card), PIECES), st.sampled_from([1, 2, 3, 100]))
    def check(body: bytes, step: int) -> None:
        nonlocal read
        expected = reference(body, card)
        for rows in (step, 100):
            assert outcome_of(lambda: decode(body, card, "absent"), rows) == expected
        read += isinstance(expected, list)

    check()
    assert read > 10


@SETTINGS
@given(st.text('ab",\r\n 1', max_size=40))
def test_what_is_taken_is_what_the_csv_module_reads_of_the_whole(text: str) -> None:
    """A body is cut into rows first here; where that is taken, Python's reader cuts it into the same."""
    of = card(("city", "str", False), categories=("a", ""), unknown=True)
    taken = outcome_of(lambda: decode(text.encode(), of, "absent"), 2)
    if isinstance(taken, list):
        records = list(csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), strict=True))
        assert [float(number((cells or [""])[0], of.features[0])).hex() for cells in records] == [
            row[0] for row in taken
        ]
