"""Made-up NPY bodies, converted at once and by slices, against what `numpy.load` makes of them."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import format as npy
from numpy.typing import NDArray

from lambda_fn.codecs.npy_rows import decode
from tests.lambda_fn.codecs.cards import card
from tests.lambda_fn.codecs.made_up import SETTINGS, TWO, Outcome, mutated, outcome_of

KINDS = ["<f8", ">f8", "<f4", ">f4", "<f2", ">f2", "|b1", "|i1", "|u1", "<i2", ">u2", "<i4", ">u4", "<i8", ">u8"]
FLAGS = card(("a", "float", True), ("b", "bool", True))
MARKS = [
    b"",
    b"'",
    b'"',
    b"(",
    b")",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b" ",
    b"\n",
    b"\\",
    b"#",
    b"+",
    b"\x93",
    b"\xff",
    b"\x00",
]
WORDS = [
    b"0",
    b"1",
    b"9",
    b"-1",
    b"L",
    b"_0",
    b"1.0",
    b"2.",
    b"True",
    b"False",
    b"None",
    b"int",
    b"a",
    b"b",
    b"'a'",
    b"b'a'",
]
MEMBERS = [b"<f8", b">f4", b"u1", b"O", b"|V4", b"'shape': (1, 2)", b"'x': 1, ", b"\\x61", b"2, 1", b"(2,)", b"\x01"]
PIECES = [*MARKS, *WORDS, *MEMBERS]


def loaded(body: bytes) -> NDArray[Any] | None:
    """Return what numpy makes of the whole body; None if it refuses it, or leaves bytes over."""
    file = io.BytesIO(body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            array = npy.read_array(file, allow_pickle=False)
        except (ValueError, TypeError, SyntaxError, OverflowError, MemoryError, EOFError, UnicodeError):
            return None
    return array if file.tell() == len(body) else None


def numbers(array: NDArray[Any]) -> NDArray[np.float64]:
    """Return its rows of the features a and b as numbers."""
    if array.dtype.names:
        return np.stack([array[name].astype(np.float64) for name in ("a", "b")], axis=1)
    return array.astype(np.float64)


def hexadecimal(array: NDArray[np.float64]) -> Outcome:
    return [list(map(float.hex, row)) for row in array.tolist()]


@st.composite
def arrays(draw: st.DrawFn) -> NDArray[Any]:
    """Draw rows of two numbers of any kind, in any order, or with fields."""
    count = draw(st.integers(1, 6))
    bits = np.frombuffer(draw(st.binary(min_size=16 * count, max_size=16 * count)), np.uint8)

    def column(kind: str, at: int) -> NDArray[Any]:
        size = np.dtype(kind).itemsize
        part = bits[at * 8 * count :][: size * count]
        return (part & 1 if kind == "|b1" else part).view(kind)

    if draw(st.booleans()):
        kind = draw(st.sampled_from(KINDS))
        order: Any = draw(st.sampled_from("CF"))
        return np.asarray(np.stack([column(kind, 0), column(kind, 1)], axis=1), order=order)
    kinds = {name: draw(st.sampled_from(KINDS)) for name in draw(st.permutations(["a", "b"]))}
    array = np.zeros(count, np.dtype(list(kinds.items()), align=draw(st.booleans())))
    for at, (name, kind) in enumerate(kinds.items()):
        array[name] = column(kind, at)
    return array


def written(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    npy.write_array(file, array, allow_pickle=False)
    return file.getvalue()


@SETTINGS
@given(arrays(), st.sampled_from([1, 2, 100]))
def test_what_numpy_writes_is_read_as_numpy_reads_it(array: NDArray[Any], step: int) -> None:
    body = written(array)
    assert outcome_of(lambda: decode(body, TWO), step) == hexadecimal(numbers(array))


@SETTINGS
@given(mutated(arrays().map(written), PIECES), st.sampled_from([1, 2, 100]))
def test_a_changed_body_is_read_as_numpy_reads_it_or_refused(body: bytes, step: int) -> None:
    for of in (TWO, FLAGS):
        found = outcome_of(lambda of=of: decode(body, of), step)  # type: ignore[misc]
        assert outcome_of(lambda of=of: decode(body, of), 100) == found  # type: ignore[misc]
        if isinstance(found, list):
            array = loaded(body)
            assert array is not None
            assert found == hexadecimal(numbers(array))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }",
        '{"shape":(1,2),"descr":"<f8","fortran_order":False}',
        "{\n'fortran_order':\tTrue , 'descr' : '<f8', 'shape':(1,2)}\n",
        r"{'descr': [('\x61', '<f8'), ('b', '<f8')], 'fortran_order': False, 'shape': (1,)}",
        r"{'descr': [('b', '<f8'), ('\u0061', '<f8'),], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': ('<f8'), 'fortran_order': (False), 'shape': (1, (2))}",
    ],
)
def test_headers_of_other_writers_are_read(header: str) -> None:
    body = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + np.array([1.5, -0.0]).tobytes()
    array = loaded(body)
    assert array is not None
    assert outcome_of(lambda: decode(body, TWO), 1) == hexadecimal(numbers(array))
