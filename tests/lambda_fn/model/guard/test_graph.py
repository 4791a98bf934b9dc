"""The model, its input, its outputs, and how many nodes and constants it has."""

from collections.abc import Callable

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

from convert.model_file.seal import seal
from lambda_fn.errors import ServiceError
from lambda_fn.model.guard.check import check_model
from lambda_fn.model.guard.graph import MAX_CONSTANTS, MAX_INPUTS, MAX_NODES
from lambda_fn.model.model import Model
from tests.lambda_fn.model.guard.models import DOUBLE, check, constant, model_of, node, port


def test_what_the_others_are_made_from_loads() -> None:
    scores = Model(seal(model_of(node()))).score(np.array([[1.0, 2.0]]))
    assert scores.prediction.tolist() == [3.0]


OTHER_MODELS: dict[str, tuple[Callable[[ModelProto], object], str]] = {
    "an older IR": (lambda model: setattr(model, "ir_version", 3), "IR version 10 and opsets "),
    "another opset": (lambda model: setattr(model.opset_import[0], "version", 999), "IR version 10 and opsets "),
    "an opset of others": (lambda model: setattr(model.opset_import[0], "domain", "mine"), "IR version 10 and opsets "),
    "an opset twice": (
        lambda model: model.opset_import.append(helper.make_opsetid("", 21)),
        "IR version 10 and opsets ",
    ),
    "no opset": (lambda model: model.ClearField("opset_import"), "IR version 10 and opsets "),
    "other metadata": (lambda model: model.metadata_props.add(key="other"), "not ['card', 'other'"),
    "a card twice": (lambda model: model.metadata_props.add(key="card", value="{}"), "not ['card', 'card'"),
    "no input": (
        lambda model: model.graph.ClearField("input"),
        "the graph was expected to have field 11 once, it has it 0",
    ),
    "two inputs": (lambda model: model.graph.input.append(port("Y")), "to have field 11 once, it has it 2 times"),
    "an input of text": (
        lambda model: model.graph.input[0].CopyFrom(port("X", TensorProto.STRING, (None, 2))),
        "rows of float64 were expected as the input, not s (n, 2)",
    ),
    "an input of two rows": (
        lambda model: model.graph.input[0].CopyFrom(port("X", DOUBLE, (2, 2))),
        "rows of float64 were expected as the input, not d (2, 2)",
    ),
    "an input of any width": (
        lambda model: model.graph.input[0].CopyFrom(port("X", DOUBLE, (None, None))),
        "rows of float64 were expected as the input, not d (n, n)",
    ),
    "an input without a shape": (
        lambda model: model.graph.input[0].CopyFrom(port("X", DOUBLE, None)),
        "a tensor's type was expected to have field 2 once",
    ),
    "a list as the input": (
        lambda model: model.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("X", DOUBLE, None)),
        "a type holds a sequence, which no exporter writes",
    ),
    "no output": (lambda model: model.graph.ClearField("output"), "the outputs were expected to be one of"),
    "another output": (lambda model: model.graph.output.append(port("more")), "the outputs were expected to be one of"),
    "an output twice": (
        lambda model: model.graph.output.append(port("value")),
        "the outputs were expected to be one of",
    ),
    "a label that is a value": (
        lambda model: setattr(model.graph.output[0], "name", "label"),
        "the outputs were expected to be one of",
    ),
    "an output of another type": (
        lambda model: model.graph.output[0].CopyFrom(port("value", TensorProto.FLOAT)),
        "the output 'value' was expected to be (n, 1) as it says",
    ),
    "an output of another width": (
        lambda model: model.graph.output[0].CopyFrom(port("value", DOUBLE, (None, 2))),
        "the output 'value' was expected to be (n, 2) as it says, not (n, 1)",
    ),
}


@pytest.mark.parametrize(("change", "message"), OTHER_MODELS.values(), ids=OTHER_MODELS)
def test_other_models_are_refused(change: Callable[[ModelProto], object], message: str) -> None:
    model = model_of(node())
    change(model)
    with pytest.raises(ServiceError) as raised:
        check_model(model.SerializeToString())
    assert message in raised.value.detail


@pytest.mark.parametrize("what", ["constants", "nodes", "inputs"])
def test_a_hundred_thousand_of_anything_is_refused(what: str) -> None:
    if what == "inputs":
        joined = model_of(node("Concat", *["X"] * 100_000, axis=1, output="wide"), node("ReduceSum", "wide", "axes"))
        assert f"a node was expected to have at most {MAX_INPUTS:,} inputs, it has 100,000" in check(joined)
        return
    if what == "constants":
        many = model_of(node(), initializers=[constant(1.0, f"c{n}") for n in range(100_000)])
    else:
        many = model_of(*[node("Neg", f"v{n - 1}" if n else "X", output=f"v{n}") for n in range(100_000)])
    assert f"at most {MAX_NODES:,} nodes and {MAX_CONSTANTS:,} constants were expected" in check(many)
