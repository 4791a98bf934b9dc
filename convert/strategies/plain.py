"""skl2onnx as it comes: float32 throughout."""

from __future__ import annotations

from typing import Any

import onnx
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType

from convert.errors import ConvertError
from convert.estimator import task_of

NAME = "skl2onnx"


def write_graph(estimator: Any, name: str) -> onnx.ModelProto:
    """Return `estimator` as skl2onnx converts it; raise ConvertError where it can't."""
    classification = task_of(estimator) == "classification"
    try:
        model: onnx.ModelProto = skl2onnx.to_onnx(
            estimator,
            initial_types=[("X", FloatTensorType([None, int(estimator.n_features_in_)]))],
            options={"zipmap": False} if classification else None,
            name=name,
        )
    except Exception as error:  # converters raise what they like, now and then with the whole tree in the message
        first_line = next(iter(str(error).splitlines()), "")
        raise ConvertError(
            f"skl2onnx does not convert this {type(estimator).__name__}: {type(error).__name__} {first_line[:200]}"
        ) from error
    names = ("label", "probabilities") if classification else ("value",)
    return _rename_outputs(model, names)


def _rename_outputs(model: onnx.ModelProto, names: tuple[str, ...]) -> onnx.ModelProto:
    renamed = {output.name: name for output, name in zip(model.graph.output, names, strict=True)}
    for node in model.graph.node:
        node.output[:] = [renamed.get(output, output) for output in node.output]
        node.input[:] = [renamed.get(entry, entry) for entry in node.input]
    for output in model.graph.output:
        output.name = renamed[output.name]
    return model
