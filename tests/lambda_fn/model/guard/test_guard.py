"""The test list is the table "A model file is input, too" of PARITY.md. Each bad file is sealed anew, as an attacker
would: what refuses it is the guard, or onnxruntime behind it, never the seal."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from convert.model_file.seal import PREFIX, seal
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.guard.check import check_model
from lambda_fn.model.guard.graph import MAX_CONSTANTS, MAX_INPUTS, MAX_NODES
from lambda_fn.model.guard.messages import read_attribute
from lambda_fn.model.guard.protobuf import MAX_FIELDS, Reader, Span
from lambda_fn.model.guard.trees import MAX_LEVELS
from lambda_fn.model.model import Model
from tests.conftest import TESTS
from tests.lambda_fn.model.guard.mutants import seal_by_hand

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


def test_what_the_others_are_made_from_loads() -> None:
    scores = Model(seal(model_of(node()))).score(np.array([[1.0, 2.0]]))
    assert scores.prediction.tolist() == [3.0]


# Bytes that are no model


def test_a_truncated_file_is_refused(model_file: Path) -> None:
    data = model_file.read_bytes()
    body = data[: data.rindex(PREFIX) - 2]  # what is in front of the seal
    for end in [*range(1, 200), *range(200, len(body), 97)]:
        assert refusal(seal_by_hand(body[:end])).startswith(
            (
                "the model file is not protobuf: at byte ",
                "the model file is refused: ",
                "the model file carries no card",
                "the model's card is no JSON: ",
            )
        )


GARBAGE = {
    "empty": b"",
    "zeros": bytes(1000),
    "noise": np.random.default_rng(0).bytes(1000),
    "text": b"This is not a model file, is it?\n",
    "zip": b"PK\x03\x04" + bytes(100),
    "pickle": b"\x80\x05\x95" + bytes(100),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "html": b"<!doctype html><title>403</title>",
    "ORT format": b"\x20\x00\x00\x00ORTM" + bytes(100),
    "a group": b"\x3b\x3c",
    "field 0": b"\x02\x00",
    "a tag beyond 32 bits": b"\xba\x80\x80\x80\x10\x00",
    "a varint without end": b"\x08" + b"\xff" * 20,
    "a length beyond the file": b"\x3a\xff\xff\xff\xff\x0f",
    "a graph that is a number": b"\x38\x01",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_and_other_formats_are_refused(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert "the model file is " in refusal(seal_by_hand(data))
    assert capfd.readouterr() == ("", "")


def test_two_formats_at_once_are_one() -> None:
    # bytes 4 to 7 tell onnxruntime its own format; here they are within a string of a sound model
    data = seal(model_of(node()))
    both = b"\x12\x06\x00\x00ORTM" + data  # producer_name
    assert Model(seal_by_hand(both)).score(np.array([[1.0, 2.0]])).prediction.tolist() == [3.0]


def test_a_second_graph_is_refused() -> None:
    model = model_of(node())
    data = model.SerializeToString()
    second = ModelProto(graph=model.graph).SerializeToString()
    with pytest.raises(ServiceError, match="the model was expected to have field 7 once, it came again"):
        check_model(data + second)
    model.ClearField("graph")
    assert "the model was expected to have field 7 once, it has it 0 times" in check(model)


def test_more_fields_than_a_model_has_are_refused() -> None:
    with pytest.raises(ServiceError, match=f"has more than {MAX_FIELDS:,} fields"):
        check_model(b"\x42\x00" * (MAX_FIELDS + 1))


# Operators


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


# What else a message may hold


def graph() -> onnx.GraphProto:
    return model_of(node()).graph


def sparse() -> onnx.SparseTensorProto:
    return helper.make_sparse_tensor(tensor([1.0]), tensor([0]), [2])


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (graph(), "a graph"),
        ([graph(), graph()], "graphs"),
        (sparse(), "a sparse tensor"),
        ([tensor([1.0])] * 2, "field 10"),
        (onnx.TypeProto(), "field 14"),
        (1.0, "field 2"),
        ("text", "field 4"),
        ([1.0, 2.0], "field 7"),
        (["text"], "field 9"),
    ],
    ids=str,
)
def test_other_attributes_are_refused(value: Any, held: str) -> None:
    assert f"an attribute holds {held}, which no exporter writes" in check(model_of(attribute("anything", value)))


def test_nested_functions_are_refused() -> None:
    model, opsets = model_of(node("f0", domain="local")), [helper.make_opsetid("", 21), helper.make_opsetid("local", 1)]
    for depth in range(25):
        inner = [helper.make_node(f"f{depth + 1}", ["x"], ["x1"], domain="local")]
        inner.append(helper.make_node(f"f{depth + 1}", ["x1"], ["y"], domain="local"))
        model.functions.append(helper.make_function("local", f"f{depth}", ["x"], ["y"], inner, opsets))
    last = [helper.make_node("Identity", ["x"], ["y"])]
    model.functions.append(helper.make_function("local", "f25", ["x"], ["y"], last, opsets))
    model.opset_import.append(helper.make_opsetid("local", 1))
    assert "the model holds functions" in check(model)


def test_an_overload_and_a_reference_to_a_functions_attribute_are_refused() -> None:
    assert "a node holds an overload" in check(model_of(node(overload="other")))
    referring = node()
    referring.attribute.append(AttributeProto(name="axis", ref_attr_name="outer", type=AttributeProto.INT))
    assert "an attribute holds field 21" in check(model_of(referring))


def test_training_information_and_sparse_initializers_are_refused() -> None:
    model = model_of(node())
    model.training_info.add()
    assert "the model holds training information" in check(model)
    model = model_of(node())
    model.graph.sparse_initializer.append(sparse())
    assert "the graph holds sparse initializers" in check(model)


def external(path: Path) -> TensorProto:
    """Return a tensor whose numbers are in the file `path`."""
    made = TensorProto(name="constant", data_type=DOUBLE, dims=[2], data_location=TensorProto.EXTERNAL)
    made.external_data.add(key="location", value=str(path))
    return made


def test_external_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_bytes(np.array([42.0, 42.0]).tobytes())
    monkeypatch.chdir(tmp_path)  # where onnxruntime looks, given bytes
    model = model_of(node("Add", "X", "constant"), initializers=[external(Path("secret"))], shape=[None, 2])
    assert "a tensor holds external data" in check(model)
    del model.graph.initializer[0].external_data[:]
    assert "a tensor holds a data location" in check(model)
    assert "a tensor holds external data" in check(model_of(attribute("value", external(Path("secret")))))


def test_what_comes_twice_is_refused() -> None:
    twice = node(keepdims=0)
    twice.attribute.append(helper.make_attribute("keepdims", 1))
    assert "an attribute 'keepdims' was expected once in a node, it came again" in check(model_of(twice))
    for merged in (
        AttributeProto(name="keepdims", i=1, ints=[0], type=AttributeProto.INT),
        AttributeProto(name="keepdims", i=1, t=tensor([1.0]), type=AttributeProto.INT),
        AttributeProto(name="keepdims", type=AttributeProto.INT),
    ):
        changed = node()
        changed.attribute[0].CopyFrom(merged)
        assert "attribute 'keepdims' was expected to have one value, it has " in check(model_of(changed))
    again = seal(model_of(node())) + b"\x08\x0a"
    assert "the model was expected to have field 1 once, it came again" in refusal(seal_by_hand(again))


# Nodes, what they take, what they are called


CONSTANT = tensor([[1.0, 2.0]])
OTHERS: dict[str, tuple[list[NodeProto], Sequence[TensorProto], str]] = {
    "no name for an input": ([node("Max", "X", "")], (), "'' was expected in front of the node that takes it"),
    "no input at all": (
        [node(), helper.make_node("Concat", [], ["more"], axis=1, domain="")],
        (),
        "Concat was expected to take d*>d l*>l ?*>?, it takes nothing",
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
    "more inputs": ([node("Neg", "X", "X")], (), "Neg was expected to take d>d, it takes dd"),
    "fewer inputs": ([node("Add", "X")], (), "Add was expected to take dd>d, it takes d"),
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
    "integers to a power": (
        [node("Cast", to=TensorProto.INT64, output="whole"), node("Pow", "whole", "whole")],
        (),
        "Pow was expected to take dd>d, it takes ll",
    ),
    "floats of two kinds": (
        [node("Cast", to=TensorProto.FLOAT, output="single"), node("Add", "X", "single")],
        (),
        "Add was expected to take dd>d, it takes df",
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


# Shapes


def constant(values: Any, name: str = "constant") -> TensorProto:
    return numpy_helper.from_array(np.asarray(values), name)


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
    "rows joined": ([node("Concat", "X", "X", axis=0)], (), "'axis' of Concat was expected to be one of (1,)"),
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


# Tensors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dims": [3]}, "expected to have 3 elements of type 11, it has others"),
        ({"dims": [2, 2**62]}, "expected to have 9,223,372,036,854,775,808 elements"),
        ({"dims": [-2]}, "at most 3 dimensions of 0 or more were expected, not (-2,)"),
        ({"dims": [1] * 5}, "at most 3 dimensions of 0 or more were expected, not (1, 1, 1)"),
        ({"dims": []}, "expected to have 1 elements"),
        ({"data_type": TensorProto.FLOAT}, "expected to have 2 elements of type 1"),
        ({"data_type": TensorProto.BFLOAT16}, "expected to have 2 elements of type 16"),
        ({"data_type": TensorProto.COMPLEX128, "dims": [1]}, "expected to have 1 elements of type 15"),
        ({"data_type": 0}, "expected to have 2 elements of type 0"),
        ({"data_type": TensorProto.STRING}, "expected to have 2 elements of type 8"),
        ({"raw_data": b"1234567"}, "expected to have 2 elements"),
        ({"raw_data": b""}, "expected to have 2 elements"),
        ({"double_data": [1.0, 2.0]}, "expected to have 2 elements"),
        ({"string_data": [b"1", b"2"]}, "expected to have 2 elements"),
        ({"float_data": [1.0, 2.0]}, "a tensor holds field 4, which no exporter writes"),
        ({"uint64_data": [1, 2]}, "a tensor holds field 11, which no exporter writes"),
        ({"segment": TensorProto.Segment(begin=0, end=1)}, "a tensor holds field 3, which no exporter writes"),
    ],
    ids=str,
)
def test_tensors_whose_elements_are_others_are_refused(change: dict[str, Any], message: str) -> None:
    held: dict[str, Any] = {"name": "constant", "data_type": DOUBLE, "dims": [2], "raw_data": np.ones(2).tobytes()}
    assert message in check(model_of(node("Add", "X", "constant"), initializers=[TensorProto(**held | change)]))


def test_text_that_is_not_utf_8_is_refused() -> None:
    labels = helper.make_tensor("constant", TensorProto.STRING, [2], [b"a", b"b"])  # type: ignore[list-item]
    labels.string_data[1] = b"\xff\xfe"
    model = model_of(node("Cast", to=TensorProto.INT64, output="i"), node("Gather", "constant", "i", axis=0))
    model.graph.initializer.append(labels)
    assert "it is not UTF-8" in check(model)


# The model, its input, its outputs


def port(name: str, kind: int = DOUBLE, shape: Sequence[int | str | None] | None = (None, 1)) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


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


# Trees


def chain(levels: int, side: str) -> dict[str, Any]:
    """Return the attributes of a TreeEnsemble that is one chain."""
    last = np.arange(levels) == levels - 1
    along = {
        f"nodes_{side}nodeids": np.where(last, 0, np.arange(1, levels + 1)),
        f"nodes_{side}leafs": last.astype(int),
    }
    other = "false" if side == "true" else "true"
    across = {f"nodes_{other}nodeids": np.zeros(levels, int), f"nodes_{other}leafs": np.ones(levels, int)}
    return {
        "n_targets": 1,
        "aggregate_function": 1,
        "post_transform": 0,
        "tree_roots": [0],
        "nodes_modes": tensor(np.zeros(levels, np.uint8)),
        "nodes_featureids": [0] * levels,
        "nodes_splits": tensor(np.arange(levels, dtype=np.float64)),
        "leaf_targetids": [0],
        "leaf_weights": tensor([1.0]),
        **{name: values.tolist() for name, values in (along | across).items()},
    }


def trees(attributes: dict[str, Any]) -> ModelProto:
    return model_of(node("TreeEnsemble", domain=ML, **attributes))


SMALL = chain(2, "true") | {"leaf_targetids": [0, 0], "leaf_weights": tensor([1.0, 2.0])}


def test_sound_trees_load() -> None:
    assert Model(seal(trees(SMALL))).score(np.array([[-1.0, 0.0]])).prediction.tolist() == [1.0]
    both = {"nodes_trueleafs": [1], "nodes_falseleafs": [1], "nodes_truenodeids": [0], "nodes_falsenodeids": [0]}
    assert Model(seal(trees(chain(1, "true") | both))).score(np.zeros((1, 2))).prediction.tolist() == [1.0]


@pytest.mark.parametrize("side", ["true", "false"])
def test_the_deepest_trees_load_and_deeper_ones_are_refused(side: str) -> None:
    assert Model(seal(trees(chain(MAX_LEVELS, side)))).score(np.zeros((1, 2))).prediction.tolist() == [1.0]
    for levels in (MAX_LEVELS + 1, 100_000):
        assert f"a tree has more than {MAX_LEVELS:,} levels" in check(trees(chain(levels, side)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes_truenodeids": [0, 0]}, "node 0 was expected in one place of one tree, it is in 2"),
        ({"nodes_truenodeids": [1, 0], "nodes_trueleafs": [0, 0]}, "node 0 was expected in one place"),
        ({"nodes_falsenodeids": [1, 0], "nodes_falseleafs": [0, 1]}, "node 1 was expected in one place"),
        ({"nodes_trueleafs": [1, 0], "nodes_truenodeids": [0, 1]}, "the others form a cycle"),
        ({"tree_roots": [1]}, "node 0 was expected in one place of one tree, it is in 0"),
        ({"tree_roots": [0, 0]}, "node 0 was expected in one place of one tree, it is in 2"),
        ({"tree_roots": [2]}, "tree_roots has 2 where there are 2"),
        ({"nodes_truenodeids": [2, 0]}, "nodes_truenodeids has 2 where there are 2"),
        ({"nodes_truenodeids": [-1, 0]}, "nodes_truenodeids has -1 where there are 2"),
        ({"nodes_falsenodeids": [0, 2**62]}, f"nodes_falsenodeids has {2**62} where there are 2"),
        ({"nodes_falsenodeids": [0]}, "nodes_falsenodeids was expected to be a list of 2 numbers, not of 1"),
        ({"nodes_trueleafs": [0, 1, 1]}, "nodes_trueleafs was expected to be a list of 2 numbers, not of 3"),
        ({"nodes_trueleafs": [0, 2]}, "nodes_trueleafs has 2 where there are 2"),
        ({"n_targets": -1}, "n_targets was expected to be a number from 1 on"),
        ({"n_targets": 0}, "n_targets was expected to be a number from 1 on"),
        ({"n_targets": [1]}, "n_targets was expected to be a number from 1 on"),
        ({"nodes_featureids": [0, 2]}, "nodes_featureids has 2 where there are 2"),
        ({"nodes_featureids": [-1, 0]}, "nodes_featureids has -1 where there are 2"),
        ({"leaf_targetids": [0, 1]}, "leaf_targetids has 1 where there are 1"),
        ({"nodes_missing_value_tracks_true": [0]}, "nodes_missing_value_tracks_true was expected to be a list of 2"),
        ({"nodes_splits": tensor([1.0])}, "nodes_splits was expected to be a tensor of 2 elements of type 11"),
        ({"nodes_splits": tensor(np.ones(2, np.float32))}, "nodes_splits was expected to be a tensor of 2 elements"),
        ({"nodes_splits": [1, 2]}, "nodes_splits was expected to be a tensor of 2 elements"),
        ({"leaf_weights": tensor([[1.0, 2.0]])}, "leaf_weights was expected to be a tensor of 2 elements of type 11"),
        ({"tree_roots": 0}, "tree_roots was expected to be a list of integers"),
        ({"nodes_modes": tensor(np.array([0, 6], np.uint8))}, "nodes_modes was expected to be 0 for each node"),
        ({"nodes_modes": tensor(np.zeros(3, np.uint8))}, "nodes_modes was expected to be a tensor of 2 elements"),
        ({"nodes_modes": [0, 0]}, "nodes_modes was expected to be a tensor of 2 elements"),
        ({"aggregate_function": 0}, "'aggregate_function' of TreeEnsemble was expected to be one of (1,)"),
        ({"membership_values": tensor([1.0])}, "TreeEnsemble has an attribute 'membership_values', which no exporter"),
    ],
    ids=str,
)
def test_nodes_that_form_no_trees_are_refused(changes: dict[str, Any], message: str) -> None:
    assert message in check(trees(SMALL | changes))


@pytest.mark.parametrize(
    "name", ["tree_roots", "nodes_modes", "nodes_truenodeids", "nodes_falseleafs", "leaf_targetids"]
)
def test_an_attribute_that_is_missing_is_named(name: str) -> None:
    assert f"the attribute {name!r} of TreeEnsemble was expected, it did not come" in check(
        trees({key: value for key, value in SMALL.items() if key != name})
    )


def test_sums_that_a_number_makes_are_refused() -> None:
    many = trees(SMALL | {"n_targets": 1_000_000_000})
    many.graph.output[0].CopyFrom(port("value", DOUBLE, (None, 1_000_000_000)))
    assert "a row was expected to take at most" in check(many)


def test_lists_that_are_cut_are_refused() -> None:
    # by the end of their attribute: what is left of them follows behind it
    for tagged in (b"\x40\x81\x01", b"\x42\x02\x81\x01"):
        for end in range(1, len(tagged)):
            with pytest.raises(ServiceError, match=r"is not protobuf: at byte \d+ .* expected"):
                read_attribute(Reader(tagged * 2), Span(0, len(tagged) + end))


def test_lists_are_read_packed_or_not() -> None:
    plain = trees(SMALL)
    packed = trees(SMALL | {"nodes_truenodeids": [0, 0]})
    [change] = [each for each in packed.graph.node[0].attribute if each.name == "nodes_truenodeids"]
    unpacked, both = b"\x40\x00\x40\x00", b"\x42\x02\x01\x00"
    data = packed.SerializeToString()
    assert change.SerializeToString().count(unpacked) == 1
    place = data.index(b"nodes_truenodeids") + len("nodes_truenodeids")
    assert data[place : place + 4] == unpacked
    check_model(data[:place] + both + data[place + 4 :])
    assert data[:place] + b"\x40\x01\x40\x00" + data[place + 4 :] == plain.SerializeToString()


# What onnxruntime refuses, and cards that lie


@pytest.mark.parametrize("width", [1, 3])
def test_a_card_that_tells_of_another_width_is_refused(width: int) -> None:
    detail = refusal(seal(model_of(node(), width=width)))
    assert "expected to have one input, rows of 2 features as the card says, it has tensor(double) " in detail


def test_a_card_that_tells_of_another_task_is_refused() -> None:
    model = model_of(node())
    model.metadata_props[0].value = (TESTS / "card.json").read_text()
    assert "answer a classification with 3 classes, for 2 rows it answers float64 (2, 1)" in refusal(seal(model))


# Labels


def classifier_of(*nodes: NodeProto, kind: int = TensorProto.INT64, constants: Sequence[TensorProto] = ()) -> bytes:
    """Return a sealed classification from ``X``, (n, 2), to ``label``; its card has the classes 0, 1 and 2."""
    model = model_of(*nodes, initializers=constants)
    model.graph.output[0].CopyFrom(port("label", kind, (None,)))
    model.metadata_props[0].value = (TESTS / "card.json").read_text()
    return seal(model)


INDEX = node("ArgMax", axis=1, keepdims=0, output="index")
CELL = helper.make_node("Cast", ["cell"], ["whole"], to=TensorProto.INT64, domain="")
LABELLED: dict[str, tuple[bytes, str]] = {
    "a class that there is not": (
        classifier_of(
            node("ReduceSum", "X", "axes", keepdims=1, output="cell"),
            CELL,
            node("GatherND", "table", "whole", output="index"),
            node("Identity", "index", output="label"),
            constants=[constant([0, 1, 3], "table")],
        ),
        "answers 0, 1, 2, 3, its card tells of 0, 1, 2",
    ),
    "a class below all": (
        classifier_of(
            node("ReduceSum", "X", "axes", keepdims=1, output="cell"),
            CELL,
            node("GatherND", "table", "whole", output="index"),
            node("Identity", "index", output="label"),
            constants=[constant([0, -5, 2], "table")],
        ),
        "answers -1, 0, 1, 2, its card tells of 0, 1, 2",
    ),
    "the largest of four": (
        classifier_of(
            node("Concat", "X", "X", axis=1, output="four"),
            node("ArgMax", "four", axis=1, keepdims=0, output="index"),
            node("Identity", "index", output="label"),
        ),
        "answers 0, 1, 2, 3, its card tells of 0, 1, 2",
    ),
    "other labels": (
        classifier_of(
            INDEX, node("Gather", "table", "index", axis=0, output="label"), constants=[constant([0, 1], "table")]
        ),
        "answers 0, 1, its card tells of 0, 1, 2",
    ),
    "labels that are values of the rows": (
        classifier_of(
            node("Gather", "X", "place", axis=1, output="label"), kind=DOUBLE, constants=[constant(0, "place")]
        ),
        "labels were expected to be looked up in a constant",
    ),
    "labels of another type": (
        classifier_of(
            INDEX,
            node("Gather", "table", "index", axis=0, output="label"),
            kind=DOUBLE,
            constants=[constant([0.0, 1.0, 2.0], "table")],
        ),
        "expected to answer a classification with 3 classes, for 2 rows it answers float64 (2,)",
    ),
}


@pytest.mark.parametrize(("data", "message"), LABELLED.values(), ids=LABELLED)
def test_labels_that_are_not_the_cards_are_refused(data: bytes, message: str) -> None:
    assert message in refusal(data)


def test_fewer_numbers_of_classes_than_there_are_load() -> None:
    two = classifier_of(INDEX, node("Identity", "index", output="label"))
    assert Model(two).score(np.array([[1.0, 2.0], [2.0, 1.0]])).prediction.tolist() == [1, 0]
