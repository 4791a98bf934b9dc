"""The end of a graph: class index and probabilities, or a value, become the outputs that a model file has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from convert.graph.graph import Graph, Value, WrongNodeError, tensor_type

SCORES = "plume_raw_scores"


class Labelled(NamedTuple):
    """What a classifier answers.

    class_index: of the label's class, (n,) int64.
    probabilities: (n, classes) float64; None where scikit-learn has none.
    scores: what decision_function returns, (n, 1) or (n, classes) float64; None where it is not written.
    """

    class_index: Value
    probabilities: Value | None
    scores: Value | None = None


def classifier_model(graph: Graph, answer: Labelled, classes: NDArray[Any], name: str) -> onnx.ModelProto:
    """Return the model of a classifier; labels are of the type that they have in scikit-learn.

    Raw scores are no output: they keep the name SCORES within the graph, for `verify` to look at.
    """
    outputs = [_checked(_write_label(graph, answer.class_index, classes), tensor_type(classes), ())]
    if answer.scores is not None:
        graph.node("Identity", answer.scores, name=SCORES)
    if answer.probabilities is not None:
        probabilities = graph.node("Identity", answer.probabilities, name="probabilities")
        outputs.append(_checked(probabilities, TensorProto.DOUBLE, (len(classes),)))
    return graph.model(name, outputs)


def regressor_model(graph: Graph, value: Value, name: str) -> onnx.ModelProto:
    """Return the model of a regressor from its `value`, (n, 1) float64."""
    written = graph.node("Identity", value, name="value")
    return graph.model(name, [_checked(written, TensorProto.DOUBLE, (1,))])


def _write_label(graph: Graph, index: Value, classes: NDArray[Any]) -> Value:
    """Write the label for its `index`; where the classes are 0, 1 and so on, it is the index."""
    if classes.dtype == np.int64 and np.array_equal(classes, np.arange(len(classes))):
        return graph.node("Identity", index, name="label")
    return graph.node("Gather", graph.constant(classes), index, name="label", axis=0)


def _checked(value: Value, kind: int, each: tuple[int, ...]) -> Value:
    """Return an output; raise WrongNodeError if it is not of this type, and shape for each row."""
    if (value.kind, value.shape) != (kind, (None, *each)):
        raise WrongNodeError(f"{value} is written where (rows, {each}) of type {kind} is to be answered")
    return value
