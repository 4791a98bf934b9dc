"""skl2onnx, of what it writes rightly in float64: a short list, each entry compared with scikit-learn at its edges.

It was seen wrong on what is not on the list: where a number equals the threshold of a Binarizer, on rows of zeros
behind a Normalizer, on edges of bins, which it compares in float32, and wherever distances tie.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import onnx
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from convert.errors import ConvertError, reason_of
from convert.estimator.fitted import parts_of, width_of
from convert.oracle.accepts import LARGEST_AS_FLOAT32, Accepts
from convert.oracle.oracle import Oracle

NAME = "skl2onnx"
ALLOWED = (LinearRegression, LogisticRegression, Pipeline, StandardScaler)
"""What it may write, and what pipelines may be made of: tests/convert/strategies/test_plain.py earns each."""


def refusal(estimator: Any) -> str | None:
    """Return why skl2onnx may not write the estimator: the first part of it that is not allowed; None if all are."""
    for part in parts_of(estimator):
        if type(part) not in ALLOWED:
            allowed = ", ".join(each.__name__ for each in ALLOWED)
            return f"{type(part).__name__} is not let through skl2onnx, but only {allowed}: leave --strategy out"
    return None


def accepts(oracle: Oracle) -> list[Accepts]:
    """Return what of it the graph may compute with: no NaN, of which skl2onnx makes plausible numbers."""
    return [replace(asked.within(LARGEST_AS_FLOAT32), nan=False) for asked in oracle.accepts]


def write_graph(oracle: Oracle, name: str) -> onnx.ModelProto:
    """Return the estimator as skl2onnx converts it, in float64; raise ConvertError for what is not on the list."""
    estimator, classification = oracle.estimator, oracle.task == "classification"
    refused = refusal(estimator)
    if refused is not None:
        raise ConvertError(refused)
    model = _convert(estimator, name, classification=classification)
    model.opset_import.sort(key=lambda opset: opset.domain)  # skl2onnx takes them from a set
    model = _rename_outputs(model, ("label", "probabilities") if classification else ("value",))
    if classification:
        _restore_label_type(model, oracle.classes)
    return model


def _convert(estimator: Any, name: str, *, classification: bool) -> onnx.ModelProto:
    """Convert without ZipMap, which makes a list of maps of the probabilities."""
    types = [("X", DoubleTensorType([None, width_of(estimator)]))]
    options = {"zipmap": False} if classification else None
    try:
        model: onnx.ModelProto = skl2onnx.to_onnx(estimator, initial_types=types, options=options, name=name)
    except Exception as error:  # converters raise what they like, now and then with the whole tree in the message
        raise ConvertError(f"skl2onnx does not convert this {type(estimator).__name__}: {reason_of(error)}") from error
    return model


def _restore_label_type(model: onnx.ModelProto, classes: NDArray[Any]) -> None:
    """Cast labels that skl2onnx writes as integers back to what they are: booleans or floats."""
    if classes.dtype.kind not in "bf":
        return
    kind = onnx.TensorProto.BOOL if classes.dtype.kind == "b" else onnx.TensorProto.DOUBLE
    for node in model.graph.node:
        node.output[:] = ["label_number" if output == "label" else output for output in node.output]
        node.input[:] = ["label_number" if entry == "label" else entry for entry in node.input]
    model.graph.node.append(onnx.helper.make_node("Cast", ["label_number"], ["label"], to=kind))
    model.graph.output[0].type.tensor_type.elem_type = kind


def _rename_outputs(model: onnx.ModelProto, names: tuple[str, ...]) -> onnx.ModelProto:
    """Give the outputs their `names`, and what is called so within the graph another one."""
    renamed = {name: f"inner_{name}" for name in names}
    renamed |= {output.name: name for output, name in zip(model.graph.output, names, strict=True)}
    for node in model.graph.node:
        node.output[:] = [renamed.get(output, output) for output in node.output]
        node.input[:] = [renamed.get(entry, entry) for entry in node.input]
    for output in model.graph.output:
        output.name = renamed[output.name]
    return model
