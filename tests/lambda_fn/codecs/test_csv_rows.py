import csv
import io
import random
import struct
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from lambda_fn.codecs.csv_rows import decode, decode_request, encode
from lambda_fn.codecs.places import PIECE_BYTES
from lambda_fn.errors import Kind, Problem, ServiceError
from lambda_fn.http.request import Request
from lambda_fn.model.card import Card
from tests.lambda_fn.codecs.cards import card, dropping

NUMBERS = card(("a", "float", False), ("b", "float", False))
NULLABLE = card(("a", "float", False), ("b", "float", True))
MIXED = card(
    ("city", "str", True), ("age", "float", True), ("active", "bool", True), categories=("Oslo", "a,b", 'say "hi"\n')
)


def rows_of(body: str | bytes, of: Card = NUMBERS, header: str = "") -> list[list[float]]:
    """Return all rows of a body."""
    rows: list[list[float]] = decode(body if isinstance(body, bytes) else body.encode(), of, header)[:].tolist()
    return rows


@pytest.mark.parametrize(
    "body",
    [
        "1,2.5\n-3,4e0\n",
        "1,2.5\n-3,4",
        "1,2.5\r\n-3,4\r\n",
        "1,2.5\n-3,4\n\n\n",
        "1,2.5\n-3,4" + "\r\n" * 9000,
        "a,b\n1,2.5\n-3,4\n",
        "b,a\n2.5,1\n4,-3\n",
        '"a","b"\n1,2.5\n-3,4\n',
        '"b","a"\r\n"2.5","1"\r\n4,"-3"\r\n',
        "\ufeffa,b\n1,2.5\n-3,4\n",
        "\ufeff1,2.5\n-3,4\n",
        "a, b\n 1, 2.5\n-3 ,\t4\n",
    ],
)
def test_a_body_is_rows_with_a_header_or_without(body: str) -> None:
    assert rows_of(body) == [[1.0, 2.5], [-3.0, 4.0]]


def test_rows_are_parsed_by_the_slice() -> None:
    body = "b,a\n" + "".join(f"{number + 0.5},{number}\n" for number in range(5000))
    rows = decode(body.encode(), NUMBERS)
    assert len(rows) == 5000
    assert rows[4998:6000].tolist() == [[4998.0, 4998.5], [4999.0, 4999.5]]


def test_a_number_is_read_as_python_reads_it() -> None:
    chance = random.Random(0)
    cells = ["1e400", "5e-324", "2.2250738585072011e-308", "1.7976931348623159e308", "-0", "+1.", ".5", "Infinity"]
    for _ in range(20_000):
        [bits] = struct.unpack("<d", chance.randbytes(8))
        cells += [repr(bits), f"{chance.randrange(10**17, 10**18)}e{chance.randrange(-345, 310)}"]
    single = card(("a", "float", True))
    expected = np.array([float(cell) for cell in cells])
    for body in ("\n".join(cells), "\n".join(f'"{cell}"' for cell in cells)):  # numpy's parser, Python's
        np.testing.assert_array_equal(
            decode(body.encode(), single)[:][:, 0].view(np.int64)[~np.isnan(expected)],
            expected.view(np.int64)[~np.isnan(expected)],
        )


@pytest.mark.parametrize(
    "body", ["a,b\n1,\n2,3\n4,", "a,b\r\n1,\r\n2,3\r\n4,\r\n", 'b,a\n"",1\n3,2\n,4', "1, \n2,3\n4,"]
)
def test_an_empty_cell_is_missing_where_the_model_takes_that(body: str) -> None:
    np.testing.assert_array_equal(rows_of(body, NULLABLE), [[1, np.nan], [2, 3], [4, np.nan]])


def test_all_cells_may_be_empty() -> None:
    nullable = card(("a", "float", True), ("b", "float", True), ("c", "float", True))
    np.testing.assert_array_equal(
        rows_of(",,\n1,,\n,,3", nullable), [[np.nan] * 3, [1, *[np.nan] * 2], [*[np.nan] * 2, 3]]
    )
    single = card(("a", "float", True))
    np.testing.assert_array_equal(rows_of('a\n1\n\n""\n2', single), [[1], [np.nan], [np.nan], [2]])


