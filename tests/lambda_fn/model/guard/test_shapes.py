"""Nodes that mix rows, that do not fit, or that take more for a row than there is."""

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from convert.model_file.seal import seal
from lambda_fn.model.guard.check import check_model
from tests.lambda_fn.model.guard.models import check, constant, model_of, node


def wide(count: int) -> list[NodeProto]:
    """Return nodes that make rows of 2**count columns."""
    return [
        node("Concat", *[f"wide{place - 1}" if place else "X"] * 2, axis=1, output=f"wide{place}")
        for place in range(count)
    ]


UNFIT: dict[str, tuple[list[NodeProto], Sequence[TensorProto], str]] = {
    "all rows together": (
        [node("ReduceSum", "X", "c", keepdims=1)],
        [constant([0], "c")],
        "a row's elements along axis 0",
    ),
    "all rows and columns": (
        [node("ReduceSum", "X", "c", keepdims=1)],
        [constant([0, 1], "c")],
        "a row's elements along axis 0",
    ),
    "all axes": ([node("ReduceSum", "X", "c", keepdims=1)], [constant(np.empty(0, int), "c")], "axes, each once"),
    "an axis twice": ([node("ReduceSum", "X", "c", keepdims=1)], [constant([1, 1], "c")], "axes, each once"),
    "an axis from the end": ([node("ReduceSum", "X", "c", keepdims=1)], [constant([-1], "c")], "along axis -1"),
    "an axis that is not there": ([node("ReduceSum", "X", "c", keepdims=1)], [constant([2], "c")], "along axis 2"),
    "an axis that a row has": (
        [node("Cast", to=TensorProto.INT64, output="whole"), node("ReduceSum", "X", "whole", keepdims=1)],
        (),
        "a constant of integers was expected",
    ),
    "a running sum over the rows": ([node("CumSum", "X", "c")], [constant(0, "c")], "a row's elements along axis 0"),
    "rows joined": ([node("Concat", "X", "X", axis=0)], (), "a row's elements along axis 0"),
    "columns of other rows": (
        [node("Gather", "X", "c", axis=0)],
        [constant([0, 1], "c")],
        "a row's elements along axis 0",
    ),
    "what does not fit": ([node("Add", "X", "c")], [constant([1.0, 2.0, 3.0], "c")], "inputs that fit each other"),
    "a constant as long as the batch": (
        [node("Add", "X", "c")],
        [constant(np.ones((1024, 2)), "c")],
        "Add was expected to have inputs that fit each other, it has (n, 2) and (1024, 2)",
    ),
    "rows by rows": (
        [
            node(output="own"),
            helper.make_node("Squeeze", ["own", "axes"], ["flat"], domain=""),
            node("Add", "own", "flat"),
        ],
        (),
        "Add was expected to make something of each row, it makes (n, n)",
    ),
    "a matrix made of rows": ([node("MatMul", "X", "X")], (), "rows and a constant matrix that fit each other"),
    "a matrix that does not fit": (
        [node("MatMul", "X", "c")],
        [constant(np.ones((3, 1)), "c")],
        "rows and a constant matrix that fit each other",
    ),
    "more than there is": (
        [helper.make_node("TopK", ["X", "c"], ["value", "order"], axis=1, largest=0, sorted=1, domain="")],
        [constant([3], "c")],
        "no more to take than there is",
    ),
    "less than one": (
        [helper.make_node("TopK", ["X", "c"], ["value", "order"], axis=1, largest=0, sorted=1, domain="")],
        [constant([-1], "c")],
        "no more to take than there is",
    ),
    "an axis that has two": (
        [helper.make_node("Squeeze", ["X", "axes"], ["value"], domain="")],
        (),
        "axes of one element to leave out",
    ),
    "the largest of none": (
        [node("Gather", "X", "none", axis=1, output="nothing"), node("ReduceSum", "nothing", "axes", keepdims=1)],
        [constant(np.empty(0, int), "none")],
        "a row's elements along axis 1",
    ),
    "axis upon axis": (
        [helper.make_node("Unsqueeze", [f"x{n}" if n else "X", "axes"], [f"x{n + 1}"], domain="") for n in range(3)],
        (),
        "Unsqueeze was expected to make something of each row, it makes (n, 1, 1, 2)",
    ),
    "itself and itself, 40 times over": ([*wide(40), node("Neg", "wide39")], (), "a row was expected to take at most"),
    "a table of a table": (
        [
            helper.make_node("Gather", ["X", "c"], ["chosen"], axis=1, domain=""),
            *[node("Gather", "chosen", "c", axis=1, output=f"again{n}") for n in range(20)],
        ],
        [constant(np.zeros(20_000, int), "c")],
        "a row was expected to take at most",
    ),
}


@pytest.mark.parametrize(("nodes", "constants", "message"), UNFIT.values(), ids=UNFIT)
def test_nodes_that_mix_rows_or_do_not_fit_are_refused(
    nodes: list[NodeProto], constants: Sequence[TensorProto], message: str
) -> None:
    assert message in check(model_of(*nodes, initializers=constants))


def test_a_large_matrix_is_used_as_often_as_the_file_is_large() -> None:
    """Or a file of 1 MB would compute for minutes."""
    matrix = constant(np.eye(300), "c")
    layers = [node("MatMul", f"m{n - 1}", "c", output=f"m{n}") for n in range(1, 100)]
    first = node("Gather", "X", "chosen", axis=1, output="m0")
    chosen = constant(np.zeros(300, int), "chosen")
    last = node("ReduceSum", "m9", "axes", keepdims=1)
    check_model(seal(model_of(first, *layers[:9], last, initializers=[matrix, chosen])))
    last.input[0] = "m99"
    message = check(model_of(first, *layers, last, initializers=[matrix, chosen]))
    assert "a row was expected to take at most" in message
    assert "up to MatMul it takes" in message
