import io
import random
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy
from numpy.typing import NDArray

from lambda_fn.codecs.npy_rows import decode, encode
from lambda_fn.errors import Kind, Problem, ServiceError
from lambda_fn.model.card import Card
from tests.lambda_fn.codecs.cards import card, dropping

NUMBERS = card(("a", "float", False), ("b", "float", False))
ROWS = np.array([[1.0, 2.5], [-3.0, 4.0]])


def npy_of(array: NDArray[Any], version: tuple[int, int] | None = None, pickled: bool = False) -> bytes:
    """Return the bytes that numpy writes of an array."""
    file = io.BytesIO()
    npy.write_array(file, array, version, allow_pickle=pickled)
    return file.getvalue()


def with_header(header: str, data: bytes = b"") -> bytes:
    """Return a file that has `header`, whatever follows."""
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header.encode() + data


def shaped(shape: str, data: bytes = b"", descr: str = "'<f8'") -> bytes:
    return with_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}", data)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_rows_are_the_bytes_of_the_body(version: tuple[int, int]) -> None:
    body = npy_of(ROWS, version)
    rows = decode(body, NUMBERS)
    assert isinstance(rows, np.ndarray)
    assert rows.tolist() == ROWS.tolist()
    assert np.shares_memory(rows, np.frombuffer(body, np.uint8))


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", ">f4", "<f2", "<i8", ">i4", "<i2", "|i1", "<u8", "|u1", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_any_kind_and_order_are_taken(kind: str, order: Any) -> None:
    array = np.asarray(np.random.default_rng(0).integers(0, 2, (5, 2)).astype(kind), order=order)
    rows = decode(npy_of(array), NUMBERS)
    assert len(rows) == 5
    for part in (rows[:], rows[1:3]):
        assert part.dtype == np.float64
        assert part.flags.c_contiguous
    assert rows[:].tolist() == array.astype(float).tolist()
    assert rows[1:3].tolist() == array[1:3].astype(float).tolist()


def test_whole_numbers_are_rounded_as_in_json() -> None:
    array = np.array([[2**63 - 1, 2**53 + 1]])
    assert decode(npy_of(array), NUMBERS)[:].tolist() == [[float(2**63 - 1), float(2**53 + 1)]]


def test_bytes_that_are_not_aligned_are_copied() -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2)} "
    rows = decode(with_header(header if len(header) % 8 else header + " ", ROWS.tobytes()), NUMBERS)
    assert rows[:].flags.aligned
    assert rows[:].tolist() == ROWS.tolist()


@pytest.mark.parametrize("align", [False, True])
def test_fields_are_named_features_in_any_order(align: bool) -> None:
    array = np.empty(3, np.dtype([("b", "|i1"), ("é", ">f8"), ("a", "<f4")], align=align))
    array["a"], array["b"], array["é"] = [0.5, 1, 2], [1, 2, 3], [7, 8, 9]
    features = card(("a", "float", False), ("é", "float", False), ("b", "float", False))
    rows = decode(npy_of(array, (3, 0)), features)
    assert rows[:].tolist() == [[0.5, 7, 1], [1, 8, 2], [2, 9, 3]]
    assert rows[1:2].tolist() == [[1, 8, 2]]


def test_booleans_are_0_and_1_and_nothing_else() -> None:
    flags = card(("a", "float", False), ("b", "bool", False), ("c", "bool", True))
    array = np.tile([7.0, 1.0, 0.0], (5000, 1))
    array[4321, 2] = np.nan
    np.testing.assert_array_equal(decode(npy_of(array), flags)[:], array)
    assert decode(npy_of(np.array([[True, False, True]])), flags)[:].tolist() == [[1, 0, 1]]
    array[4900, 1] = 0.5
    with pytest.raises(ServiceError, match=r"row 4900, column 1 \('b'\) is 0.5, expected 0 or 1") as raised:
        decode(npy_of(array), flags)
    assert (raised.value.problem, raised.value.row, raised.value.column) == (Problem.WRONG_TYPE, 4900, 1)