def test_strings_and_booleans_are_the_numbers_that_json_makes_of_them() -> None:
    body = 'age,active,city\n30,TRUE,Oslo\n,false,"a,b"\n1e1,,"say ""hi""\n"\n31,0,\n'
    np.testing.assert_array_equal(rows_of(body, MIXED), [[0, 30, 1], [1, np.nan, 0], [2, 10, np.nan], [np.nan, 31, 0]])
    unknown = card(("city", "str", False), categories=("Oslo", ""), unknown=True)
    assert rows_of("city\nBern\n\nOslo\n", unknown) == [[-1.0], [1.0], [0.0]]


def test_what_pandas_writes_is_read() -> None:
    table = pd.DataFrame(
        {"city": ["Oslo", None, 'say "hi"\n'], "age": [0.1, 1e300, None], "active": [True, False, None]}
    )
    np.testing.assert_array_equal(
        rows_of(table.to_csv(index=False), MIXED), [[0, 0.1, 1], [np.nan, 1e300, 0], [2, np.nan, np.nan]]
    )


def test_quotes_across_pieces_of_the_body_hold_their_line_ends() -> None:
    text = card(("a", "str", False), categories=("x\n" * 99,))
    count = PIECE_BYTES // 100
    assert rows_of(f'"{"x\n" * 99}"\n' * count, text) == [[0.0]] * count


def test_the_parameter_header_settles_what_names_leave_open() -> None:
    numbered = card(("0", "float", False), ("1", "float", False))
    assert rows_of("0,1\n2,3", numbered) == [[2.0, 3.0]]
    assert rows_of("0,1\n2,3", numbered, "absent") == [[0.0, 1.0], [2.0, 3.0]]
    assert rows_of("1,0\n2,3", numbered, "present") == [[3.0, 2.0]]
    assert rows_of("1,5\n2,3", numbered) == [[1.0, 5.0], [2.0, 3.0]]


@pytest.mark.parametrize(
    ("body", "problem", "row", "column", "detail"),
    [
        ("", Problem.EMPTY_DATA, None, None, "the body has no line"),
        ("\n\r\n", Problem.EMPTY_DATA, None, None, "the body has no line"),
        ("\ufeff", Problem.EMPTY_DATA, None, None, "the body has no line"),
        ("a,b\n", Problem.EMPTY_DATA, None, None, "a header and no row"),
        (" " * 9000, Problem.WRONG_WIDTH, 0, None, "row 0 (line 1) has 1 value"),
        ("a,c\n1,2", Problem.UNKNOWN_FEATURE, None, None, "the header has 'c', the model takes 'a', 'b'"),
        ("x,y\n1,2", Problem.UNKNOWN_FEATURE, None, None, "the header has 'x'"),
        ("a;b\n1;2", Problem.UNKNOWN_FEATURE, None, None, "the header has 'a;b'"),
        ("a,b,a\n1,2,3", Problem.UNKNOWN_FEATURE, None, None, "the header has 'a' twice"),
        ("a,b,\n1,2,3", Problem.UNKNOWN_FEATURE, None, None, "the header has ''"),
        ("b\n1", Problem.MISSING_FEATURE, None, 0, "the header lacks 'a'"),
        ("1\n2", Problem.WRONG_WIDTH, 0, None, "row 0 (line 1) has 1 value, the model takes 2 (a, b)"),
        ("1,2\n3", Problem.RAGGED_ROWS, 1, None, "row 1 (line 2) has 1 value"),
        ("1,2\n3,4,5", Problem.RAGGED_ROWS, 1, None, "row 1 (line 2) has 3 values"),
        ("a,b\n1", Problem.RAGGED_ROWS, 0, None, "row 0 (line 2) has 1 value"),
        ("1,2\n\n3,4", Problem.RAGGED_ROWS, 1, None, "row 1 (line 2) has 1 value"),
        ("1,2\n3,x", Problem.NOT_A_NUMBER, 1, 1, "row 1 (line 2), column 1 ('b') is 'x', expected a number"),
        ("b,a\n1,2\n3,x", Problem.NOT_A_NUMBER, 1, 0, "row 1 (line 3), column 0 ('a') is 'x'"),
        ("1,2\n,4", Problem.NOT_A_NUMBER, 1, 0, "row 1 (line 2), column 0 ('a') is empty, expected a number"),
        ("1_0,2", Problem.NOT_A_NUMBER, 0, 0, "is '1_0'"),
        ("0x10,2", Problem.NOT_A_NUMBER, 0, 0, "is '0x10'"),
        ("true,2", Problem.NOT_A_NUMBER, 0, 0, "is 'true'"),
        ('1,"2', Problem.MALFORMED_CSV, None, None, "the first line is not CSV in UTF-8: unexpected end"),
        (
            '1,2\n3,"4\n5,6',
            Problem.MALFORMED_CSV,
            1,
            None,
            "row 1 (line 2) is not CSV in UTF-8: unexpected end of data",
        ),
        ('1,2\n3,"4"4', Problem.MALFORMED_CSV, 1, None, "row 1 (line 2) is not CSV"),
        (
            '1,2\n3,4"\n5,6',
            Problem.MALFORMED_CSV,
            1,
            None,
            "row 1 (line 2) has a quote that is not closed, or a quote or a carriage return",
        ),
        ("1,2\r3,4", Problem.MALFORMED_CSV, 0, None, "row 0 (line 1)"),
        (b"1,2\n3,\xff\n5,6", Problem.MALFORMED_CSV, 1, None, "row 1 (line 2) is not CSV in UTF-8: 'utf-8' codec"),
        (b"\xff\xfea\x00,\x00b\x00", Problem.MALFORMED_CSV, None, None, "the first line is not CSV in UTF-8"),
        ("1," + "2" * 200_000, Problem.MALFORMED_CSV, None, None, "field larger than field limit"),
    ],
)
def test_what_is_wrong_is_named(
    body: str | bytes, problem: Kind, row: int | None, column: int | None, detail: str
) -> None:
    with pytest.raises(ServiceError) as raised:
        rows_of(body)
    error = raised.value
    assert detail in error.detail
    assert (error.problem, error.row, error.column) == (problem, row, column)
    assert len(error.detail) < 500


