"""Indices into tables: shown to be inside them, node by node, or the graph is refused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from convert.model_file.seal import seal
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.guard.check import check_model
from tests.lambda_fn.model.guard.models import constant, model_of, node

INT32 = TensorProto.INT32
ROWS = [(0.0, 5.0), (-1.0, 2.0)]
"""What the two features may be."""
TABLE = constant(np.arange(6.0), "table")


def column(place: int) -> NodeProto:
    return node("Gather", "X", f"column {place}", axis=1, output="column")


def looked_up(index: str, table: str = "table") -> list[NodeProto]:
    """Return nodes from the index, (n, 1), to what the table has there."""
    return [node("Cast", index, to=TensorProto.INT64, output="index"), node("Gather", table, "index", axis=0)]


def check(
    nodes: Sequence[NodeProto], constants: Sequence[Any] = (), rows: Sequence[tuple[float, float]] = ROWS
) -> str | None:
    """Return why a graph is refused, None if it is not."""
    made = [TABLE, *constants, *(constant([place], f"column {place}") for place in (0, 1))]
    used = {name for each in nodes for name in each.input}
    model = model_of(*nodes, initializers=[each for each in made if each.name in used])
    try:
        check_model(seal(model), rows)
    except ServiceError as error:
        return error.detail if error.problem is Problem.MODEL_INVALID else str(error.problem)
    return None


INSIDE: dict[str, tuple[list[NodeProto], list[Any]]] = {
    "a feature, as the card says": ([column(0), *looked_up("column")], []),
    "one that may be -1, which is the last": ([column(1), *looked_up("column")], []),
    "clipped": (
        [
            column(0),
            node("Mul", "column", "ten", output="more"),
            node("Clip", "more", "zero", "five", output="clipped"),
            *looked_up("clipped"),
        ],
        [constant(np.float64(10), "ten"), constant(np.float64(0), "zero"), constant(np.float64(5), "five")],
    ),
    "one of two": (
        [
            column(0),
            node("IsNaN", "column", output="missing"),
            node("Where", "missing", "zero", "column", output="chosen"),
            *looked_up("chosen"),
        ],
        [constant(np.float64(0), "zero")],
    ),
    "added": (
        [column(1), node("Add", "column", "one", output="more"), *looked_up("more")],
        [constant(np.float64(1), "one")],
    ),
    "which of several it is": (
        [
            column(0),
            node("Equal", "column", "several", output="equal"),
            node("Cast", "equal", to=TensorProto.DOUBLE, output="one"),
            node("MatMul", "one", "ranks", output="rank"),
            *looked_up("rank"),
        ],
        [constant([0.5, 1.5, 2.5], "several"), constant([[1.0], [2.0], [5.0]], "ranks")],
    ),
    "a place of the largest": (
        [
            node("ArgMax", axis=1, keepdims=1, output="place"),
            node("Gather", "table", "place", axis=0),
        ],
        [],
    ),
}


@pytest.mark.parametrize("name", INSIDE)
def test_what_is_inside_gets_in(name: str) -> None:
    nodes, constants = INSIDE[name]
    assert check(nodes, constants) is None


@pytest.mark.parametrize("name", INSIDE)
def test_the_same_in_a_smaller_table_is_refused(name: str) -> None:
    nodes, constants = INSIDE[name]
    least = constant([0.0], "least")
    nodes = [_with_table(each, "least") for each in nodes]
    found = check(nodes, [*constants, least])
    assert found is not None
    assert "was expected to be shown to be within -1 and 0" in found


def _with_table(each: NodeProto, table: str) -> NodeProto:
    changed = NodeProto()
    changed.CopyFrom(each)
    changed.input[:] = [table if name == "table" else name for name in each.input]
    return changed


OUTSIDE: dict[str, tuple[list[NodeProto], list[Any], list[tuple[float, float]], str]] = {
    "a feature of any size": ([column(0), *looked_up("column")], [], [(-np.inf, np.inf), (0, 1)], "-inf and inf"),
    "one beyond the last": ([column(0), *looked_up("column")], [], [(0, 6), (0, 1)], "0 and 6"),
    "one below -6": ([column(0), *looked_up("column")], [], [(-7, 0), (0, 1)], "-7 and 0"),
    "what no rule is for": ([column(0), node("Exp", "column", output="e"), *looked_up("e")], [], ROWS, "-inf and inf"),
    "several that are equal": (
        [
            column(0),
            node("Equal", "column", "several", output="equal"),
            node("Cast", "equal", to=TensorProto.DOUBLE, output="one"),
            node("MatMul", "one", "ranks", output="rank"),
            *looked_up("rank"),
        ],
        [constant([0.5, 0.5, 2.5], "several"), constant([[1.0], [2.0], [5.0]], "ranks")],
        ROWS,
        "-inf and inf",
    ),
    "a matrix with a negative number": (
        [node("MatMul", "X", "matrix", output="rank"), *looked_up("rank")],
        [constant([[1.0], [-1.0]], "matrix")],
        [(0.0, 1.0), (0.0, 1.0)],
        "-inf and inf",
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_not_shown_to_be_inside_is_refused(name: str) -> None:
    nodes, constants, rows, said = OUTSIDE[name]
    found = check(nodes, constants, rows)
    assert found is not None
    assert f"what Gather looks up was expected to be shown to be within -6 and 5, it is within {said}" in found


@pytest.mark.parametrize("place", [2, -3])
def test_a_feature_that_is_not_there_is_refused(place: int) -> None:
    found = str(check([column(2), *looked_up("column")], [constant([place], "column 2")]))
    assert f"Gather looks up was expected to be shown to be within -2 and 1, it is within {place} and {place}" in found


def test_none_of_the_features_gets_in() -> None:
    nothing = node("Gather", "X", "none", axis=1, output="nothing")
    nodes = [column(0), nothing, node("Concat", "column", "nothing", axis=1, output="all"), *looked_up("all")]
    assert check(nodes, [constant(np.empty(0, np.int64), "none")]) is None


def test_of_a_model_s_own_graph_none_of_this_is_asked() -> None:
    assert check([column(0), *looked_up("column")], rows=()) is None


def by_parts(table: Any, *, last: float) -> list[Any]:
    """Return nodes and constants that look up as masks do: rows stand upright, each feature has a table of its own."""
    nodes = [
        node("Cast", "X", to=TensorProto.FLOAT, output="single"),
        node("Transpose", "single", perm=[1, 0], output="upright"),
        node("Clip", "upright", "zero", "nine", output="clipped"),
        node("Min", "clipped", "last", output="bounded"),
        node("MatMul", "strides", "bounded", output="rows"),
        node("Cast", "rows", to=INT32, output="row"),
        helper.make_node("Split", ["row", "sizes"], ["first", "second"], axis=0),
        node("Gather", "small", "first", axis=0, output="one"),
        node("Gather", "large", "second", axis=0, output="other"),
        node("Add", "one", "other", output="bytes"),
        node("Squeeze", "bytes", "none", output="flat"),
        node("Transpose", "flat", perm=[1, 0], output="by lane"),
        node("Cast", "by lane", to=INT32, output="leaf"),
        node("GatherElements", "values", "leaf", axis=1, output="leaves"),
        node("ReduceSum", "leaves", "none", keepdims=1, output="sums"),
        node("Transpose", "sums", perm=[1, 0]),
    ]
    return [
        nodes,
        [
            constant(np.float32(0), "zero"),
            constant(np.float32(9), "nine"),
            constant(np.array([[2], [last]], np.float32), "last"),
            constant(np.array([[1, 0], [0, 2]], np.float32), "strides"),
            constant([1, 1], "sizes"),
            constant(np.zeros((3, 4), np.uint8), "small"),
            constant(np.zeros((7, 4), np.uint8), "large"),
            constant([0], "none"),
            constant(table, "values"),
        ],
    ]


def test_features_have_tables_of_their_own_sizes() -> None:
    whole = np.zeros((4, 256))
    assert check(*by_parts(whole, last=3)) is None
    assert "Gather looks up was expected to be shown to be within -7 and 6, it is within 0 and 8" in str(
        check(*by_parts(whole, last=4))
    )
    assert "GatherElements looks up was expected to be shown to be within -255 and 254, it is within 0 and 255" in str(
        check(*by_parts(whole[:, :255], last=3))
    )


def test_a_graph_that_takes_another_number_of_features_is_refused() -> None:
    nodes, constants = INSIDE["a feature, as the card says"]
    assert "rows of 3 features were expected as the input, not of 2" in str(
        check(nodes, constants, [*ROWS, (0.0, 1.0)])
    )
    assert "rows of 1 features were expected as the input, not of 2" in str(check(nodes, constants, ROWS[:1]))
