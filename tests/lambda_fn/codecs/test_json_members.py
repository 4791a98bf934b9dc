"""The members of a document beside ``data``: each counts, or is refused."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lambda_fn.codecs.json_document import decode, decode_body
from lambda_fn.codecs.json_rows import decode_request
from lambda_fn.errors import Kind, Problem, ServiceError
from lambda_fn.http.request import Request
from tests.lambda_fn.codecs.cards import card, dropping

TWO = card(("a", "float", False), ("b", "float", True))
NUMBERED = card(("0", "float", False), ("1", "float", False))
DROPPING = dropping(("a", "float", False), ("id", "str", False), ("b", "bool", False), dropped={"id"})


def test_a_table_that_pandas_splits_is_taken_by_name() -> None:
    table = pd.DataFrame({"b": [1.5, None, 3], "a": [4, 5, 6]}, index=["x", "y", "z"])
    body = table.to_json(orient="split").encode()
    np.testing.assert_array_equal(decode_body(body, TWO), table[["a", "b"]].to_numpy(float))


def test_a_table_of_many_rows_is_taken_by_name_too() -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(5000, 2)), columns=["b", "a"])
    body = table.to_json(orient="split", double_precision=15).encode()
    rows, wanted = decode_request(Request("POST", "/predict", body=body), {}, TWO)
    np.testing.assert_allclose(rows[:], table[["a", "b"]].to_numpy(float), rtol=0, atol=1e-15)  # as pandas rounds
    assert wanted is None


def test_records_that_pandas_writes_are_rows() -> None:
    table = pd.DataFrame({"b": [1.5, None], "a": [4, 5]})
    body = f'{{"data": {table.to_json(orient="records")}}}'.encode()
    np.testing.assert_array_equal(decode_body(body, TWO), [[4, 1.5], [5, np.nan]])


def test_columns_that_are_numbers_are_names_as_they_are_written() -> None:
    assert decode({"columns": [1, 0], "data": [[5, 6]]}, NUMBERED).tolist() == [[6.0, 5.0]]


@pytest.mark.parametrize("wanted", [True, False])
def test_the_body_says_whether_it_wants_probabilities(wanted: bool) -> None:
    for document in (
        {"data": [[1, 2]], "probabilities": wanted},
        {"probabilities": wanted, "data": [{"a": 1, "b": 2}]},
    ):
        request = Request("POST", "/predict", body=json.dumps(document).encode())
        decoded, told = decode_request(request, {}, TWO)
        assert (decoded[:].tolist(), told) == ([[1.0, 2.0]], wanted)


@pytest.mark.parametrize(
    ("members", "problem", "row", "column", "detail"),
    [
        ({"x": 1}, Problem.UNKNOWN_MEMBER, None, None, "the body has 'x', taken are 'data', 'columns', 'index', 'prob"),
        ({"schema": {}}, Problem.UNKNOWN_MEMBER, None, None, "has 'schema'"),
        ({"DATA": []}, Problem.UNKNOWN_MEMBER, None, None, "has 'DATA'"),
        ({"": None}, Problem.UNKNOWN_MEMBER, None, None, "has ''"),
        (
            {"probabilities": 1},
            Problem.INVALID_MEMBER,
            None,
            None,
            "`probabilities` is a number, expected true",
        ),
        ({"probabilities": "true"}, Problem.INVALID_MEMBER, None, None, "`probabilities` is a string"),
        ({"probabilities": None}, Problem.INVALID_MEMBER, None, None, "`probabilities` is null"),
        ({"columns": None}, Problem.INVALID_MEMBER, None, None, "`columns` is null, expected a list of names"),
        ({"columns": "ab"}, Problem.INVALID_MEMBER, None, None, "`columns` is a string"),
        ({"columns": {"a": 0, "b": 1}}, Problem.INVALID_MEMBER, None, None, "`columns` is an object"),
        ({"columns": ["a", None]}, Problem.INVALID_MEMBER, None, None, "`columns` has null at place 1"),
        ({"columns": ["a", True]}, Problem.INVALID_MEMBER, None, None, "`columns` has a boolean at place 1"),
        ({"columns": [["a", "b"], ["a", "c"]]}, Problem.INVALID_MEMBER, None, None, "`columns` has a list at place 0"),
        ({"columns": ["a", "b", "c"]}, Problem.UNKNOWN_FEATURE, None, None, "`columns` has 'c', the model takes"),
        ({"columns": ["a", "b", "a"]}, Problem.UNKNOWN_FEATURE, None, None, "`columns` has 'a' twice"),
        ({"columns": [0, 1]}, Problem.UNKNOWN_FEATURE, None, None, "`columns` has '0'"),
        ({"columns": ["a"]}, Problem.MISSING_FEATURE, None, 1, "`columns` lacks 'b'"),
        ({"columns": []}, Problem.MISSING_FEATURE, None, 0, "`columns` lacks 'a'"),
        ({"columns": ["b", "a"], "data": [[1, 2], [3]]}, Problem.RAGGED_ROWS, 1, None, "row 1 has 1 value"),
        ({"columns": ["b", "a"], "data": [{"a": 1, "b": 2}]}, Problem.INVALID_ROW, 0, None, "which `columns` names"),
        ({"columns": ["b", "a"], "data": [[1, None]]}, Problem.NOT_A_NUMBER, 0, 0, "column 0 ('a') is null"),
        ({"columns": ["b", "a"], "data": []}, Problem.EMPTY_DATA, None, None, "`data` is an empty list"),
        ({"x": 1, "data": []}, Problem.UNKNOWN_MEMBER, None, None, "has 'x'"),
    ],
)
def test_what_is_not_taken_is_named(
    members: dict[str, Any], problem: Kind, row: int | None, column: int | None, detail: str
) -> None:
    with pytest.raises(ServiceError) as raised:
        decode({"data": [[1, 2]]} | members, TWO)
    assert (raised.value.problem, raised.value.row, raised.value.column) == (problem, row, column)
    assert detail in raised.value.detail


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [[1, 2]], "data": [[3, 4]]}',
        b'{"data": [{"a": 1, "b": 2, "a": 1}]}',
        b'{"data": [{"a": 1, "b": 2, "\\u0061": 3}]}',
        b'{"index": [{"a": 1, "a": 1}], "data": [[1, 2]]}',
        b'{"data": [' + b'{"a": 1, "b": 2}, ' * 2000 + b'{"a": 1, "b": 2, "a": 1}]}',
        b'{"data": [' + b'{"b": 1, "b": 2}, ' * 2000 + b'{"a": 1, "b": 2}]}',
        b'{"data": [' + b"[1, 2], " * 2000 + b'{"a": 1, "b": 2, "b": 1}]}',
    ],
)
def test_a_key_that_comes_twice_is_refused(body: bytes) -> None:
    with pytest.raises(ServiceError, match=r"an object has '(a|b|data)' twice") as raised:
        decode_request(Request("POST", "/predict", body=body), {}, TWO)[0][:]
    assert raised.value.problem is Problem.DUPLICATE_MEMBER


@pytest.mark.parametrize(
    "rows",
    [
        [[1, "x", True], [2, None, 0]],
        [[1, [{}], 1.0], [2, 10**400, False]],
        [{"b": True, "a": 1}, {"a": 2, "b": False, "id": {"any": "thing"}}],
        [{"b": 1, "a": 1, "id": 7}, [2, "x", 0]],
    ],
)
def test_what_is_dropped_need_not_be_sent_and_is_ignored(rows: list[Any]) -> None:
    assert decode_body(json.dumps({"data": rows}).encode(), DROPPING).tolist() == [[1, 0, 1], [2, 0, 0]]
    many = json.dumps({"data": rows * 1500}).encode()
    assert (
        decode_request(Request("POST", "/predict", body=many), {}, DROPPING)[0][:].tolist()
        == [[1, 0, 1], [2, 0, 0]] * 1500
    )


def test_columns_may_leave_out_what_is_dropped() -> None:
    for columns, row in ((["b", "a"], [True, 1]), (["id", "b", "a"], ["x", True, 1])):
        assert decode({"columns": columns, "data": [row]}, DROPPING).tolist() == [[1, 0, 1]]
    with pytest.raises(ServiceError, match="row 0 has 2 values, the model takes 3"):
        decode({"data": [[1, True]]}, DROPPING)


def test_numbers_alone_are_taken_beside_what_is_dropped() -> None:
    numeric = dropping(("a", "float", False), ("id", "str", False), dropped={"id"})
    assert numeric.numeric
    for body in (b'{"data": [[1, NaN], [2, 1e999]]}', b'{"data": [' + b"[1, NaN]," * 3000 + b"[2, 1e999]]}"):
        rows = decode_request(Request("POST", "/predict", body=body), {}, numeric)[0][:]
        assert (rows[0].tolist(), rows[-1].tolist()) == ([1, 0], [2, 0])