@pytest.mark.parametrize(
    ("body", "problem", "row", "column", "detail"),
    [
        (
            'age,active,city\n1,1,"a,b"\n1,1,Bern',
            Problem.UNKNOWN_CATEGORY,
            1,
            0,
            "is 'Bern', the model takes 'Oslo', 'a,b'",
        ),
        ('city,age,active\n"say ""hi""\n",1,1\nOslo,x,1', Problem.NOT_A_NUMBER, 1, 1, "row 1 (line 4)"),
        ("Oslo,1,yes", Problem.WRONG_TYPE, 0, 2, "is 'yes', expected true or false or nothing"),
    ],
)
def test_a_cell_of_another_type_is_refused(body: str, problem: Kind, row: int, column: int, detail: str) -> None:
    with pytest.raises(ServiceError) as raised:
        rows_of(body, MIXED)
    assert detail in raised.value.detail
    assert (raised.value.problem, raised.value.row, raised.value.column) == (problem, row, column)


def test_charset_and_header_are_parameters_of_the_media_type() -> None:
    request = Request("POST", "/predict", body=b"1,2")
    assert len(decode_request(request, {"charset": "utf-8", "header": "absent"}, NUMBERS)[0]) == 1
    for parameters in ({"charset": "latin-1"}, {"header": "perhaps"}):
        with pytest.raises(ServiceError) as raised:
            decode_request(request, parameters, NUMBERS)
        assert raised.value.problem is Problem.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize("cell", [b"10,", b'"",', b'"a,b",', b"1\n", b"\n", b'"', b'1,"2\n', b",\n"])
def test_a_large_body_that_is_refused_takes_little_memory(cell: bytes) -> None:
    body = cell * (1_000_000 // len(cell))
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError):
            decode(body, NUMBERS)[:1024]
        assert tracemalloc.get_traced_memory()[1] < 8 * len(body)
    finally:
        tracemalloc.stop()


def test_random_changes_of_a_body_are_read_or_refused() -> None:
    chance = random.Random(0)
    whole = b'city,age,active\nOslo,1,true\n"a,b",2.5,\n"say ""hi""\n",3,false\r\n,,\n'
    noise = [b'"', b",", b"\n", b"\r", b"\x00", b"\xff", b"1", b"e", b"nan", b" ", b"\xef\xbb\xbf", b""]
    outcomes = set()
    for _ in range(5000):
        body = whole if chance.random() < 0.5 else b"a,b\n1,2\n3,4e5\n" * 3
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(body))
            body = body[:at] + chance.choice(noise) + body[at + chance.randrange(3) :]
        for of in (MIXED, NUMBERS, NULLABLE):
            outcomes.add(outcome(body, of))
    assert {"rows", "malformed-csv", "not-a-number", "ragged-rows", "unknown-feature", "unknown-category"} <= outcomes


