"""Numbers written at once, against `repr`, to the byte; rows of them against rows made one by one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lambda_fn.codecs import csv_rows
from lambda_fn.codecs.text_rows import BLOCK_WORDS, columns_of, rows_of
from tests.lambda_fn.codecs.made_up import SETTINGS

RNG = np.random.default_rng(0)
COUNT = 200_000
type Floats = NDArray[np.float64]


def check(numbers: Any) -> None:
    """Compare what is written of numbers and of their negatives with what repr() makes of each."""
    numbers = np.asarray(numbers, np.float64)
    written = rows_of(b"", [(numbers, b" "), (-numbers, b"\n")]).decode().splitlines()
    expected = [f"{number!r} {-number!r}" for number in numbers.tolist()]
    assert len(written) == len(expected)
    assert [each for each in zip(written, expected, strict=True) if each[0] != each[1]][:5] == []


def around(numbers: Sequence[float]) -> Floats:
    """Return numbers and 20 on each side of them."""
    bits = np.array(numbers).view(np.int64)[:, None] + np.arange(-20, 21)
    return bits[bits >= 0].view(np.float64)


def softmax() -> Floats:
    scores = np.exp(RNG.standard_normal((COUNT // 4, 4)) * 6)
    return np.ravel(scores / scores.sum(axis=1, keepdims=True))


def decimals(least: Any, most: Any, count: int, form: str = "{}e{}") -> list[float]:
    """Return numbers made of whole ones, from `least` up to `most`, and a power of ten."""
    digits, powers = RNG.integers(least, most, count).tolist(), RNG.integers(-130, 120, count).tolist()
    return [float(form.format(*each)) for each in zip(digits, powers, strict=True)]


def binary(most: Any, count: int) -> Floats:
    """Return whole numbers up to `most` over a power of two."""
    numbers: Floats = RNG.integers(0, most, count) / 2.0 ** RNG.integers(0, 60, count)
    return numbers


ODD = [
    0.0,
    1.0,
    float("nan"),
    float("inf"),
    0.1,
    0.25,
    0.3,
    1e22,
    1e23,
    2.0**53 + 2,
    1e16,
    9999999999999998.0,
    2.0**-44,
]
KINDS: dict[str, Callable[[], Any]] = {
    "below 1": lambda: RNG.random(COUNT),
    "softmax": softmax,
    "near 0": lambda: RNG.random(COUNT) ** 9,
    "all of float64": lambda: np.frombuffer(RNG.bytes(4 * COUNT)),
    "normal": lambda: RNG.standard_normal(COUNT) * 10.0 ** RNG.integers(-9, 9, COUNT),
    "all decades": lambda: 10.0 ** RNG.uniform(-295, 295, COUNT),
    "few digits": lambda: decimals(1, 10 ** RNG.integers(1, 17, COUNT // 2), COUNT // 2),
    "float32": lambda: RNG.random(COUNT // 2, np.float32),
    "counts": lambda: RNG.integers(0, 101, COUNT // 4) / RNG.integers(1, 101, COUNT // 4),
    "whole": lambda: RNG.integers(0, 2 ** RNG.integers(1, 63, COUNT // 2)),
    "over powers of two": lambda: np.concatenate([binary(2**20, COUNT // 4), binary(2**53, COUNT // 4)]),
    "halfway": lambda: decimals(10**14, 10**16, COUNT // 4, "{}5e{}"),
    "around powers of two": lambda: around([2.0**power for power in range(-1074, 1024)]),
    "around powers of ten": lambda: around(
        [float(f"{digits}e{power}") for power in range(-323, 308) for digits in (1, 2, 5)]
    ),
    "the least": lambda: np.arange(1, 5000) * 5e-324,
    "odd ones": lambda: ODD,
    "strange ones only": lambda: [float("nan"), float("inf"), 0.0, 1e300],
    "one alone": lambda: [0.7],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_written_as_repr_writes_it(kind: str) -> None:
    check(KINDS[kind]())


@SETTINGS
@given(st.lists(st.floats() | st.decimals(allow_nan=False, places=4).map(float), min_size=1, max_size=40))
def test_made_up_numbers_are_written_as_repr_writes_them(numbers: list[float]) -> None:
    check(numbers)


@pytest.mark.parametrize("decade", range(-7, 20))
def test_each_count_of_digits_in_each_decade_is_written(decade: int) -> None:
    texts = [digits[:size] for digits in ("1234567891234567891", "1000000000000000001") for size in range(1, 19)]
    check([float(f"0.{digits}e{decade}") for digits in texts])


def plain(keys: list[list[bytes]], labels: NDArray[Any], probabilities: NDArray[Any] | None) -> bytes:
    """Return lines made one by one; a label is quoted as where nothing else stands."""
    columns = [[key.decode() for key in column] for column in keys]
    columns.append([csv_rows.line([spoken(label)])[:-1] for label in labels.tolist()])
    columns += [] if probabilities is None else [list(map(repr, column)) for column in probabilities.T.tolist()]
    return "".join([",".join(row) + "\n" for row in zip(*columns, strict=True)]).encode()


def spoken(label: Any) -> Any:
    """Return a label as CSV has it."""
    return str(label).lower() if isinstance(label, bool) else label


MANY = 3 * BLOCK_WORDS // 7
"""Rows of more than one block."""
WORDS = np.array(["Ölbaum", 'a "b"', "1,5", "two\nlines", "x" * 40, "", "plain"], object)
LABELS: dict[str, NDArray[Any]] = {
    "whole": np.arange(MANY) % 3,
    "negative, of a byte": np.array([-128, 127, 5], np.int8)[np.arange(MANY) % 3],
    "far apart": np.array([-(2**63), 2**63 - 1, 0])[np.arange(MANY) % 3],
    "unsigned": np.array([2**64 - 1, 2**64 - 3], np.uint64)[np.arange(MANY) % 2],
    "true or false": np.arange(MANY) % 3 == 0,
    "words": WORDS[np.arange(MANY) % len(WORDS)],
    "words of one width": WORDS[np.arange(MANY) % len(WORDS)].astype("U"),
    "a very long word": np.array(["x" * 100, "y"], object)[np.arange(MANY) % 2],
    "values": RNG.standard_normal(MANY),
    "values of float32": RNG.standard_normal(MANY).astype(np.float32),
}


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("classes", [0, 1, 3])
@pytest.mark.parametrize("kind", LABELS)
def test_lines_are_those_made_one_by_one(kind: str, classes: int, keyed: bool) -> None:
    labels = LABELS[kind]
    keys = [[b"%d" % row for row in range(len(labels))], [b'"\xc3\xb6,\n"'] * len(labels)] if keyed else []
    probabilities = numbers(len(labels), classes) if classes else None
    assert csv_rows.lines(keys, labels, probabilities) == plain(keys, labels, probabilities)


def numbers(rows: int, classes: int) -> NDArray[Any]:
    """Return numbers of either width, some of which are left to repr."""
    table = RNG.random((rows, classes)).astype(np.float32 if classes == 1 else np.float64)
    table[5], table[-3:, -1] = np.nan, 1e-30 if classes == 1 else 1e-200
    return table


def test_lines_may_have_labels_of_several_types() -> None:
    labels, table = np.array([2, "2", 2.5], object)[np.arange(MANY) % 3], numbers(MANY, 1)
    assert csv_rows.lines([], labels, table) == plain([], labels, table)


@pytest.mark.parametrize("classes", [1, 3])
def test_lines_may_be_of_probabilities_alone(classes: int) -> None:
    table = numbers(MANY, classes)
    texts = "".join([",".join(map(repr, row)) + "\n" for row in table.tolist()])
    assert csv_rows.lines([], None, table) == texts.encode()
    assert csv_rows.lines([[b"k"] * MANY], None, table) == "".join(f"k,{row}\n" for row in texts.splitlines()).encode()


def test_probabilities_may_lie_in_any_order_and_be_of_many_classes() -> None:
    table = numbers(300, 500)
    labels = np.arange(300)
    assert csv_rows.lines([], labels, np.asfortranarray(table)) == plain([], labels, table)


@pytest.mark.parametrize("classes", [(), ("x",), (True, False, "a,b")])
@pytest.mark.parametrize("kind", LABELS)
def test_a_large_answer_is_what_the_module_csv_writes(kind: str, classes: tuple[Any, ...]) -> None:
    labels = LABELS[kind]
    probabilities = numbers(len(labels), len(classes)) if classes else None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["prediction", *map(spoken, classes)])
    writer.writerows(
        zip(map(spoken, labels.tolist()), *([] if probabilities is None else probabilities.T.tolist()), strict=True)
    )
    assert csv_rows.encode(labels, probabilities, classes) == text.getvalue()


def test_rows_have_what_stands_before_and_between() -> None:
    labels, table = np.array(["ja", "nein"] * MANY)[:MANY], numbers(MANY, 2)[:, :1]
    columns = columns_of(labels, table, lambda label: json.dumps(label).encode())
    assert columns is not None
    written = rows_of(b'{"prediction": ', zip(columns, [b', "probability": ', b"}\n"], strict=True)).decode()
    expected = zip(labels.tolist(), table[:, 0].tolist(), strict=True)
    assert written == "".join(f'{{"prediction": "{label}", "probability": {number!r}}}\n' for label, number in expected)
