"""skl2onnx as it comes: in float64 where onnxruntime computes in it, in float32 otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from convert.accepts import LARGEST_AS_FLOAT32, Accepts
from convert.errors import ConvertError
from convert.estimator import parts_of, task_of, width_of
from convert.oracle import Oracle
from convert.trees import READERS

NAME = "skl2onnx"
NEIGHBOURS = "takes other neighbours than scikit-learn where distances tie: use an ensemble of trees instead"
REFUSED: dict[type, str] = {KNeighborsClassifier: NEIGHBOURS, KNeighborsRegressor: NEIGHBOURS}
"""What skl2onnx converts and gets wrong, and what to do instead."""


def refusal(estimator: Any) -> str | None:
    """Return why the estimator is known to convert wrongly, or something that it is made of; None if it is not."""
    for part in parts_of(estimator):
        if type(part) in REFUSED:
            return f"{type(part).__name__} is not converted: the converted one {REFUSED[type(part)]}"
        if type(part) in READERS:
            return (
                f"{type(part).__name__} within {type(estimator).__name__} is not converted: skl2onnx would compare in"
                " float32. `python -m convert estimators` lists the ensembles that are written in float64"
            )
    return None


def accepts(asked: Accepts) -> Accepts:
    """Return what of it the graph may compute with: no NaN, of which skl2onnx makes plausible numbers."""
    return asked.within(LARGEST_AS_FLOAT32)


def write_graph(oracle: Oracle, name: str) -> onnx.ModelProto:
    """Return the estimator as skl2onnx converts it, in float64 where that loads; raise ConvertError where it can't."""
    estimator, classification = oracle.estimator, oracle.task == "classification"
    if any(feature.type == "str" for feature in oracle.features):
        raise ConvertError(f"{type(oracle.last).__name__} is not converted behind features that are strings")
    try:
        model = _convert(estimator, name, DoubleTensorType)
        if not _computes(model, width_of(estimator)):
            raise ConvertError("does not load in float64")
    except ConvertError:
        model = _convert(estimator, name, FloatTensorType)
    model.opset_import.sort(key=lambda opset: opset.domain)  # skl2onnx takes them from a set
    model = _rename_outputs(model, ("label", "probabilities") if classification else ("value",))
    if classification:
        _restore_label_type(model, oracle.classes)
        if not hasattr(estimator, "predict_proba"):  # what skl2onnx writes there is no probability
            del model.graph.output[1]
    return model


def _convert(estimator: Any, name: str, kind: type) -> onnx.ModelProto:
    types = [("X", kind([None, width_of(estimator)]))]
    try:
        return _with_arrays(estimator, name, types)
    except Exception as error:  # converters raise what they like, now and then with the whole tree in the message
        first_line = next(iter(str(error).splitlines()), "")
        raise ConvertError(
            f"skl2onnx does not convert this {type(estimator).__name__}: {type(error).__name__} {first_line[:200]}"
        ) from error


def _with_arrays(estimator: Any, name: str, types: list[Any]) -> onnx.ModelProto:
    """Convert without ZipMap, which makes a list of maps of the probabilities; some converters know no such option."""
    options = {"zipmap": False} if task_of(estimator) == "classification" else None
    try:
        model: onnx.ModelProto = skl2onnx.to_onnx(estimator, initial_types=types, options=options, name=name)
    except NameError:
        model = skl2onnx.to_onnx(estimator, initial_types=types, name=name)
    return model


def _computes(model: onnx.ModelProto, features: int) -> bool:
    """Whether onnxruntime loads and runs a float64 model; trees within it would score in float32 all the same."""
    if any(node.op_type.startswith("TreeEnsemble") for node in model.graph.node):
        return False
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        session.run(None, {"X": np.zeros((1, features))})
    except Exception:  # onnxruntime raises ValueError, RuntimeError or classes of its own, as it comes
        return False
    return True


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