@pytest.mark.parametrize(
    ("body", "problem", "detail"),
    [
        (b"", Problem.MALFORMED_NPY, "it begins with b''"),
        (b"PK\x03\x04 an npz file", Problem.MALFORMED_NPY, "not with b'\\x93NUMPY'"),
        (b"\x93NUMPY", Problem.MALFORMED_NPY, "it is of version , expected"),
        (b"\x93NUMPY\x09\x00", Problem.MALFORMED_NPY, "it is of version 9.0"),
        (b"\x93NUMPY\x01\x00\xff\xff{}", Problem.MALFORMED_NPY, "its header ends at byte 65545"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", Problem.MALFORMED_NPY, "its header ends at byte 4294967307"),
        (with_header("(" * 60_000), Problem.MALFORMED_NPY, "its header is no dictionary"),
        (with_header("-" * 60_000 + "1"), Problem.MALFORMED_NPY, "its header is no dictionary"),
        (with_header("__import__('os')"), Problem.MALFORMED_NPY, "its header is no dictionary"),
        (with_header("[]"), Problem.MALFORMED_NPY, "its header was expected to have descr"),
        (
            with_header("{'descr': '<f8', 'shape': (1, 2)}"),
            Problem.MALFORMED_NPY,
            "its header was expected to have descr",
        ),
        (shaped("(-1, 2)"), Problem.MALFORMED_NPY, "its header was expected to have descr"),
        (shaped("(True, 2)"), Problem.MALFORMED_NPY, "its header was expected to have descr"),
        (shaped(f"({2**63}, 2)"), Problem.MALFORMED_NPY, "its header was expected to have descr"),
        (shaped(f"({2**62}, 2)"), Problem.MALFORMED_NPY, f"its header tells of {2**63} times 8 bytes, 0 follow"),
        (shaped("(2, 2)", bytes(31)), Problem.MALFORMED_NPY, "its header tells of 4 times 8 bytes, 31 follow"),
        (shaped("(2, 2)", bytes(33)), Problem.MALFORMED_NPY, "33 follow"),
        (shaped("(2,)", bytes(16)), Problem.MALFORMED_NPY, "its shape is (2,), expected (rows, 2)"),
        (shaped("()", bytes(8)), Problem.MALFORMED_NPY, "its shape is (), expected (rows, 2)"),
        (shaped(f"({'1, ' * 9000})", bytes(8)), Problem.MALFORMED_NPY, "its shape is (1, 1, "),
        (shaped("(0, 2)"), Problem.EMPTY_DATA, "the array has no row"),
        (shaped("(2, 3)", bytes(48)), Problem.WRONG_WIDTH, "the rows have 3 values, the model takes 2 (a, b)"),
        (shaped("(1, 2)", bytes(16), "'|O'"), Problem.NOT_A_NUMBER, "the array is of '|O', expected numbers"),
        (shaped("(1, 2)", bytes(16), "'<c16'"), Problem.NOT_A_NUMBER, "is of '<c16'"),
        (shaped("(1, 2)", bytes(16), "'<f16'"), Problem.NOT_A_NUMBER, "is of '<f16'"),
        (shaped("(1, 2)", bytes(16), "'<M8[s]'"), Problem.NOT_A_NUMBER, "is of '<M8[s]'"),
        (shaped("(1, 2)", bytes(16), "'<f8, <f8'"), Problem.NOT_A_NUMBER, "is of '<f8, <f8'"),
        (shaped("(1,)", bytes(16), "[('a', '<f8')]"), Problem.MISSING_FEATURE, "lacks 'b'"),
        (shaped("(1,)", bytes(16), "[('a', '<f8'), ('c', '<f8')]"), Problem.UNKNOWN_FEATURE, "has 'c'"),
        (shaped("(1,)", bytes(16), "[('a', '<f8'), ('a', '<f8')]"), Problem.UNKNOWN_FEATURE, "has 'a' twice"),
        (shaped("(1,)", bytes(16), "[('a', '|O'), ('b', '<f8')]"), Problem.NOT_A_NUMBER, "has a field ('a', '|O')"),
        (shaped("(1,)", bytes(16), "[['a', '<f8'], ('b', '<f8')]"), Problem.NOT_A_NUMBER, "has a field ['a'"),
        (shaped("(1,)", bytes(16), "[('a', '<f8', (1,)), ('b', '<f8')]"), Problem.NOT_A_NUMBER, "has a field"),
        (shaped("(1,)", bytes(16), "[(('t', 'a'), '<f8'), ('b', '<f8')]"), Problem.NOT_A_NUMBER, "has a field"),
        (shaped("(1, 1)", bytes(16), "[('a', '<f8'), ('b', '<f8')]"), Problem.MALFORMED_NPY, "expected (rows,)"),
        (shaped("(1,)", b"", "[]"), Problem.MISSING_FEATURE, "lacks 'a'"),
        (shaped("(0,)", b"", "[('a', '<f8'), ('b', '<f8')]"), Problem.EMPTY_DATA, "the array has no row"),
        (npy_of(np.array([[1, None]]), pickled=True), Problem.NOT_A_NUMBER, "is of '|O'"),
        (npy_of(np.array([["1", "2"]])), Problem.NOT_A_NUMBER, "is of '<U1'"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, problem: Kind, detail: str) -> None:
    with pytest.raises(ServiceError) as raised:
        decode(body, NUMBERS)
    assert detail in raised.value.detail
    assert raised.value.problem is problem
    assert len(raised.value.detail) < 600


def test_strings_are_not_taken() -> None:
    with pytest.raises(ServiceError, match=r"column 1 \('city'\) takes strings.*: send JSON or CSV") as raised:
        decode(npy_of(ROWS), card(("a", "float", False), ("city", "str", False), categories=("Oslo",)))
    assert (raised.value.problem, raised.value.column) == (Problem.WRONG_TYPE, 1)


def test_random_changes_of_a_body_are_read_or_refused_in_little_memory() -> None:
    chance = random.Random(0)
    fields = np.zeros(2, [("b", "<f4"), ("a", "<i8")])
    wholes = [npy_of(ROWS), npy_of(np.asfortranarray(ROWS, ">f4")), npy_of(fields), npy_of(ROWS, (3, 0))]
    flags = card(("a", "float", False), ("b", "bool", True))
    outcomes = set()
    tracemalloc.start()
    try:
        for _ in range(5000):
            body = bytearray(chance.choice(wholes))
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(len(body)) if chance.random() < 0.3 else chance.randrange(min(90, len(body)))
                body[at : at + chance.randrange(3)] = chance.choice(
                    [b"9", b"99999", b"", b"'", b"(", b",", b"\xff", b"O"]
                )
            for of in (NUMBERS, flags):
                outcomes.add(outcome(bytes(body), of))
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert {"rows", "malformed-npy", "not-a-number", "wrong-width", "unknown-feature"} <= outcomes


def outcome(body: bytes, of: Card) -> str:
    """Return the code of the error, or that there are rows."""
    try:
        shape = decode(body, of)[:].shape
    except ServiceError as error:
        found = error
    else:
        assert shape[1] == 2
        return "rows"
    assert 400 <= found.problem.status < 500
    return found.problem.code


@pytest.mark.parametrize(
    ("prediction", "kind"),
    [
        (np.array([2, 1]), "int64"),
        (np.array([0.1, np.inf]), "float64"),
        (np.array([True, False]), "bool"),
        (np.array(["é", "long", ""], dtype=object), "<U4"),
    ],
)
def test_predictions_are_an_array_that_numpy_loads(prediction: NDArray[Any], kind: str) -> None:
    loaded = np.load(io.BytesIO(encode(prediction)), allow_pickle=False)
    assert loaded.dtype == np.dtype(kind)
    assert loaded.tolist() == prediction.tolist()


def test_probabilities_are_a_field_of_their_own() -> None:
    probabilities = np.random.default_rng(0).random((3, 2))
    body = encode(np.array(["no", "yes", "no"], dtype=object), probabilities, ("no", "yes"))
    loaded = np.load(io.BytesIO(body), allow_pickle=False)
    assert loaded["prediction"].tolist() == ["no", "yes", "no"]
    np.testing.assert_array_equal(loaded["probabilities"], probabilities)


DROPPING = dropping(("a", "float", False), ("id", "str", False), ("b", "bool", False), dropped={"id"})


def test_what_is_dropped_is_ignored_in_its_place() -> None:
    rows = decode(npy_of(np.array([[1, np.nan, 1], [2, 7, 0]])), DROPPING)
    assert rows[:].tolist() == rows[0:2].tolist() == [[1, 0, 1], [2, 0, 0]]


@pytest.mark.parametrize("kind", [None, "<f8", "<U5", "|S3", "<M8[ns]", "<c16", "|V7"])
def test_a_field_that_is_dropped_need_not_be_there_and_is_of_any_type(kind: str | None) -> None:
    fields = [("b", "|b1"), *([("id", kind)] if kind else []), ("a", "<f4")]
    array = np.zeros(2, fields)
    array["a"], array["b"] = [1, 2], [True, False]
    assert decode(npy_of(array), DROPPING)[:].tolist() == [[1, 0, 1], [2, 0, 0]]


def test_objects_are_not_taken_even_where_they_are_dropped() -> None:
    array = np.zeros(2, [("a", "<f8"), ("id", "|O"), ("b", "|b1")])
    with pytest.raises(ServiceError, match="has a field") as raised:
        decode(npy_of(array, pickled=True), DROPPING)
    assert raised.value.problem is Problem.NOT_A_NUMBER


def test_an_answer_too_large_is_refused_before_it_is_written() -> None:
    labels = np.array(["x" * 10_000, *["y"] * 200_000], object)
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError) as raised:
            encode(labels)
        assert raised.value.problem is Problem.RESPONSE_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
