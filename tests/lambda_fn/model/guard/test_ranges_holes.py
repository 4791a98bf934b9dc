"""Graphs whose indices lie outside of a table, each by a way that is easily overlooked: all of them are refused."""

from typing import Any

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from convert.model_file.seal import seal
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.guard.check import check_model
from tests.lambda_fn.model.guard.models import ML, constant, model_of, node

WIDE = 3
"""How many features the rows have; they may be any numbers."""
INT64, DOUBLE = TensorProto.INT64, TensorProto.DOUBLE


def first() -> NodeProto:
    return node("Gather", "X", "zero", axis=1, output="x")


def looked_up(source: str) -> list[NodeProto]:
    """Return nodes from (n, 1) float64 to what the table has there."""
    return [
        node("Transpose", source, perm=[1, 0], output="upright"),
        node("Cast", "upright", to=TensorProto.INT32, output="index"),
        node("GatherElements", "table", "index", axis=1, output="found"),
        node("Transpose", "found", perm=[1, 0]),
    ]


def pair() -> list[NodeProto]:
    """Return nodes that make rows of the numbers 0 and 100."""
    return [
        first(),
        node("Clip", "x", "none", "none", output="small"),
        node("Clip", "x", "hundred", "hundred", output="large"),
        node("Concat", "small", "large", axis=1, output="both"),
        node("Transpose", "both", perm=[1, 0], output="upright both"),
    ]


def clipped(name: str) -> list[NodeProto]:
    return [first(), node("Clip", "x", name, name, output="clipped")]


def two_trees() -> NodeProto:
    """Return an operator of two trees that add to the same two sums."""
    zeros = helper.make_tensor("modes", TensorProto.UINT8, [2], bytes(2), raw=True)
    return node(
        "TreeEnsemble",
        "X",
        domain=ML,
        output="sums",
        aggregate_function=1,
        post_transform=0,
        n_targets=2,
        tree_roots=[0, 1],
        nodes_featureids=[0, 0],
        nodes_modes=zeros,
        nodes_splits=numpy_helper.from_array(np.zeros(2), "splits"),
        nodes_truenodeids=[0, 2],
        nodes_trueleafs=[1, 1],
        nodes_falsenodeids=[1, 3],
        nodes_falseleafs=[1, 1],
        leaf_targetids=[1, 0, 1, 0],
        leaf_weights=numpy_helper.from_array(np.array([0.0, 5.0, 0.0, 5.0]), "weights"),
    )


CONSTANTS: dict[str, Any] = {
    "zero": np.array([0]),
    "one": np.array([1]),
    "nine times": np.zeros(9, np.int64),
    "ones": np.ones((9, 1)),
    "twice": np.array([[0, 1], [0, 1]]),
    "each": np.array([1, 1]),
    "none": np.float64(0),
    "hundred": np.float64(100),
    "several": np.array([5.0, 6.0]),
    "nearly one": np.float64(0.9),
    "nearly minus one": np.float64(-0.9),
    "minus one": np.float64(-1),
    "minus nine": np.float64(-9),
    "seven and a half": np.float64(7.5),
    "ten": np.array([[10.0]]),
    "nearly two": np.nextafter(np.float32(2), np.float32(0)),
    "single one": np.float32(1),
    "count": np.array([3]),
}
CASES: dict[str, tuple[int, list[NodeProto]]] = {
    "the one that is equal, nine times": (
        2,
        [
            first(),
            node("Equal", "x", "several", output="equal"),
            node("Cast", "equal", to=DOUBLE, output="at most one"),
            node("Gather", "at most one", "nine times", axis=1, output="nine of it"),
            node("MatMul", "nine of it", "ones", output="index of"),
            *looked_up("index of"),
        ],
    ),
    "elements of a row in another order": (
        2,
        [
            *pair()[:3],
            node("Concat", "small", "large", "large", axis=1, output="three"),
            helper.make_node("TopK", ["X", "count"], ["sorted", "order"], axis=1, largest=0, sorted=1),
            node("GatherElements", "three", "order", axis=1, output="moved"),
            node("Gather", "moved", "zero", axis=1, output="index of"),
            *looked_up("index of"),
        ],
    ),
    "cut off towards zero": (
        3,
        [
            *clipped("nearly minus one"),
            node("Cast", "clipped", to=INT64, output="whole"),
            node("Cast", "whole", to=DOUBLE, output="number"),
            node("Add", "number", "number", output="two"),
            node("Add", "two", "two", output="four"),
            node("Add", "four", "four", output="eight"),
            node("Add", "eight", "seven and a half", output="index of"),
            *looked_up("index of"),
        ],
    ),
    "cut off and multiplied": (
        3,
        [
            *clipped("nearly one"),
            node("Cast", "clipped", to=INT64, output="whole"),
            node("Cast", "whole", to=DOUBLE, output="number"),
            node("MatMul", "number", "ten", output="more"),
            node("Add", "more", "minus nine", output="index of"),
            *looked_up("index of"),
        ],
    ),
    "true, of a number below 0": (
        1,
        [
            *clipped("minus one"),
            node("Cast", "clipped", to=INT64, output="whole"),
            node("Cast", "whole", to=TensorProto.BOOL, output="true"),
            node("Cast", "true", to=DOUBLE, output="index of"),
            *looked_up("index of"),
        ],
    ),
    "rounded up in float32": (
        3,
        [
            first(),
            node("Cast", "x", to=TensorProto.FLOAT, output="single"),
            node("Clip", "single", "nearly two", "nearly two", output="clipped"),
            node("Add", "clipped", "single one", output="three"),
            node("Cast", "three", to=DOUBLE, output="index of"),
            *looked_up("index of"),
        ],
    ),
    "a part along an axis that was added": (
        2,
        [
            *pair(),
            node("Unsqueeze", "upright both", "zero", output="deep"),
            node("Split", "deep", "one", axis=0, output="part"),
            node("Squeeze", "part", "zero", output="flat"),
            node("Gather", "flat", "one", axis=0, output="last"),
            node("Transpose", "last", perm=[1, 0], output="index of"),
            *looked_up("index of"),
        ],
    ),
    "a part of what is chosen twice": (
        2,
        [
            *pair(),
            node("Gather", "upright both", "twice", axis=0, output="deep"),
            helper.make_node("Split", ["deep", "each"], ["part", "other"], axis=0),
            node("Squeeze", "part", "zero", output="flat"),
            node("Gather", "flat", "one", axis=0, output="last"),
            node("Transpose", "last", perm=[1, 0], output="index of"),
            *looked_up("index of"),
        ],
    ),
    "trees that share a sum": (
        6,
        [two_trees(), node("Gather", "sums", "zero", axis=1, output="index of"), *looked_up("index of")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_is_refused(name: str) -> None:
    size, nodes = CASES[name]
    used = {each for one in nodes for each in one.input}
    made = [constant(np.arange(float(size))[np.newaxis], "table")]
    made += [constant(values, each) for each, values in CONSTANTS.items() if each in used]
    model = model_of(*nodes, initializers=made, width=WIDE)
    check_model(seal(model))
    with pytest.raises(ServiceError, match="what GatherElements looks up was expected to be shown") as raised:
        check_model(seal(model), [(-np.inf, np.inf)] * WIDE)
    assert raised.value.problem is Problem.MODEL_INVALID