def outcome(body: bytes, of: Card) -> str:
    """Return the code of the error, or that there are rows."""
    try:
        rows = decode(body, of)
        shape = rows[:].shape
    except ServiceError as error:
        found = error
    else:
        assert shape == (len(rows), len(of.features))
        return "rows"
    assert 400 <= found.problem.status < 500
    assert found.row is None or 0 <= found.row <= body.count(b"\n")
    return found.problem.code


@pytest.mark.parametrize(
    ("prediction", "text"),
    [
        (np.array([2, 1]), "prediction\n2\n1\n"),
        (np.array([0.1, 1e-300, 3.0]), "prediction\n0.1\n1e-300\n3.0\n"),
        (np.array([np.inf, np.nan]), "prediction\ninf\nnan\n"),
        (np.array([True, False]), "prediction\ntrue\nfalse\n"),
        (np.array(["é", "a,b", 'x"y', ""], dtype=object), 'prediction\né\n"a,b"\n"x""y"\n""\n'),
    ],
)
def test_predictions_are_a_column(prediction: NDArray[np.generic], text: str) -> None:
    assert encode(prediction) == text


def test_probabilities_are_a_column_for_each_label() -> None:
    probabilities = np.random.default_rng(0).random((9000, 2))
    text = encode(np.repeat([True, False], 4500), probabilities, (False, True))
    header, *rows = csv.reader(io.StringIO(text))
    assert header == ["prediction", "false", "true"]
    assert [row[0] for row in rows] == ["true"] * 4500 + ["false"] * 4500
    np.testing.assert_array_equal(np.array([row[1:] for row in rows], dtype=float), probabilities)
    table = pd.read_csv(io.StringIO(text))
    assert table["prediction"].dtype == np.bool_


DROPPING = dropping(("a", "float", False), ("id", "str", False), ("b", "bool", False), dropped={"id"})


@pytest.mark.parametrize(
    "body",
    [
        "1,x,true\n2,,0",
        '1,"a,\nb",1.0\n2,7,FALSE',
        "b,a\n1,1\n0,2",
        "id,b,a\nx,1,1\n,0,2",
        "a,id,b\r\n1,nan,True\r\n2,1e999,False\r\n",
    ],
)
def test_what_is_dropped_need_not_be_named_and_is_ignored(body: str) -> None:
    assert rows_of(body, DROPPING) == [[1, 0, 1], [2, 0, 0]]


def test_numbers_alone_are_taken_beside_what_is_dropped() -> None:
    numeric = dropping(("a", "float", False), ("id", "float", False), dropped={"id"})
    for body in ("1,nan\n2,7", "1,x\n2,", "a\n1\n2", "id,a\n,1\n7,2"):
        assert rows_of(body, numeric) == [[1, 0], [2, 0]]


@pytest.mark.parametrize("features", [50_000, 100_000])
def test_a_header_of_many_names_takes_no_time(features: int) -> None:
    wide = card(*[(f"feature {number}", "float", False) for number in range(features)])
    header = ",".join(reversed(wide.names))
    rows = rows_of(f"{header}\n{','.join(map(str, range(features)))}\n", wide)
    assert rows == [list(map(float, reversed(range(features))))]
    with pytest.raises(ServiceError, match="the header has 'x'"):
        rows_of(f"{header},x\n1", wide)


def test_a_record_takes_memory_for_its_cells_only() -> None:
    body = b"1" + b"\r" * 4_400_000 + b"1"
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError) as raised:
            decode(body, card(("a", "float", False)))[:]
        assert (raised.value.problem, raised.value.row) == (Problem.MALFORMED_CSV, 0)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_cells_of_any_slice_are_of_the_same_length_at_the_most() -> None:
    long = "1" * 140_000
    for body in (f"1,2\n3,{long}\n", f'1,"2"\n3,{long}\n'):
        with pytest.raises(ServiceError, match=r"row 1 .* is not CSV in UTF-8: field larger") as raised:
            rows_of(body)
        assert raised.value.row == 1
