"""The end of a graph: class index and probabilities, or a value, become the outputs that a model file has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from convert.graph.graph import Graph, tensor_type

SCORES = "plume_raw_scores"


class Labelled(NamedTuple):
    """The names of what a classifier answers.

    class_index: of the label's class, (n,) int64.
    probabilities: (n, classes) float64; None where scikit-learn has none.
    scores: what decision_function returns, (n, 1) or (n, classes) float64; None where it is not written.
    """

    class_index: str
    probabilities: str | None
    scores: str | None = None


def classifier_model(graph: Graph, answer: Labelled, classes: NDArray[Any], width: int, name: str) -> onnx.ModelProto:
    """Return the model of a classifier of `width` features; labels are of the type that they have in scikit-learn.

    Raw scores are no output: they keep the name SCORES within the graph, for `verify` to look at.
    """
    _write_label(graph, answer.class_index, classes)
    outputs: dict[str, tuple[int, list[int | None]]] = {"label": (tensor_type(classes), [None])}
    if answer.scores is not None:
        graph.node("Identity", answer.scores, name=SCORES)
    if answer.probabilities is not None:
        graph.node("Identity", answer.probabilities, name="probabilities")
        outputs["probabilities"] = (int(TensorProto.DOUBLE), [None, len(classes)])
    return graph.model(name, width, outputs)


def regressor_model(graph: Graph, value: str, width: int, name: str) -> onnx.ModelProto:
    """Return the model of a regressor of `width` features from its `value`, (n, 1) float64."""
    graph.node("Identity", value, name="value")
    return graph.model(name, width, {"value": (int(TensorProto.DOUBLE), [None, 1])})


def _write_label(graph: Graph, index: str, classes: NDArray[Any]) -> None:
    """Write the label for its `index`; where the classes are 0, 1 and so on, it is the index."""
    if classes.dtype == np.int64 and np.array_equal(classes, np.arange(len(classes))):
        graph.node("Identity", index, name="label")
    else:
        graph.node("Gather", graph.constant(classes), index, name="label", axis=0)
