import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lambda_fn.codecs.json_document import decode
from lambda_fn.codecs.json_rows import encode
from lambda_fn.errors import Problem, ServiceError
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
def test_a_value_of_another_type_is_refused(row: list[Any], problem: Problem, column: int, detail: str) -> None:
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
def test_what_is_wrong_is_named(
    document: Any, problem: Problem, row: int | None, column: int | None, detail: str
) -> None:
    with pytest.raises(ServiceError) as raised:
        decode(document, NUMBERS)
    error = raised.value
    assert (error.problem, error.row, error.column) == (problem, row, column)
    assert detail in error.detail


def test_what_json_has_no_word_for_is_an_error() -> None:
    for prediction, probabilities in (
        (np.array([1.0, np.inf]), None),
        (np.array([0, 1]), np.array([[0.5, 0.5], [np.nan, np.nan]])),
    ):
        with pytest.raises(ServiceError, match="row 1 is scored") as raised:
            encode(prediction, probabilities)
        assert (raised.value.problem, raised.value.row) == (Problem.SCORE_NOT_FINITE, 1)


def test_predictions_are_encoded_as_the_estimator_gives_them() -> None:
    assert encode(np.array([2, 1])) == '{"prediction": [2, 1]}'
    assert encode(np.array([1.25])) == '{"prediction": [1.25]}'
    assert encode(np.array(["a", "é"])) == '{"prediction": ["a", "\\u00e9"]}'
    assert json.loads(encode(np.array([True]), np.array([[0.25, 0.75]]), (False, True))) == {
        "prediction": [True],
        "probabilities": [[0.25, 0.75]],
        "classes": [False, True],
    }


@pytest.mark.parametrize(
    ("prediction", "probabilities"),
    [
        (np.arange(3_000_000), None),
        (np.linspace(0, 1, 500_000), None),
        (np.array(["a label"] * 700_000, object), None),
        (np.zeros(200_000, int), np.full((200_000, 3), 1 / 3)),
    ],
)
def test_an_answer_ends_at_the_limit(prediction: NDArray[Any], probabilities: NDArray[np.float64] | None) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError, match="bytes at least, Lambda returns at most 6275072: send fewer") as raised:
            encode(prediction, probabilities, (0, 1, 2))
        assert raised.value.problem is Problem.RESPONSE_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


def test_blocks_are_written_as_one() -> None:
    numbers, many = np.random.default_rng(0).normal(size=(20_000, 3)), np.array(["é", 'x"y'] * 5000, object)
    assert json.loads(encode(numbers[:, 0]))["prediction"] == numbers[:, 0].tolist()
    document = {"prediction": many.tolist(), "probabilities": numbers[:10_000].tolist(), "classes": ["é", 'x"y']}
    assert encode(many, numbers[:10_000], ("é", 'x"y')) == json.dumps(document)
