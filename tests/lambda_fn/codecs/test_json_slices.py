"""Rows that are parsed slice by slice are those of the body parsed as a whole, and so are the errors."""

import json
import random
from collections.abc import Sequence

import numpy as np
import pytest

from lambda_fn.codecs import json_document, json_rows
from lambda_fn.codecs.json_slices import sliced_rows
from lambda_fn.codecs.places import PIECE_BYTES
from lambda_fn.errors import Kind, Problem, ServiceError
from lambda_fn.http.request import Request
from lambda_fn.model.card import Card
from tests.lambda_fn.codecs.cards import card

TWO = card(("a", "float", False), ("b", "float", False))
NULLABLE = card(("a", "float", True), ("b", "float", True))
MIXED = card(("city", "str", True), ("a", "float", True), ("on", "bool", False), categories=("Oslo", "a]}, {", "ä"))
MIXED_ROWS = [["Oslo", 1.5, True], {"on": False, "city": "a]}, {", "a": 2}, ["\u00e4", None, False], [None, -1e3, True]]
ROWS = [[6.2, 3.4], [5, -1e-3], [0.1, 2**63], [1e300, 0], [-0.0, 7]]

type Outcome = tuple[list[list[float]] | None, Kind | None]


def sliced(body: bytes, takes: Card, step: int) -> tuple[bool, Outcome]:
    """Return whether the body is sliced at all, and its rows, `step` at once, or the problem."""
    rows = sliced_rows(body, takes)
    if rows is None:
        return False, (None, None)
    try:
        parts = [rows[start : start + step] for start in range(0, len(rows), step)]
    except ServiceError as error:
        return True, (None, error.problem)
    return True, (np.concatenate(parts).tolist(), None)


def whole(body: bytes, takes: Card) -> Outcome:
    try:
        return json_document.decode_body(body, takes).tolist(), None
    except ServiceError as error:
        return None, error.problem


@pytest.mark.parametrize("step", [1, 2, 3, 100])
@pytest.mark.parametrize("layout", [{}, {"separators": (",", ":")}, {"indent": 2}, {"separators": (" , ", " : ")}])
def test_rows_are_sliced_in_every_usual_layout(layout: dict[str, object], step: int) -> None:
    body = json.dumps({"data": ROWS}, **layout).encode()  # type: ignore[arg-type]
    assert sliced(body, TWO, step) == (True, (ROWS, None))


@pytest.mark.parametrize("step", [1, 2, 3, 100])
@pytest.mark.parametrize("layout", [{}, {"separators": (",", ":")}, {"indent": 2}, {"ensure_ascii": False}])
def test_rows_of_any_kind_are_sliced(layout: dict[str, object], step: int) -> None:
    body = json.dumps({"data": MIXED_ROWS}, **layout).encode()  # type: ignore[arg-type]
    nan = float("nan")
    expected = [[0.0, 1.5, 1.0], [1.0, 2.0, 0.0], [2.0, nan, 0.0], [nan, -1e3, 1.0]]
    was_sliced, outcome = sliced(body, MIXED, step)
    assert was_sliced
    assert repr(outcome) == repr((expected, None))


def test_a_row_of_one_and_a_body_of_one_row() -> None:
    one = card(("a", "float", False))
    assert sliced(b'{"data": [[1], [2], [3]]}', one, 2) == (True, ([[1.0], [2.0], [3.0]], None))
    assert sliced(b' { "data" : [ [ 1 , 2 ] ] } \n', TWO, 5) == (True, ([[1.0, 2.0]], None))


