"""What else a message may hold than what exporters write, and tensors whose elements are others."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper

from convert.model_file.seal import seal
from tests.lambda_fn.model.guard.models import DOUBLE, attribute, check, model_of, node, refusal, tensor
from tests.lambda_fn.model.guard.mutants import seal_by_hand


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
