"""Gaussian mixtures, and the ellipse around most rows: distances in the measure of covariances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator import insides
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer

DIGITS = 4e6
"""How large a term may be, as part of what is left when it is subtracted: 1e-16 of it is blown up as much."""
TURNED = 10
"""How many times what is left the difference of two turned rows is, as it is squared afterwards."""
EQUAL = 1e-6
"""By what part numbers differ at the most that are taken to be equal."""
HARDLY = 1e5
"""Up to which variance digits are lost where a value is a million off."""


def mixture(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write BaseMixture.predict and .predict_proba: the logarithm of each weighted density, and their shares."""
    check_varies(_variances(estimator), estimator.means_, estimator.reg_covar, estimator, "with a larger reg_covar")
    graph, kind = composer.graph, estimator.covariance_type
    write = _write_whole if kind in {"full", "tied"} else _write_by_column
    distances = write(graph, rows, estimator)
    half = graph.node("Mul", distances, graph.constant(np.float64(-0.5)))
    densities = graph.node("Add", half, graph.constant(insides.mixture_constants(estimator)))
    index = graph.node("ArgMax", densities, axis=1, keepdims=0, select_last_index=0)
    return Labelled(index, _write_shares(graph, densities))


def _write_shares(graph: Graph, densities: Value) -> Value:
    """Write the exponential of each less their logsumexp, as scikit-learn does: far off, shares add up to more than 1.

    There the logarithm of how many components are equally likely is lost beside a density of -1e20.
    """
    axis = graph.constant(np.array([1]))
    largest = graph.node("ReduceMax", densities, axis, keepdims=1)
    total = graph.node("ReduceSum", graph.node("Exp", graph.node("Sub", densities, largest)), axis, keepdims=1)
    logarithm = graph.node("Add", largest, graph.node("Log", total))
    return graph.node("Exp", graph.node("Sub", densities, logarithm))


def envelope(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write EllipticEnvelope.predict, where 0 is an inlier, and .decision_function: less the squared distance."""
    graph, precision = composer.graph, np.asarray(estimator.get_precision(), dtype=np.float64)
    size = np.sqrt(np.diagonal(precision))
    if not np.linalg.cond(precision / size / size[:, np.newaxis]) <= DIGITS:
        raise ConvertError(
            "EllipticEnvelope has columns that are sums of others, or never vary, and blows up what is rounded: fit it"
            " without them (OneHotEncoder(drop='first'), VarianceThreshold)"
        )
    apart = graph.node("Sub", rows.value, graph.constant(np.asarray(estimator.location_, dtype=np.float64)))
    turned = graph.node("MatMul", apart, graph.constant(precision))
    axis = graph.constant(np.array([1]))
    distance = graph.node("ReduceSum", graph.node("Mul", turned, apart), axis, keepdims=1)
    scores = graph.node("Sub", graph.node("Neg", distance), graph.constant(np.float64(estimator.offset_)))
    inlier = graph.cast(graph.node("GreaterOrEqual", scores, graph.constant(np.float64(0))), np.int64)
    return Labelled(graph.node("Squeeze", inlier, axis), None, scores)


def _write_whole(graph: Graph, rows: Columns, estimator: Any) -> Value:
    """Write squared distances, (n, components), of covariance matrices: one for each component, or one for all."""
    factors = np.asarray(estimator.precisions_cholesky_)
    factors = np.broadcast_to(factors, (len(estimator.means_), *factors.shape[-2:]))
    each = []
    for mean, factor in zip(estimator.means_, factors, strict=True):
        _check_digits((np.abs(mean) @ np.abs(factor)).max() * TURNED, estimator)
        turned = graph.node("MatMul", rows.value, _constant(graph, factor))
        apart = graph.node("Sub", turned, _constant(graph, mean @ factor))
        each.append(graph.node("ReduceSumSquare", apart, graph.constant(np.array([1])), keepdims=1))
    return graph.node("Concat", *each, axis=1)


def _write_by_column(graph: Graph, rows: Columns, estimator: Any) -> Value:
    """Write squared distances, (n, components), of variances: of each column, or one for all; multiplied out."""
    means, precisions = estimator.means_, np.asarray(estimator.precisions_cholesky_) ** 2
    if estimator.covariance_type == "diag":
        start, weights = (means**2 * precisions).sum(axis=1), means * precisions
    else:
        start = (means**2).sum(axis=1) * precisions
        precisions = np.repeat(precisions[:, np.newaxis], means.shape[1], axis=1)
        weights = means.astype(np.float64) * precisions
    _check_digits(start.max(), estimator)
    product = graph.node("MatMul", rows.value, _constant(graph, -2.0 * weights.T))
    squares = graph.node("MatMul", graph.node("Mul", rows.value, rows.value), _constant(graph, precisions.T))
    return graph.node("Add", graph.node("Add", product, _constant(graph, start)), squares)


def _constant(graph: Graph, values: Any) -> Value:
    """Write numbers that were computed in the precision of the estimator's own."""
    return graph.constant(np.ascontiguousarray(values, dtype=np.float64))


def _variances(estimator: Any) -> NDArray[Any]:
    """Return the variances of a mixture's components, (components, columns), or one column for all."""
    covariances = np.asarray(estimator.covariances_)
    if estimator.covariance_type in {"full", "tied"}:
        covariances = np.diagonal(covariances, axis1=-2, axis2=-1)
    return covariances.reshape(-1, 1 if estimator.covariance_type == "spherical" else estimator.means_.shape[1])


def check_varies(variances: NDArray[Any], centers: NDArray[Any], added: float, estimator: Any, advice: str) -> None:
    """Raise ConvertError for a column of one value, whose variances are 0, but for what was `added` to them.

    Divided by them, what a row is apart from that value is all that counts, alike for all classes, and what tells them
    from each other is lost.
    """
    if added > HARDLY or len(centers) < 2:
        return
    alone = np.ptp(centers, axis=0) <= EQUAL * np.abs(centers).max(axis=0)
    if (alone & (variances.max(axis=0) <= (1 + EQUAL) * added)).any():
        raise ConvertError(
            f"{type(estimator).__name__} has a column that hardly varies in the training rows, and answers noise where"
            f" it does: fit it without, behind a VarianceThreshold, or {advice}"
        )


def _check_digits(size: Any, estimator: Any) -> None:
    """Raise ConvertError where so large terms are subtracted that rounding is blown up."""
    if not size <= DIGITS:
        raise ConvertError(
            f"{type(estimator).__name__} has columns whose numbers are large beside their spread, and blows up what is"
            " rounded: fit it behind a StandardScaler, or with a larger reg_covar"
        )
