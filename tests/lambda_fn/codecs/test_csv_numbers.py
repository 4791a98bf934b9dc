"""Numbers of CSV read by columns, against `float`, to the bit."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lambda_fn.codecs.csv_numbers import columns_of
from tests.lambda_fn.codecs.made_up import SETTINGS

RNG = np.random.default_rng(0)
CHANCE = random.Random(0)
COUNT = 100_000


def plain(cell: str, at: int) -> float:
    """Return a number as Python has it."""
    return float(cell)


def check(cells: list[str], width: int = 1) -> None:
    """Compare what is read of cells, laid out in rows, with what float() makes of each."""
    cells = cells[: len(cells) // width * width]
    rows = [cells[at : at + width] for at in range(0, len(cells), width)]
    text = "\n".join(map(",".join, rows)).encode()
    found = columns_of(text, len(rows), width, range(width), plain)
    assert found is not None
    expected = np.array(list(map(float, cells)))
    found = found.ravel()
    differ = np.flatnonzero((found.view(np.int64) != expected.view(np.int64)) & ~(np.isnan(found) & np.isnan(expected)))
    assert [cells[place] for place in differ[:5]] == []


def bits(count: int) -> list[float]:
    return [value for value in np.frombuffer(RNG.bytes(8 * count)).tolist() if value == value]


def midpoints(count: int) -> list[str]:
    """Return decimals at the middle between two float64, cut at 17 to 25 digits, and one last digit off."""
    cells = []
    with localcontext() as context:
        context.prec = 200
        for value in (RNG.random(count) * 10.0 ** RNG.integers(-3, 6, count)).tolist():
            [number] = struct.unpack("<q", struct.pack("<d", value))
            [above] = struct.unpack("<d", struct.pack("<q", number + 1))
            digits = f"{(Decimal(value) + Decimal(above)) / 2:f}"
            cut = digits[: max(digits.index(".") + 2, CHANCE.randrange(17, 26))]
            last = int(cut[-1])
            cells += [cut, cut[:-1] + str((last + 1) % 10), cut[:-1] + str((last - 1) % 10)]
    return cells


KINDS = {
    "all of float64": lambda: list(map(repr, bits(COUNT))),
    "below 1": lambda: list(map(repr, RNG.random(4 * COUNT).tolist())),
    "normal": lambda: list(map(repr, RNG.standard_normal(4 * COUNT).tolist())),
    "few digits": lambda: [f"{value:.{CHANCE.randrange(7)}f}" for value in (RNG.standard_normal(COUNT) * 99).tolist()],
    "1 to 25 digits": lambda: [
        CHANCE.choice(["", "", "-", "+"]) + digits[:cut] + CHANCE.choice([".", ".", ""]) + digits[cut:]
        for digits in (str(CHANCE.randrange(10 ** CHANCE.randrange(1, 26))) for _ in range(COUNT))
        for cut in [CHANCE.randrange(len(digits) + 1)]
    ],
    "halfway": lambda: midpoints(COUNT // 10),
    "around 2^53": lambda: [
        f"{digits[:cut]}.{digits[cut:]}" if cut else digits
        for near in range(2**53 - 3000, 2**53 + 3000)
        for digits in [str(near)]
        for cut in range(16)
    ],
    "powers of two": lambda: [
        cell
        for power in range(-40, 64)
        for value in [2.0**power]
        for digits in [f"{Decimal(value):f}", f"{Decimal(np.nextafter(value, 0)):f}"]
        for cut in range(1, 26)
        for cell in [digits[:cut], "-" + digits[:cut]]
    ],
    "leading zeros": lambda: [
        "0" * CHANCE.randrange(9)
        + CHANCE.choice(["", ".", "0."])
        + str(CHANCE.randrange(10 ** CHANCE.randrange(1, 16)))
        for _ in range(COUNT)
    ],
    "exponents": lambda: [f"{CHANCE.randrange(10**17)}e{CHANCE.randrange(-345, 310)}" for _ in range(COUNT // 5)],
    "odd ones": lambda: [
        *[
            "0",
            "-0",
            "-0.0",
            "+0.",
            ".5",
            "5.",
            "+5",
            "-.5",
            "007",
            "0.0000000000000000000001",
            "nan",
            "-inf",
            "Infinity",
            "1e5",
            "1E-5",
            "1_0",
            "٣",
            "+.0",
        ],
        *["9223372036854775807", "18446744073709551616", "9219999999999999999.9", "-18446744073709551615."],
        *[" 1", "1 ", "9" * 400, "0." + "0" * 400 + "1"],
    ],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_what_float_makes_of_it(kind: str) -> None:
    cells = KINDS[kind]()
    check(cells)
    check(cells, 7)


@pytest.mark.parametrize(
    "cell", ["", ".", "-", "+", "-.", "--1", "+-1", "1-", "1.2.3", "..", "1/2", "1/", "/", "-/5", "0x1"]
)
@pytest.mark.parametrize("before", ["", "1234567890.123456789,"])
def test_what_is_no_number_is_left_to_who_asks(cell: str, before: str) -> None:
    text = f"{before}{cell}\n{before}1\n".encode()
    width = 1 + before.count(",")
    asked: list[tuple[str, int]] = []

    def other(found: str, at: int) -> float:
        asked.append((found, at))
        return 7.0

    found = columns_of(text, 2, width, [width - 1], other)
    assert found is not None
    assert (found.tolist(), asked) == ([[7.0], [1.0]], [(cell, 0)])
    assert columns_of(text, 2, width, [width - 1], plain) is None


def read(text: bytes, rows: int, width: int, other: Callable[[str, int], float]) -> NDArray[np.float64]:
    """Return all columns."""
    found = columns_of(text, rows, width, range(width), other)
    assert found is not None
    return found


@pytest.mark.parametrize("cell", ["1\0", "\x001", "1\r", "\r1", "1;", "1:", "\xe9", "1\x1c", "12345678a", "a12345678"])
def test_no_other_byte_is_taken_for_a_digit(cell: str) -> None:
    found = read(f"{cell},1\n".encode(), 1, 2, lambda found, at: -7.0 if found == cell else 0.0)
    assert found.tolist() == [[-7, 1]]


@pytest.mark.parametrize("size", [1, 8, 9, 17, 19])
def test_every_byte_at_every_place_is_a_digit_a_point_a_sign_or_left_to_who_asks(size: int) -> None:
    for place in range(size):
        for byte in set(range(256)) - set(b",\n"):
            text = b"0" * place + bytes([byte]) + b"0" * (size - place - 1) + b",\n"
            found = columns_of(text, 1, 2, [0], lambda cell, at: -7.0)
            taken = byte in b"0123456789" or (size > 1 and (byte == ord(".") or (byte in b"+-" and place == 0)))
            assert (found is not None and found[0, 0] != -7) == taken, (place, byte)


def test_ends_of_lines_may_be_of_both_kinds() -> None:
    for text in (b"1,2\r\n3,4\r\n", b"1,2\r\n3,4", b"1,2\n3,4\r\n"):
        assert read(text, 2, 2, plain).tolist() == [[1, 2], [3, 4]]
    assert read(b"1\r\n\r\n", 2, 1, lambda cell, at: len(cell) - 7).tolist() == [[1], [-7]]


RAGGED = [(b"1,2\n3\n", 2), (b"1,2\n3,4,5\n", 2), (b"1\n2,3,4\n", 2), (b"1,2\n", 2), (b"1,2\n3,4\n", 1), (b"", 1)]


@pytest.mark.parametrize(("text", "rows"), [*RAGGED, (b"1,2\n\n3,4\n", 3), (b"1,2,3\n4\n", 2)])
def test_ragged_rows_are_not_taken(text: bytes, rows: int) -> None:
    assert columns_of(text, rows, 2, [0], plain) is None


def test_columns_are_chosen_and_others_not_looked_at() -> None:
    table = RNG.random((30_000, 3)).round(3)
    text = "".join(f"{a!r},x-{b!r}/,\xe9,{b!r}e0,{c!r}\n" for a, b, c in table.tolist()).encode()
    found: NDArray[np.float64] | None = columns_of(text, 30_000, 5, [4, 0, 3], plain)
    assert found is not None
    np.testing.assert_array_equal(found, table[:, [2, 0, 1]])


@SETTINGS
@given(st.lists(st.text("0123456789.-+e,\r", max_size=24), min_size=1, max_size=30))
def test_made_up_cells_are_read_as_float_reads_them(lines: list[str]) -> None:
    lines = [line.replace(",", "") for line in lines]
    found = columns_of("\n".join([*lines, "1"]).encode(), len(lines) + 1, 1, [0], lambda cell, at: -7.5)
    assert found is not None
    for line, value in zip(lines, found[:, 0].tolist(), strict=False):
        if value != -7.5:
            assert float(line).hex() == value.hex()