def test_layouts_that_change_are_read_all_the_same() -> None:
    assert sliced(b'{"data": [[1, 2],[3, 4], [5, 6] ,[7, 8]]}', TWO, 2)[1] == whole(
        b'{"data": [[1, 2], [3, 4], [5, 6], [7, 8]]}', TWO
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [[1, 2]], "probabilities": 1}',
        b'{"data": [[1, 2]], "more": [[3, 4]]}',
        b'{"data": [[1, 2]], "data": [[3, 4]]}',
        b'{"data": [[1, 2]] , "more": {"a": [{"b": []}]}}',
        b'{"more": 1, "data": [[1, 2]]}',
        b'{"data": [[1, [2]], [3, 4]]}',
        b'{"data": [[1, 2}, [3, 4]]}',
        b'{"data": [{1, 2}, {3, 4}]}',
        b'{"data": []}',
        b'{"data": [1, 2]}',
        b"[[1, 2]]",
    ],
)
def test_what_is_more_than_rows_is_not_sliced(body: bytes) -> None:
    assert not sliced(body, TWO, 1)[0]


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [[1, 2], [3]]}',
        b'{"data": [[1], [2, 3, 4]]}',
        b'{"data": [[1, 2], [], [3, 4]]}',
        b'{"data": [[1, 2, 3], [4, 5, 6]]}',
        b'{"data": [[1, 2], [1, "2"]]}',
        b'{"data": [[1, 2], [1, null]]}',
        b'{"data": [[1, 2], [true, 1]]}',
        b'{"data": [[1, 2], [1, false]]}',
        b'{"data": [[1, 2], {"a": 1}]}',
        b'{"data": [{"a": 1, "b": {}}, {"a": 1, "b": 2}]}',
        b'{"data": [{"a": 1, "b": [2]}, {"a": 1, "b": 2}]}',
        b'{"data": [{"a": 1, "b": 2}, {"a": 1, "b": 2}}',
        b'{"data": [{"a": 1, "b": 2}, "a", {"a": 1, "b": 2}]}',
        b'{"data": [{"a": 1, "b": 2} {"a": 1, "b": 2}]}',
        b'{"data": [{"a": 1, "b": 2]}, {"a": 1, "b": 2}]}',
        b'{"data": [[1, [2]], [3, 4]]}',
        b'{"data": [[[1, 2]], [[3, 4]]]}',
        b'{"data": [[1, 2], 3, [4, 5]]}',
        b'{"data": [[1, 2], 3 [, 4]]}',
        b'{"data": [[1, 2],, [3, 4]]}',
        b'{"data": [[1, 2] [3, 4]]}',
        b'{"data": [[1, 2,], [3, 4]]}',
        b'{"data": [[1, 02], [3, 4]]}',
        b'{"data": [[1, .2], [3, 4]]}',
        b'{"data": [[1, 2.], [3, 4]]}',
        b'{"data": [[1, +2], [3, 4]]}',
        b'{"data": [[1, 2 3], [4]]}',
        b'{"data": [[1, {}], [3, 4]]}',
        b'{"data": [[1, 2], [3, 4]]]}',
        b'{"data": [[1, 2], [3, 4]}',
        b'{"data": [[1, 2], [3, 4]]} []]}',
        b'{"data": [[1, 1' + b"0" * 400 + b"], [3, 4]]}",
        b'{"data": [[1, \xff], [3, 4]]}',
    ],
)
@pytest.mark.parametrize("step", [1, 2])
def test_what_is_wrong_is_wrong_in_slices_too(body: bytes, step: int) -> None:
    tried, outcome = sliced(body, TWO, step)
    expected = whole(body, TWO)
    assert expected[1] is not None
    assert not tried or outcome == expected


def test_a_body_with_any_byte_changed_is_read_as_a_whole_reads_it() -> None:
    """20,000 bodies, each with one or two bytes put in, taken out or put in place of others."""
    source = random.Random(0)
    named = [{"a": 1, "b": 2.5}, {"b": 0, "a": -1}, [3, 4]]
    tables = [(ROWS, TWO), (ROWS, NULLABLE), (named, TWO), (MIXED_ROWS, MIXED)]
    layouts = ((",", ":"), (", ", ": "))
    bodies = [
        (json.dumps({"data": rows}, separators=each).encode(), takes) for rows, takes in tables for each in layouts
    ]
    tried = 0
    for _ in range(20_000):
        whole_body, takes = source.choice(bodies)
        body = bytearray(whole_body)
        for _ in range(source.choice([1, 1, 2])):
            place, byte = source.randrange(len(body)), source.choice(b'[]{},:.0123456789 eE+-"naNIu\\\n')
            body[place : place + source.randrange(2)] = source.choice([b"", bytes([byte])])
        was_sliced, outcome = sliced(bytes(body), takes, source.choice([1, 2, 3, 9]))
        if was_sliced:
            tried += 1
            assert repr(outcome) == repr(whole(bytes(body), takes)), bytes(body)
    assert tried > 10_000


def test_the_service_slices_large_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    def request(rows: Sequence[Sequence[float]]) -> Request:
        return Request("POST", "/predict", body=json.dumps({"data": rows}).encode())

    rows = np.random.default_rng(0).uniform(-1e6, 1e6, (PIECE_BYTES // 20, 2))
    large, _ = json_rows.decode_request(request(rows.tolist()), {}, TWO)
    assert not isinstance(large, np.ndarray)
    np.testing.assert_array_equal(large[0 : len(rows)], rows)
    np.testing.assert_array_equal(large[7:9], rows[7:9])
    assert isinstance(json_rows.decode_request(request(rows[:2].tolist()), {}, TWO)[0], np.ndarray)


def test_a_wrong_value_far_down_is_named_by_its_row() -> None:
    rows = [[1.0, 2.0]] * 5_000
    body = json.dumps({"data": [*rows, [1.0], *rows]}).encode()
    large, _ = json_rows.decode_request(Request("POST", "/predict", body=body), {}, TWO)
    assert len(large) == 10_001
    assert large[0:2048].shape == (2048, 2)
    with pytest.raises(ServiceError, match="row 5000 has 1 value, the model takes 2") as raised:
        large[4096:6144]
    assert raised.value.problem is Problem.RAGGED_ROWS
