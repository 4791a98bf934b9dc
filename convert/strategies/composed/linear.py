"""Linear models: rows @ coefficients + intercept, and what scikit-learn makes of that."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss.link import LogLink

from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph
from convert.strategies.composed.composer import Composer


def regressor(composer: Composer, rows: Columns, estimator: Any) -> str:
    """Write LinearModel.predict."""
    return write_affine(composer.graph, rows.name, estimator.coef_, estimator.intercept_)


def log_link(composer: Composer, rows: Columns, estimator: Any) -> str:
    """Write _GeneralizedLinearRegressor.predict: the inverse of its link, which is the identity or the logarithm."""
    value = regressor(composer, rows, estimator)
    return composer.graph.node("Exp", value) if isinstance(estimator._base_loss.link, LogLink) else value


def centred(composer: Composer, rows: Columns, estimator: Any) -> str:
    """Write _PLS.predict, which centres the rows."""
    mean = composer.graph.constant(np.asarray(estimator._x_mean, dtype=np.float64))
    name = composer.graph.node("Sub", rows.name, mean)
    return write_affine(composer.graph, name, estimator.coef_, estimator.intercept_)


def outliers(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write SGDOneClassSVM.predict, where 0 is an inlier, and .decision_function."""
    graph = composer.graph
    scores = write_affine(graph, rows.name, estimator.coef_, -np.asarray(estimator.offset_))
    inlier = graph.cast(graph.node("GreaterOrEqual", scores, graph.constant(np.float64(0))), np.int64)
    return Labelled(graph.node("Squeeze", inlier, graph.constant(np.array([1]))), None, scores)


def without_probabilities(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write LinearClassifierMixin.predict."""
    scores = write_affine(composer.graph, rows.name, estimator.coef_, estimator.intercept_)
    return Labelled(write_class_index(composer.graph, scores, len(estimator.classes_)), None, scores)


def logistic(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write the predict_proba of LogisticRegression and LinearDiscriminantAnalysis: sigmoid, or softmax."""
    answer = without_probabilities(composer, rows, estimator)
    if len(estimator.classes_) > 2:
        return answer._replace(probabilities=composer.graph.node("Softmax", str(answer.scores), axis=1))
    return answer._replace(probabilities=write_two_sides(composer.graph, str(answer.scores)))


def stochastic(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write SGDClassifier, with LinearClassifierMixin._predict_proba_lr or the shares of the modified Huber loss."""
    graph, answer = composer.graph, without_probabilities(composer, rows, estimator)
    if not hasattr(estimator, "predict_proba"):
        return answer
    if estimator.loss == "log_loss":
        each = write_expit(graph, str(answer.scores))
    else:
        one = graph.constant(np.float64(1))
        clipped = graph.node("Clip", str(answer.scores), graph.constant(np.float64(-1)), one)
        each = graph.node("Div", graph.node("Add", clipped, one), graph.constant(np.float64(2)))
    binary = len(estimator.classes_) <= 2
    return answer._replace(probabilities=write_complement(graph, each) if binary else write_normalized(graph, each))


def write_affine(graph: Graph, rows: str, coefficients: Any, intercept: Any) -> str:
    """Write rows (n, columns) @ coefficients (outputs, columns) transposed + intercept: (n, outputs)."""
    product = graph.node(
        "MatMul", rows, graph.constant(np.atleast_2d(np.asarray(coefficients, dtype=np.float64)).T.copy())
    )
    return graph.node("Add", product, graph.constant(np.asarray(intercept, dtype=np.float64).reshape(-1)))


def write_class_index(graph: Graph, scores: str, classes: int, limit: float = 0.0) -> str:
    """Write the first of the largest scores, (n,); of a single score, (n, 1), whether it is above `limit`."""
    if classes > 2:
        return graph.node("ArgMax", scores, axis=1, keepdims=0, select_last_index=0)
    above = graph.cast(graph.node("Greater", scores, graph.constant(np.float64(limit))), np.int64)
    return graph.node("Squeeze", above, graph.constant(np.array([1])))


def write_two_sides(graph: Graph, scores: str) -> str:
    """Write the sigmoid of a single score (n, 1), and 1 minus it in front: (n, 2)."""
    return write_complement(graph, write_expit(graph, scores))


def write_expit(graph: Graph, scores: str) -> str:
    """Write the sigmoid as scipy computes it. ONNX's is 0 below -37, where shares of several such are not."""
    one = graph.constant(np.float64(1))
    return graph.node("Div", one, graph.node("Add", one, graph.node("Exp", graph.node("Neg", scores))))


def write_complement(graph: Graph, second: str) -> str:
    """Write 1 minus a probability (n, 1) in front of it: (n, 2)."""
    first = graph.node("Sub", graph.constant(np.float64(1)), second)
    return graph.node("Concat", first, second, axis=1)


def write_normalized(graph: Graph, each: str) -> str:
    """Write numbers (n, classes) so that each row sums to 1; a row of zeros becomes 1 / classes everywhere."""
    axis, zero = graph.constant(np.array([1])), graph.constant(np.float64(0))
    total = graph.node("ReduceSum", each, axis, keepdims=1)
    none = graph.node("Equal", total, zero)
    shares = graph.node("Where", none, graph.constant(np.float64(1)), each)
    return graph.node("Div", shares, graph.node("ReduceSum", shares, axis, keepdims=1))
