"""Linear models: rows @ coefficients + intercept, and what scikit-learn makes of that."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.estimator import insides
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer


def regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write LinearModel.predict."""
    return write_affine(composer.graph, rows.value, estimator.coef_, estimator.intercept_)


def log_link(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write _GeneralizedLinearRegressor.predict: the inverse of its link, which is the identity or the logarithm."""
    value = regressor(composer, rows, estimator)
    return composer.graph.node("Exp", value) if insides.has_log_link(estimator) else value


def centred(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write _PLS.predict, which centres the rows."""
    mean = composer.graph.constant(insides.subtracted_means(estimator))
    name = composer.graph.node("Sub", rows.value, mean)
    return write_affine(composer.graph, name, estimator.coef_, estimator.intercept_)


def outliers(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write SGDOneClassSVM.predict, where 0 is an inlier, and .decision_function."""
    graph = composer.graph
    scores = write_affine(graph, rows.value, estimator.coef_, -np.asarray(estimator.offset_))
    inlier = graph.cast(graph.node("GreaterOrEqual", scores, graph.constant(np.float64(0))), np.int64)
    return Labelled(graph.node("Squeeze", inlier, graph.constant(np.array([1]))), None, scores)


def without_probabilities(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write LinearClassifierMixin.predict."""
    return _labelled(composer.graph, _write_scores(composer.graph, rows, estimator), None, estimator)


def logistic(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write the predict_proba of LogisticRegression and LinearDiscriminantAnalysis: sigmoid, or softmax."""
    graph = composer.graph
    scores = _write_scores(graph, rows, estimator)
    if len(estimator.classes_) > 2:
        return _labelled(graph, scores, graph.node("Softmax", scores, axis=1), estimator)
    return _labelled(graph, scores, write_two_sides(graph, scores), estimator)


def stochastic(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write SGDClassifier, with LinearClassifierMixin._predict_proba_lr or the shares of the modified Huber loss."""
    graph = composer.graph
    scores = _write_scores(graph, rows, estimator)
    if not hasattr(estimator, "predict_proba"):
        return _labelled(graph, scores, None, estimator)
    if estimator.loss == "log_loss":
        each = write_expit(graph, scores)
    else:
        one = graph.constant(np.float64(1))
        clipped = graph.node("Clip", scores, graph.constant(np.float64(-1)), one)
        each = graph.node("Div", graph.node("Add", clipped, one), graph.constant(np.float64(2)))
    binary = len(estimator.classes_) <= 2
    return _labelled(
        graph, scores, write_complement(graph, each) if binary else write_normalized(graph, each), estimator
    )


def _write_scores(graph: Graph, rows: Columns, estimator: Any) -> Value:
    """Write LinearClassifierMixin.decision_function, (n, 1) or (n, classes)."""
    return write_affine(graph, rows.value, estimator.coef_, estimator.intercept_)


def _labelled(graph: Graph, scores: Value, probabilities: Value | None, estimator: Any) -> Labelled:
    return Labelled(write_class_index(graph, scores, len(estimator.classes_)), probabilities, scores)


def write_affine(graph: Graph, rows: Value, coefficients: Any, intercept: Any) -> Value:
    """Write rows (n, columns) @ coefficients (outputs, columns) transposed + intercept: (n, outputs)."""
    weights = graph.constant(np.atleast_2d(np.asarray(coefficients, dtype=np.float64)).T.copy())
    offset = graph.constant(np.asarray(intercept, dtype=np.float64).reshape(-1))
    return graph.node("Add", graph.node("MatMul", rows, weights, name="weighted"), offset, name="raw_scores")


def write_class_index(graph: Graph, scores: Value, classes: int, limit: float = 0.0) -> Value:
    """Write the first of the largest scores, (n,); of a single score, (n, 1), whether it is above `limit`."""
    if classes > 2:
        return graph.node("ArgMax", scores, axis=1, keepdims=0, select_last_index=0)
    above = graph.cast(graph.node("Greater", scores, graph.constant(np.float64(limit))), np.int64)
    return graph.node("Squeeze", above, graph.constant(np.array([1])))


def write_two_sides(graph: Graph, scores: Value) -> Value:
    """Write the sigmoid of a single score (n, 1), and 1 minus it in front: (n, 2)."""
    return write_complement(graph, write_expit(graph, scores))


def write_expit(graph: Graph, scores: Value) -> Value:
    """Write the sigmoid as scipy computes it. ONNX's is 0 below -37, where shares of several such are not."""
    one = graph.constant(np.float64(1))
    return graph.node("Div", one, graph.node("Add", one, graph.node("Exp", graph.node("Neg", scores))))


def write_complement(graph: Graph, second: Value) -> Value:
    """Write 1 minus a probability (n, 1) in front of it: (n, 2)."""
    first = graph.node("Sub", graph.constant(np.float64(1)), second)
    return graph.node("Concat", first, second, axis=1)


def write_normalized(graph: Graph, each: Value) -> Value:
    """Write numbers (n, classes) so that each row sums to 1; a row of zeros becomes 1 / classes everywhere."""
    axis, zero = graph.constant(np.array([1])), graph.constant(np.float64(0))
    total = graph.node("ReduceSum", each, axis, keepdims=1)
    none = graph.node("Equal", total, zero)
    shares = graph.node("Where", none, graph.constant(np.float64(1)), each)
    return graph.node("Div", shares, graph.node("ReduceSum", shares, axis, keepdims=1))
