import json
from typing import Any

import numpy as np
import pytest

from lambda_fn.codecs.json_document import decode
from lambda_fn.errors import Kind, Problem, ServiceError
from tests.lambda_fn.codecs.cards import card

NUMBERS = card(("a", "float", False), ("b", "float", False))


def test_rows_are_lists_or_objects_in_any_order_of_keys() -> None:
    rows = decode({"data": [[1, 2.5], {"b": 4, "a": -3}]}, NUMBERS)
    assert rows.dtype == np.float64
    assert rows.tolist() == [[1.0, 2.5], [-3.0, 4.0]]


def test_a_single_feature_is_a_row_all_the_same() -> None:
    assert decode({"data": [{"a": 1}, {"a": 2}]}, card(("a", "float", False))).tolist() == [[1.0], [2.0]]


def test_null_is_nan_where_the_model_takes_it() -> None:
    nullable = card(("a", "float", False), ("b", "float", True))
    rows = decode({"data": [[1, None], {"b": None, "a": 2}]}, nullable)
    np.testing.assert_array_equal(rows, [[1, np.nan], [2, np.nan]])
    with pytest.raises(ServiceError, match=r"row 1, column 0 \('a'\) is null, expected a number$") as raised:
        decode({"data": [[1, None], [None, 2]]}, nullable)
    assert (raised.value.row, raised.value.column) == (1, 0)
    with pytest.raises(ServiceError, match="is a string, expected a number or null"):
        decode({"data": [[1, "2"]]}, nullable)


MIXED = (("city", "str", True), ("age", "float", False), ("active", "bool", False))


def test_strings_are_the_numbers_of_their_categories_and_booleans_0_and_1() -> None:
    mixed = card(*MIXED, categories=("Oslo", "Paris"), unknown=True)
    body = {"data": [["Paris", 30, True], {"age": 31.5, "active": False, "city": "Oslo"}, ["Bern", 3, True]]}
    assert decode(body, mixed).tolist() == [[1.0, 30.0, 1.0], [0.0, 31.5, 0.0], [-1.0, 3.0, 1.0]]
    np.testing.assert_array_equal(decode({"data": [[None, 1, True]]}, mixed), [[np.nan, 1.0, 1.0]])


@pytest.mark.parametrize(
    ("row", "problem", "column", "detail"),
    [
        (["Bern", 1, True], Problem.UNKNOWN_CATEGORY, 0, "is 'Bern', the model takes 'Oslo', 'Paris'"),
        ([1, 1, True], Problem.WRONG_TYPE, 0, "is a number, expected a string or null"),
        (["Oslo", "1", True], Problem.NOT_A_NUMBER, 1, "is a string, expected a number"),
        (["Oslo", True, True], Problem.NOT_A_NUMBER, 1, "is a boolean, expected a number"),
        (["Oslo", 1, 2], Problem.WRONG_TYPE, 2, "is 2, expected true or false"),
        (["Oslo", 1, None], Problem.WRONG_TYPE, 2, "is null, expected true or false"),
        (["Oslo", 10**400, True], Problem.BEYOND_FLOAT32, 1, "is a whole number of 401 digits"),
    ],
)
def test_a_value_of_another_type_is_refused(row: list[Any], problem: Kind, column: int, detail: str) -> None:
    with pytest.raises(ServiceError, match=detail) as raised:
        decode({"data": [["Oslo", 1, True], row]}, card(*MIXED, categories=("Oslo", "Paris")))
    assert (raised.value.problem, raised.value.row, raised.value.column) == (problem, 1, column)


def test_a_number_is_read_as_python_reads_it() -> None:
    assert decode(json.loads('{"data": [[0.1, 12345678901234567890]]}'), NUMBERS).tolist() == [
        [0.1, 1.2345678901234567e19]
    ]


@pytest.mark.parametrize(
    ("document", "problem", "row", "column", "detail"),
    [
        ([[1, 2]], Problem.MISSING_DATA, None, None, "the body is a list"),
        (None, Problem.MISSING_DATA, None, None, "the body is null"),
        ({}, Problem.MISSING_DATA, None, None, "the body has no member"),
        ({"rows": []}, Problem.MISSING_DATA, None, None, "the body has rows"),
        ({"data": {"a": 1}}, Problem.MISSING_DATA, None, None, "`data` is an object"),
        ({"data": None}, Problem.MISSING_DATA, None, None, "`data` is null"),
        ({"data": []}, Problem.EMPTY_DATA, None, None, "`data` is an empty list"),
        ({"data": [1, 2]}, Problem.INVALID_ROW, 0, None, "row 0 is a number"),
        ({"data": [[1, 2], None]}, Problem.INVALID_ROW, 1, None, "row 1 is null"),
        ({"data": [[1, 2], [1]]}, Problem.RAGGED_ROWS, 1, None, "row 1 has 1 value, the model takes 2 (a, b)"),
        ({"data": [[1, 2], []]}, Problem.RAGGED_ROWS, 1, None, "row 1 has 0 values"),
        ({"data": [[1, 2, 3]]}, Problem.WRONG_WIDTH, 0, None, "row 0 has 3 values, the model takes 2 (a, b)"),
        ({"data": [{"a": 1, "c": 2}]}, Problem.UNKNOWN_FEATURE, 0, None, "row 0 has 'c', the model takes 'a', 'b'"),
        ({"data": [{"a": 1, "b": 2, "c": 3}]}, Problem.UNKNOWN_FEATURE, 0, None, "row 0 has 'c'"),
        ({"data": [[1, 2], {"a": 1}]}, Problem.MISSING_FEATURE, 1, 1, "row 1 lacks 'b', the model takes 'a', 'b'"),
        ({"data": [[1, 2], [1, "2"]]}, Problem.NOT_A_NUMBER, 1, 1, "row 1, column 1 ('b') is a string"),
        ({"data": [[None, 2]]}, Problem.NOT_A_NUMBER, 0, 0, "row 0, column 0 ('a') is null"),
        ({"data": [[1, True]]}, Problem.NOT_A_NUMBER, 0, 1, "row 0, column 1 ('b') is a boolean"),
        ({"data": [[1, [2]]]}, Problem.NOT_A_NUMBER, 0, 1, "row 0, column 1 ('b') is a list"),
        ({"data": [{"a": {}, "b": 1}]}, Problem.NOT_A_NUMBER, 0, 0, "row 0, column 0 ('a') is an object"),
        ({"data": [[1, 2], [10**400, 1]]}, Problem.BEYOND_FLOAT32, 1, 0, "is a whole number of 401 digits"),
    ],
)
def test_what_is_wrong_is_named(document: Any, problem: Kind, row: int | None, column: int | None, detail: str) -> None:
    with pytest.raises(ServiceError) as raised:
        decode(document, NUMBERS)
    error = raised.value
    assert (error.problem, error.row, error.column) == (problem, row, column)
    assert detail in error.detail
