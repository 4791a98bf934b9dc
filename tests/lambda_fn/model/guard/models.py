"""Models put together node by node, and why the service refuses them. Each bad file is sealed anew, as an attacker
would: what refuses it is the guard, or onnxruntime behind it, never the seal."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from convert.model_file.seal import seal
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.guard.check import check_model
from lambda_fn.model.model import Model
from tests.conftest import TESTS

ML = "ai.onnx.ml"
DOUBLE = TensorProto.DOUBLE
AXES = numpy_helper.from_array(np.array([1]), "axes")


def model_of(
    *nodes: NodeProto, initializers: Sequence[TensorProto] = (), width: int | None = 2, shape: Sequence[int | None] = ()
) -> ModelProto:
    """Return a regression from ``X``, (n, width), to ``value``, (n, 1); `axes` are there if a node takes them."""
    used = {name for each in nodes for name in each.input}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("X", DOUBLE, [None, width])],
        [helper.make_tensor_value_info("value", DOUBLE, shape or [None, 1])],
        [*initializers, *([AXES] if "axes" in used else [])],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(ML, 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    card = json.loads((TESTS / "card.json").read_text()) | {"task": "regression"}
    helper.set_model_props(model, {"card": json.dumps(card)})
    return model


def node(
    operator: str = "ReduceSum", *inputs: str, output: str = "value", domain: str = "", **attributes: Any
) -> NodeProto:
    """Return a node from ``X`` to ``value``; without arguments, one that loads."""
    if operator == "ReduceSum" and not inputs:
        inputs, attributes = ("X", "axes"), {"keepdims": 1} | attributes
    return helper.make_node(operator, inputs or ["X"], [output], domain=domain, **attributes)


def attribute(name: str, value: Any) -> NodeProto:
    """Return a node that would load but for an attribute."""
    made = node()
    made.attribute.append(helper.make_attribute(name, value))
    return made


def tensor(values: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values), "constant")


def constant(values: Any, name: str = "constant") -> TensorProto:
    return numpy_helper.from_array(np.asarray(values), name)


def port(name: str, kind: int = DOUBLE, shape: Sequence[int | str | None] | None = (None, 1)) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def refusal(data: bytes) -> str:
    """Return why the service refuses the file."""
    with pytest.raises(ServiceError) as raised:
        Model(data)
    assert raised.value.problem is Problem.MODEL_INVALID
    return raised.value.detail


def check(model: ModelProto) -> str:
    """Return why the guard alone refuses the model."""
    data = seal(model)
    with pytest.raises(ServiceError) as raised:
        check_model(data)
    assert raised.value.problem is Problem.MODEL_INVALID
    assert refusal(data) == raised.value.detail
    return raised.value.detail
