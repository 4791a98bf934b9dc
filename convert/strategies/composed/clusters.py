"""Clusterers, and nearest centroids: which centre a row is nearest to.

Squares are multiplied out as scikit-learn does, term by term: rows halfway between two centres fall to the same one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.extmath import row_norms

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.insides import Bisection
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.mixtures import DIGITS


def k_means(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write KMeans.predict: the least of |centre|^2 - 2 row · centre, the first of those."""
    return Labelled(_write_least(composer.graph, _write_terms(composer.graph, rows, estimator.cluster_centers_)), None)


def nearest(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write the predict of MeanShift and AffinityPropagation: sklearn.metrics.pairwise_distances_argmin."""
    return Labelled(_write_nearest(composer.graph, rows, estimator.cluster_centers_), None)


def birch(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write Birch.predict: the label of the nearest subcluster."""
    graph = composer.graph
    found = _write_nearest(graph, rows, estimator.subcluster_centers_)
    labels = graph.constant(np.asarray(estimator.subcluster_labels_, dtype=np.int64))
    return Labelled(graph.node("Gather", labels, found, axis=0), None)


def bisecting(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write BisectingKMeans.predict: at each split, the side whose centre is nearer, left where both are as near."""
    graph, root = composer.graph, insides.bisections(estimator)
    if not isinstance(root, Bisection):
        return k_means(composer, rows, estimator)
    label = _write_side(graph, rows, root)
    return Labelled(graph.node("Squeeze", label, graph.constant(np.array([1]))), None)


def _write_side(graph: Graph, rows: Columns, split: Bisection) -> Value:
    """Write the label behind a split, (n, 1) int64."""
    terms = _write_terms(graph, rows, split.centers)
    one, other = (graph.node("Gather", terms, graph.constant(np.array([side])), axis=1) for side in (0, 1))
    sides = [
        _write_side(graph, rows, side) if isinstance(side, Bisection) else graph.constant(np.int64(side))
        for side in (split.left, split.right)
    ]
    return graph.node("Where", graph.node("Less", other, one), sides[1], sides[0])


def nearest_centroid(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write NearestCentroid.predict and .predict_proba: where priors are equal, the two may contradict each other.

    Far off, the difference of two discriminant scores has lost its digits, and decision_function is not written.
    """
    if estimator.metric != "euclidean":
        raise ConvertError(
            f"NearestCentroid is written with metric='euclidean', not with {str(estimator.metric)[:50]!r}, whose"
            " distances tie: fit it with that"
        )
    graph = composer.graph
    scores = _write_discriminants(graph, rows, estimator)
    if np.isclose(estimator.class_prior_, 1 / len(estimator.classes_)).all():
        index = _write_nearest(graph, rows, estimator.centroids_)
    else:
        index = graph.node("ArgMax", scores, axis=1, keepdims=0, select_last_index=0)
    return Labelled(index, graph.node("Softmax", scores, axis=1))


def _write_discriminants(graph: Graph, rows: Columns, estimator: Any) -> Value:
    """Write NearestCentroid._decision_function, (n, classes), by differences."""
    spread = np.asarray(estimator.within_class_std_dev_, dtype=np.float64)
    scale = np.where(spread == 0, 1.0, spread)
    if not ((estimator.centroids_ / scale) ** 2).sum(axis=1).max() <= DIGITS:
        raise ConvertError(
            "NearestCentroid has columns whose numbers are large beside their spread within a class, and blows up what"
            " is rounded: fit it behind a StandardScaler, and a VarianceThreshold"
        )
    scaled = graph.node("Div", rows.value, graph.constant(scale))
    each = []
    for centroid in estimator.centroids_ / scale:
        apart = graph.node("Sub", scaled, graph.constant(centroid))
        each.append(graph.node("ReduceSumSquare", apart, graph.constant(np.array([1])), keepdims=1))
    priors = graph.constant(2.0 * np.log(estimator.class_prior_))
    return graph.node("Sub", priors, graph.node("Concat", *each, axis=1))


def _write_nearest(graph: Graph, rows: Columns, centers: Any) -> Value:
    """Write sklearn.metrics.pairwise_distances_argmin, (n,) int64: it adds |row|^2, in which small terms are lost."""
    own = graph.node("ReduceSumSquare", rows.value, graph.constant(np.array([1])), keepdims=1)
    centers = np.asarray(centers, dtype=np.float64)
    product = graph.node("MatMul", rows.value, graph.constant(-2.0 * centers.T))
    squares = graph.node("Add", graph.node("Add", own, product), graph.constant(_squared(centers)))
    return _write_least(graph, graph.node("Max", squares, graph.constant(np.float64(0))))


def _write_terms(graph: Graph, rows: Columns, centers: Any) -> Value:
    """Write what distances to `centers` differ by, (n, centers)."""
    centers = np.asarray(centers, dtype=np.float64)
    product = graph.node("MatMul", rows.value, graph.constant(-2.0 * centers.T))
    return graph.node("Add", product, graph.constant(_squared(centers)))


def _squared(centers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(row_norms(centers, squared=True), dtype=np.float64)


def _write_least(graph: Graph, distances: Value) -> Value:
    return graph.node("ArgMax", graph.node("Neg", distances), axis=1, keepdims=0, select_last_index=0)
