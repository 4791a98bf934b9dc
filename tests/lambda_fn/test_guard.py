"""The test list is the table "A model file is input, too" of PARITY.md. Each bad file is sealed anew, as an attacker
would: what refuses it is the guard, or onnxruntime behind it, never the seal."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from convert.seal import PREFIX, ZEROS, seal
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.guard import OPERATORS, check_model
from lambda_fn.guard.messages import read_attribute
from lambda_fn.guard.protobuf import MAX_FIELDS, Reader, Span
from lambda_fn.guard.trees import MAX_LEVELS
from lambda_fn.model import Model
from tests.conftest import TESTS

ML = "ai.onnx.ml"
DOUBLE = TensorProto.DOUBLE


def model_of(
    *nodes: NodeProto, initializers: Sequence[TensorProto] = (), width: int | None = 2, ml: int = 5
) -> ModelProto:
    """Return a regression from ``X``, (n, width), to ``value``."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("X", DOUBLE, [None, width])],
        [helper.make_tensor_value_info("value", DOUBLE, None)],
        initializers,
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(ML, ml)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    card = json.loads((TESTS / "card.json").read_text()) | {"task": "regression"}
    helper.set_model_props(model, {"card": json.dumps(card)})
    return model


def node(operator: str = "ReduceSum", *inputs: str, **attributes: Any) -> NodeProto:
    """Return a node from ``X`` to ``value``."""
    return helper.make_node(operator, inputs or ["X"], ["value"], **attributes)


def attribute(operator: str, name: str, value: Any) -> NodeProto:
    made = node(operator)
    made.attribute.append(helper.make_attribute(name, value))
    return made


def tensor(values: Any) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values), "constant")


def seal_by_hand(data: bytes) -> bytes:
    """Seal bytes that need not be a model."""
    if PREFIX not in data:
        data += b"\x72\x4a" + PREFIX + ZEROS  # metadata_props, 74 bytes
    start = data.rindex(PREFIX) + len(PREFIX)
    zeroed = data[:start] + ZEROS + data[start + 64 :]
    return data[:start] + hashlib.sha256(zeroed).hexdigest().encode() + data[start + 64 :]


def refusal(data: bytes) -> str:
    """Return why the service refuses the file."""
    with pytest.raises(ServiceError) as raised:
        Model(data)
    assert raised.value.problem is Problem.MODEL_INVALID
    return raised.value.detail


def check(model: ModelProto) -> str:
    """Return why the guard alone refuses the model."""
    with pytest.raises(ServiceError) as raised:
        check_model(model.SerializeToString())
    assert raised.value.problem is Problem.MODEL_INVALID
    assert refusal(seal(model)) == raised.value.detail
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
    data = model_of(node()).SerializeToString()
    with pytest.raises(ServiceError, match="one graph was expected, 2 came"):
        check_model(data + data)
    with pytest.raises(ServiceError, match="one graph was expected, 0 came"):
        check_model(ModelProto(ir_version=10).SerializeToString())


def test_more_fields_than_a_model_has_are_refused() -> None:
    with pytest.raises(ServiceError, match=f"has more than {MAX_FIELDS:,} fields"):
        check_model(b"\x08\x01" * (MAX_FIELDS + 1))


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
    assert "holds a graph" in check(model_of(node("Loop", "", "constant", body=body), initializers=[tensor(True)]))


# What else a message may hold


def graph() -> onnx.GraphProto:
    return model_of(node()).graph


def sparse() -> onnx.SparseTensorProto:
    return helper.make_sparse_tensor(tensor([1.0]), tensor([0]), [2])


@pytest.mark.parametrize(
    ("operator", "name", "value", "held"),
    [
        ("If", "then_branch", graph(), "a graph"),
        ("Identity", "anything", graph(), "a graph"),
        ("Identity", "anything", [graph(), graph()], "graphs"),
        ("Constant", "sparse_value", sparse(), "a sparse tensor"),
        ("Identity", "anything", [tensor([1.0])] * 2, "field 10"),
        ("Identity", "anything", onnx.TypeProto(), "field 14"),
    ],
)
def test_other_attributes_are_refused(operator: str, name: str, value: Any, held: str) -> None:
    assert f"an attribute holds {held}, which no exporter writes" in check(model_of(attribute(operator, name, value)))


def test_nested_functions_are_refused() -> None:
    model, opsets = model_of(node("f0", domain="local")), [helper.make_opsetid("", 21), helper.make_opsetid("local", 1)]
    for depth in range(25):
        inner = [helper.make_node(f"f{depth + 1}", ["x"], ["x1"], domain="local")]
        inner.append(helper.make_node(f"f{depth + 1}", ["x1"], ["y"], domain="local"))
        model.functions.append(helper.make_function("local", f"f{depth}", ["x"], ["y"], inner, opsets))
    last = [helper.make_node("Identity", ["x"], ["y"])]
    model.functions.append(helper.make_function("local", "f25", ["x"], ["y"], last, opsets))
    model.opset_import.append(helper.make_opsetid("local", 1))
    assert "the model holds functions" in refusal(seal(model)) or "'f0' of domain 'local'" in refusal(seal(model))
    del model.graph.node[:]
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
    model = model_of(node("Add", "X", "constant"), initializers=[external(Path("secret"))])
    assert "a tensor holds external data" in check(model)
    del model.graph.initializer[0].external_data[:]
    assert "a tensor holds a data location" in check(model)
    assert "a tensor holds external data" in check(model_of(attribute("Constant", "value", external(Path("secret")))))


