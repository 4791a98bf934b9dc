"""The end of a graph: class index and probabilities, or a value, become the outputs that a model file has."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from convert.estimator import width_of
from convert.graph import Graph, tensor_type


def classifier_model(graph: Graph, index: str, probabilities: str, estimator: Any, name: str) -> onnx.ModelProto:
    """Return the model of a classifier; labels are of the type that they have in scikit-learn."""
    _write_label(graph, index, estimator.classes_)
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


def _write_label(graph: Graph, index: str, classes: NDArray[Any]) -> None:
    """Write the label for its `index`; where the classes are 0, 1 and so on, it is the index."""
    if classes.dtype == np.int64 and np.array_equal(classes, np.arange(len(classes))):
        graph.node("Identity", index, name="label")
    else:
        graph.node("Gather", graph.constant(classes), index, name="label", axis=0)
