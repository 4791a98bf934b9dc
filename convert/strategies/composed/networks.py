"""Multi-layer perceptrons."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.ensembles.reading import refuse_one_class
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.linear import write_affine, write_class_index, write_complement, write_expit

ACTIVATIONS = {"logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}


def regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write MLPRegressor.predict."""
    value = _write_layers(composer.graph, rows.value, estimator)
    return composer.graph.node("Exp", value) if estimator.out_activation_ == "exp" else value


def classifier(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write MLPClassifier.predict, whose LabelBinarizer cuts at 0.5, and predict_proba."""
    graph = composer.graph
    refuse_one_class(estimator)
    last = _write_layers(graph, rows.value, estimator)
    if estimator.out_activation_ == "softmax":
        probabilities = graph.node("Softmax", last, axis=1)
        return Labelled(write_class_index(graph, probabilities, len(estimator.classes_)), probabilities)
    second = write_expit(graph, last)
    return Labelled(write_class_index(graph, second, 2, limit=0.5), write_complement(graph, second))


def _write_layers(graph: Graph, rows: Value, estimator: Any) -> Value:
    """Write BaseMultilayerPerceptron._forward_pass_fast up to the last activation."""
    for number, (weights, bias) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        rows = write_affine(graph, rows, np.asarray(weights).T, bias)
        if number < len(estimator.coefs_) - 1 and estimator.activation != "identity":
            rows = graph.node(ACTIVATIONS[estimator.activation], rows)
    return rows