def test_attributes_that_come_twice_are_refused() -> None:
    twice = node("ReduceSum", keepdims=0)
    twice.attribute.append(helper.make_attribute("keepdims", 1))
    assert "an attribute 'keepdims' was expected once in a node, it came again" in check(model_of(twice))
    merged = node()
    merged.attribute.append(AttributeProto(name="axes", ints=[0], floats=[1.0], type=AttributeProto.INTS))
    assert "attribute 'axes' was expected to have one value, it has 2" in check(model_of(merged))


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


def numbered(operator: str = "TreeEnsembleRegressor", **changes: Any) -> ModelProto:
    """Return a model with one of the older operators, a stump and a leaf, with `changes`."""
    attributes: dict[str, Any] = {
        "nodes_treeids": [0, 0, 0, 1],
        "nodes_nodeids": [0, 1, 2, 0],
        "nodes_featureids": [0] * 4,
        "nodes_values": [0.0] * 4,
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0, 0],
        "nodes_falsenodeids": [2, 0, 0, 0],
        "n_targets": 1,
        "target_treeids": [0, 0, 1],
        "target_nodeids": [1, 2, 0],
        "target_ids": [0] * 3,
        "target_weights": [1.0, 2.0, 3.0],
    }
    cast = helper.make_node("Cast", ["sums"], ["value"], to=DOUBLE)
    ensemble = helper.make_node(operator, ["X"], ["sums"], domain=ML, **attributes | changes)
    return model_of(ensemble, cast, ml=3)


def test_sound_trees_load() -> None:
    assert Model(seal(trees(SMALL))).score(np.array([[-1.0, 0.0]])).prediction.tolist() == [1.0]
    assert Model(seal(numbered())).score(np.array([[-1.0, 0.0]])).prediction.tolist() == [4.0]
    both = {"nodes_trueleafs": [1], "nodes_falseleafs": [1], "nodes_truenodeids": [0], "nodes_falsenodeids": [0]}
    assert Model(seal(trees(chain(1, "true") | both))).score(np.zeros((1, 2))).prediction.tolist() == [1.0]


@pytest.mark.parametrize("side", ["true", "false"])
def test_the_deepest_trees_load_and_deeper_ones_are_refused(side: str) -> None:
    assert Model(seal(trees(chain(MAX_LEVELS, side)))).score(np.zeros((1, 2))).prediction.tolist() == [1.0]
    for levels in (MAX_LEVELS + 1, 100_000):
        assert f"a tree has more than {MAX_LEVELS:,} levels" in check(trees(chain(levels, side)))


@pytest.mark.parametrize("side", ["true", "false"])
def test_deep_trees_of_the_older_operators_are_refused(side: str) -> None:
    levels, other = 100_000, {"true": "false", "false": "true"}[side]
    nodes, leaves = 2 * levels + 1, list(range(levels, 2 * levels + 1))
    inner: dict[str, Any] = {f"nodes_{side}nodeids": list(range(1, levels + 1)), f"nodes_{other}nodeids": leaves[1:]}
    model = numbered(
        nodes_treeids=[0] * nodes,
        nodes_nodeids=list(range(nodes)),
        nodes_featureids=[0] * nodes,
        nodes_values=[0.0] * nodes,
        nodes_modes=["BRANCH_LEQ"] * levels + ["LEAF"] * (levels + 1),
        **{name: values + [0] * (levels + 1) for name, values in inner.items()},
    )
    assert f"a tree has more than {MAX_LEVELS:,} levels" in check(model)


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
        ({"nodes_falsenodeids": [0]}, "lists of 2 nodes were expected, one has 1"),
        ({"nodes_trueleafs": [0, 1, 1]}, "lists of 2 nodes were expected, one has 3"),
        (
            {"n_targets": 1_000_000_000},
            "n_targets was expected to be at most the number of leaves, 2, not 1,000,000,000",
        ),
        ({"n_targets": -1}, "n_targets was expected"),
        (
            {"nodes_modes": tensor(np.array([0, 6], np.uint8))},
            "nodes_modes of TreeEnsemble was expected to be 2 bytes of 0",
        ),
        ({"nodes_modes": tensor(np.zeros(3, np.uint8))}, "nodes_modes of TreeEnsemble was expected"),
        ({"nodes_modes": [0, 0]}, "nodes_modes of TreeEnsemble was expected"),
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes_truenodeids": [0, 0, 0, 0]}, "node 0 was expected in one place of one tree, it is in 2"),
        ({"nodes_truenodeids": [2, 0, 0, 0]}, "node 1 was expected in one place of one tree, it is in 0"),
        ({"nodes_truenodeids": [3, 0, 0, 0]}, "nodes_truenodeids has 3 where there are 3"),
        ({"nodes_falsenodeids": [-1, 0, 0, 0]}, "nodes_falsenodeids has -1 where there are 3"),
        ({"nodes_nodeids": [0, 1, 1, 0]}, "nodes_nodeids was expected to count from 0 in each tree"),
        ({"nodes_treeids": [0, 0, 0]}, "nodes were expected"),
        ({"nodes_treeids": [-1, -1, -1, 1]}, "nodes_nodeids was expected to count from 0 in each tree"),
        ({"nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"]}, "lists of 4 nodes were expected, one has 3"),
        ({"nodes_modes": ["BRANCH_EQ", "LEAF", "LEAF", "LEAF"]}, "lists of 4 nodes were expected, one has 3"),
        ({"nodes_modes": ["BRANCH_EQ"] * 4}, "was expected to begin with 'BRANCH_LEQ' or 'LEAF'"),
        ({"nodes_modes": ["LEAF", "LEAF", "NONE", "LEAF"]}, "attribute 'nodes_modes' was expected to have one value"),
        ({"n_targets": 10**9}, "n_targets was expected to be at most the number of leaves, 3"),
    ],
    ids=str,
)
def test_nodes_of_the_older_operators_that_form_no_trees_are_refused(changes: dict[str, Any], message: str) -> None:
    assert message in check(numbered(**changes))


