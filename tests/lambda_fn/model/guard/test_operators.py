"""Operators that are not in the table, and nodes that are not as it says: what they take, what they are called."""

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tests.lambda_fn.model.guard.models import ML, check, model_of, node, tensor


@pytest.mark.parametrize(
    ("operator", "domain"),
    [
        *[(name, "") for name in ("ConstantOfShape", "Expand", "If", "Loop", "NoSuchOperator", "Scan", "SequenceMap")],
        *[(name, "") for name in ("OneHot", "RandomNormal", "Range", "Resize", "StringNormalizer", "Tile", "")],
        *[("Add", domain) for domain in ("ai.onnx", "com.microsoft", "mine", ML)],
        *[("TreeEnsemble", domain) for domain in ("", "mine")],
    ],
)
def test_other_operators_are_refused(operator: str, domain: str) -> None:
    assert f"the operator {operator!r} of domain {domain!r} is not among" in check(
        model_of(node(operator, domain=domain))
    )


def test_a_small_file_that_takes_all_memory_is_refused() -> None:
    large = model_of(node("ConstantOfShape", "constant", value=tensor([1.0])), initializers=[tensor([400_000_000])])
    assert "'ConstantOfShape'" in check(large)


def test_an_endless_loop_is_refused() -> None:
    true = TensorProto.BOOL
    body = helper.make_graph(
        [helper.make_node("Identity", ["condition_in"], ["condition"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("condition_in", true, []),
        ],
        [helper.make_tensor_value_info("condition", true, [])],
    )
    assert "the operator 'Loop' of" in check(
        model_of(node("Loop", "", "constant", body=body), initializers=[tensor(True)])
    )


# Nodes, what they take, what they are called


CONSTANT = tensor([[1.0, 2.0]])
OTHERS: dict[str, tuple[list[NodeProto], Sequence[TensorProto], str]] = {
    "no name for an input": ([node("Max", "X", "")], (), "'' was expected in front of the node that takes it"),
    "no input at all": (
        [node(), helper.make_node("Concat", [], ["more"], axis=1, domain="")],
        (),
        "Concat was expected to take d*>d f*>f l*>l ?*>? B*>B, it takes nothing",
    ),
    "an input from nowhere": ([node("Add", "X", "none")], (), "'none' was expected in front of the node"),
    "an input from behind": (
        [node("Neg", "later"), node("Neg", output="later")],
        (),
        "'later' was expected in front of the node",
    ),
    "itself": ([node("Add", "X", "value")], (), "'value' was expected in front of the node"),
    "no name for an output": ([node(), node("Neg", output="")], (), "a name of its own, not ''"),
    "an output twice": ([node(), node()], (), "a name of its own, not 'value'"),
    "an output called as the rows": ([node("Neg", output="X"), node()], (), "a name of its own, not 'X'"),
    "a constant twice": ([node("Add", "X", "constant")], [CONSTANT] * 2, "a name of its own, not 'constant'"),
    "a constant called as the rows": (
        [node()],
        [numpy_helper.from_array(np.ones(2), "X")],
        "a name of its own, not 'X'",
    ),
    "a constant without a name": (
        [node("Add", "X", "")],
        [numpy_helper.from_array(np.ones(2), "")],
        "a name of its own, not ''",
    ),
    "a constant that nothing uses": ([node()], [CONSTANT], "'constant' was expected to be used, no node does"),
    "rows that nothing uses": (
        [node("Identity", "constant")],
        [CONSTANT],
        "'X' was expected to be used, no node does",
    ),
    "more inputs": ([node("Neg", "X", "X")], (), "Neg was expected to take d>d f>f, it takes dd"),
    "fewer inputs": ([node("Add", "X")], (), "Add was expected to take dd>d ff>f BB>B, it takes d"),
    "more outputs": (
        [helper.make_node("Neg", ["X"], ["value", "more"], domain="")],
        (),
        "Neg was expected to have 1 outputs, it has 2",
    ),
    "no output": ([helper.make_node("Neg", ["X"], [], domain="")], (), "Neg was expected to have 1 outputs, it has 0"),
    "an attribute it does not have": (
        [node(axis=1)],
        (),
        "ReduceSum has an attribute 'axis', which no exporter writes",
    ),
    "an attribute of another value": (
        [node(keepdims=2)],
        (),
        "'keepdims' of ReduceSum was expected to be one of (0, 1)",
    ),
    "an attribute of another kind": ([node(keepdims=[1])], (), "'keepdims' of ReduceSum was expected to be one of"),
    "an attribute that is not there": (
        [node("Concat", "X", "X")],
        (),
        "the attribute 'axis' of Concat was expected, it did not come",
    ),
    "a cast that is not written": ([node("Cast", to=TensorProto.BFLOAT16)], (), "Cast was expected to take "),
    "a cast to text": ([node("Cast", to=TensorProto.STRING)], (), "Cast was expected to take "),
    "integers divided": (
        [node("Cast", to=TensorProto.INT64, output="whole"), node("Div", "whole", "whole")],
        (),
        "Div was expected to take dd>d, it takes ll",
    ),
    "integers whose rest is taken": (
        [node("Cast", to=TensorProto.INT64, output="whole"), node("Mod", "whole", "whole", fmod=1)],
        (),
        "Mod was expected to take dd>d, it takes ll",
    ),
    "a rest as integers have it": (
        [node("Mod", "X", "X", fmod=0)],
        (),
        "'fmod' of Mod was expected to be one of (1,)",
    ),
    "integers to a power": (
        [node("Cast", to=TensorProto.INT64, output="whole"), node("Pow", "whole", "whole")],
        (),
        "Pow was expected to take dd>d, it takes ll",
    ),
    "floats of two kinds": (
        [node("Cast", to=TensorProto.FLOAT, output="single"), node("Add", "X", "single")],
        (),
        "Add was expected to take dd>d ff>f BB>B, it takes df",
    ),
    "a node made of constants": (
        [node("Exp", "constant")],
        [CONSTANT],
        "'X' was expected to be used",
    ),
    "a node beside the rows": (
        [node(output="own"), node("Exp", "constant", output="beside"), node("Add", "own", "beside")],
        [CONSTANT],
        "Exp was expected to make something of each row, it makes (1, 2)",
    ),
}


@pytest.mark.parametrize(("nodes", "constants", "message"), OTHERS.values(), ids=OTHERS)
def test_nodes_that_no_exporter_writes_are_refused(
    nodes: list[NodeProto], constants: Sequence[TensorProto], message: str
) -> None:
    assert message in check(model_of(*nodes, initializers=constants))
