"""The end of a graph: class index and probabilities, or a value, become the outputs that a model file has."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto

from convert.estimator import width_of
from convert.graph import Graph, tensor_type


def classifier_model(graph: Graph, index: str, probabilities: str, estimator: Any, name: str) -> onnx.ModelProto:
    """Return the model of a classifier; labels are of the type that they have in scikit-learn."""
    graph.node("Gather", graph.constant(estimator.classes_), index, name="label", axis=0)
    graph.node("Identity", probabilities, name="probabilities")
    outputs: dict[str, tuple[int, list[int | None]]] = {
        "label": (tensor_type(estimator.classes_), [None]),
        "probabilities": (int(TensorProto.DOUBLE), [None, len(estimator.classes_)]),
    }
    return graph.model(name, width_of(estimator), outputs)


def regressor_model(graph: Graph, value: str, estimator: Any, name: str) -> onnx.ModelProto:
    """Return the model of a regressor from its `value`, (n, 1) float64."""
    graph.node("Identity", value, name="value")
    return graph.model(name, width_of(estimator), {"value": (int(TensorProto.DOUBLE), [None, 1])})