def test_lists_that_are_cut_are_refused() -> None:
    # by the end of their attribute: what is left of them follows behind it
    for tagged in (b"\x4a\x04LEAF", b"\x40\x81\x01", b"\x42\x02\x81\x01", b"\x3d\x00\x00\x00\x00"):
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


def test_a_future_opset_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    model = model_of(node())
    model.opset_import[0].version = 999
    assert "the model file does not load" in refusal(seal(model))
    assert capfd.readouterr().out == ""


def test_a_graph_that_does_not_run_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    far = {"nodes_featureids": [10**6, 0]}
    for model in (trees(SMALL | far), model_of(node("Add", "X", "none")), model_of(node("Sum", "X", "X", axis=1))):
        assert "the model file does not load" in refusal(seal(model))
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("width", [1, 3, None])
def test_a_card_that_tells_of_another_width_is_refused(width: int | None) -> None:
    detail = refusal(seal(model_of(node(), width=width)))
    assert "expected to have one input, rows of 2 features as the card says, it has tensor(double) " in detail


def changed(change: Callable[[onnx.GraphProto], object]) -> str:
    model = model_of(node())
    change(model.graph)
    return refusal(seal(model))


def test_another_input_is_refused() -> None:
    constant = helper.make_node("Identity", ["constant"], ["value"])
    model = model_of(constant, initializers=[tensor([1.0])])
    del model.graph.input[:]
    assert "rows of 2 features as the card says, it has none" in refusal(seal(model))
    more = helper.make_tensor_value_info("more", DOUBLE, [None, 2])
    assert "it has tensor(double) [None, 2], tensor(double) [None, 2]" in changed(
        lambda graph: graph.input.append(more)
    )
    two_rows = helper.make_tensor_value_info("X", DOUBLE, [2, 2])
    assert "it has tensor(double) [2, 2]" in changed(lambda graph: graph.input[0].CopyFrom(two_rows))


def test_a_card_that_tells_of_other_outputs_is_refused() -> None:
    assert "for one row it answers [(1, 2)]" in refusal(seal(model_of(node("Identity"))))
    more = helper.make_tensor_value_info("X", DOUBLE, [None, 2])
    assert "expected to answer a regression with 0 classes" in changed(lambda graph: graph.output.append(more))


# Mutants


def test_mutants_load_or_are_refused(model_file: Path) -> None:
    data = model_file.read_bytes()
    generator = np.random.default_rng(5)
    problems = []
    for _ in range(300):
        mutant = bytearray(data)
        for place in generator.integers(0, len(data), generator.integers(1, 4)):
            mutant[place] = generator.integers(0, 256)
        problems.append(problem_of(seal_by_hand(bytes(mutant))))
    assert set(problems) == {None, Problem.MODEL_INVALID}


def problem_of(data: bytes) -> Problem | None:
    """Return the problem that loading the file meets, None if it loads; any other exception is the test's failure."""
    try:
        Model(data)
    except ServiceError as error:
        return error.problem
    return None


def test_no_operator_on_the_list_takes_a_subgraph() -> None:
    for domain, name in OPERATORS:
        schema = onnx.defs.get_schema(name, domain=domain)
        kinds = {each.type for each in schema.attributes.values()}
        assert not kinds & {onnx.defs.OpSchema.AttrType.GRAPH, onnx.defs.OpSchema.AttrType.GRAPHS}, name
