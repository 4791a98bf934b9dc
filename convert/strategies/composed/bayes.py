"""Bayes, naive or of whole covariances: joint log likelihoods, and _BaseNB.predict_proba as a softmax of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Value
from convert.graph.transformers.binarizer import write_binary
from convert.graph.transformers.projections import SPREAD
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.linear import write_affine
from convert.strategies.composed.mixtures import check_varies


def gaussian(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write GaussianNB._joint_log_likelihood."""
    graph, variances = composer.graph, np.asarray(estimator.var_)
    check_varies(variances, estimator.theta_, estimator.epsilon_, estimator, "with a larger var_smoothing")
    wide = graph.node("Unsqueeze", rows.value, graph.constant(np.array([1])))
    distance = graph.node("Sub", wide, graph.constant(estimator.theta_.astype(np.float64)))
    squares = graph.node("Mul", distance, distance)
    parts = graph.node("Div", squares, graph.constant(variances.astype(np.float64)))
    total = graph.node("ReduceSum", parts, graph.constant(np.array([2])), keepdims=0)
    spread = (0.5 * np.log(2.0 * np.pi * variances).sum(axis=1)).astype(np.float64)  # in the precision of its own
    start = np.log(estimator.class_prior_) - spread
    half = graph.node("Mul", total, graph.constant(np.float64(-0.5)))
    likelihood = graph.node("Add", half, graph.constant(start))
    return _labelled(composer, likelihood)


def quadratic(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write QuadraticDiscriminantAnalysis._decision_function; of two classes its scores are the difference."""
    graph, each = composer.graph, []
    if any(scaling.max() > SPREAD**2 * scaling.min() for scaling in estimator.scalings_):
        raise ConvertError(
            "QuadraticDiscriminantAnalysis divides by variances next to 0, and blows up what is rounded: fit it with a"
            " larger reg_param, or on fewer columns"
        )
    for mean, rotation, scaling in zip(estimator.means_, estimator.rotations_, estimator.scalings_, strict=True):
        distance = graph.node("Sub", rows.value, graph.constant(np.asarray(mean, dtype=np.float64)))
        turned = graph.node("MatMul", distance, graph.constant(np.asarray(rotation * scaling**-0.5, dtype=np.float64)))
        each.append(graph.node("ReduceSumSquare", turned, graph.constant(np.array([1])), keepdims=1))
    sizes = np.array([np.log(scaling).sum() for scaling in estimator.scalings_])
    half = graph.node("Mul", graph.node("Concat", *each, axis=1), graph.constant(np.float64(-0.5)))
    likelihood = graph.node("Add", half, graph.constant(np.log(estimator.priors_) - 0.5 * sizes))
    scores = likelihood
    if len(each) == 2:
        scores = graph.node("MatMul", likelihood, graph.constant(np.array([[-1.0], [1.0]])))
    return _labelled(composer, likelihood)._replace(scores=scores)


def bernoulli(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write BernoulliNB._joint_log_likelihood of rows that are binarized first, if it says so."""
    name, given = rows.value, np.asarray(estimator.feature_log_prob_)
    if estimator.binarize is not None:
        name = write_binary(composer.graph, rows.compared_by(estimator), estimator.binarize)
    with np.errstate(divide="ignore", invalid="ignore"):
        absent = np.log(1 - np.exp(given))
        start = estimator.class_log_prior_ + absent.sum(axis=1)
    return _linear(composer, name, given - absent, start, estimator)


def multinomial(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write MultinomialNB._joint_log_likelihood."""
    return _linear(composer, rows.value, estimator.feature_log_prob_, estimator.class_log_prior_, estimator)


def complement(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write ComplementNB._joint_log_likelihood."""
    start = np.zeros(len(estimator.classes_))
    return _linear(composer, rows.value, estimator.feature_log_prob_, start, estimator)


def categorical(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write CategoricalNB._joint_log_likelihood: of each feature's number, cut to a whole one, a row of a table."""
    graph = composer.graph
    rows.compared_by(estimator)
    total = graph.constant(np.zeros(len(estimator.classes_)))
    for column, table in enumerate(estimator.feature_log_prob_):
        value = graph.node("Gather", rows.value, graph.constant(np.array([column])), axis=1)
        place = graph.node("Squeeze", graph.cast(value, np.int64), graph.constant(np.array([1])))
        known = graph.constant(np.ascontiguousarray(_finite(table, estimator).T))
        total = graph.node("Add", total, graph.node("Gather", known, place, axis=0))
    return _labelled(composer, graph.node("Add", total, graph.constant(_finite(estimator.class_log_prior_, estimator))))


def _linear(composer: Composer, rows: Value, weights: Any, start: Any, estimator: Any) -> Labelled:
    weights, start = _finite(weights, estimator), _finite(start, estimator)
    return _labelled(composer, write_affine(composer.graph, rows, weights, start))


def _labelled(composer: Composer, likelihood: Value) -> Labelled:
    index = composer.graph.node("ArgMax", likelihood, axis=1, keepdims=0, select_last_index=0)
    return Labelled(index, composer.graph.node("Softmax", likelihood, axis=1))


def _finite(logarithms: Any, estimator: Any) -> NDArray[np.float64]:
    """Return the logarithms; raise ConvertError for that of 0, which makes no number of a value that is 0."""
    values = np.asarray(logarithms, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ConvertError(
            f"{type(estimator).__name__} takes something for impossible, whose logarithm is no number: fit it with a"
            " larger alpha, or without priors of 0"
        )
    return values
