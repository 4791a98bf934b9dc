"""Raw sums become label and probabilities, or a value: one writer for each way that scikit-learn goes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convert.errors import ConvertError
from convert.graph.answers import Labelled
from convert.graph.graph import Graph
from convert.graph.trees import Head, TreeEnsemble


def write_value(graph: Graph, sums: str, ensemble: TreeEnsemble) -> str:
    """Write the value of a regression, (n, 1) float64."""
    if ensemble.head == "exp":
        return graph.node("Exp", sums)
    if ensemble.head == "median":
        return _write_median(graph, sums, ensemble)
    return sums


def write_label(graph: Graph, sums: str, ensemble: TreeEnsemble) -> Labelled:
    """Write the answer of a classification; raise ConvertError for a head that has none."""
    writer = LABEL_WRITERS.get(ensemble.head)
    if writer is None:
        raise ConvertError(f"{ensemble.head} is not how a classifier answers")
    return writer(graph, sums, ensemble)


def _write_median(graph: Graph, values: str, ensemble: TreeEnsemble) -> str:
    """Write AdaBoostRegressor._get_median_predict for `values`, (n, trees): the first to reach half of the weight."""
    ordered, order = graph.top(values, ensemble.sums)
    weights = graph.node("Gather", graph.constant(ensemble.weights), order, axis=0)
    running = graph.node("CumSum", weights, graph.constant(np.int64(1)))
    total = graph.node("Gather", running, graph.constant(np.array([ensemble.sums - 1])), axis=1)
    half = graph.node("Mul", total, graph.constant(np.float64(0.5)))
    reached = graph.cast(graph.node("GreaterOrEqual", running, half), np.int64)
    first = graph.node("ArgMax", reached, axis=1, keepdims=1, select_last_index=0)
    return graph.node("GatherElements", ordered, first, axis=1)


def _write_argmax(graph: Graph, scores: str) -> str:
    """Write the first of the largest, as numpy's argmax."""
    return graph.node("ArgMax", scores, axis=1, keepdims=0, select_last_index=0)


def _write_probabilities(graph: Graph, sums: str, ensemble: TreeEnsemble) -> Labelled:
    return Labelled(_write_argmax(graph, sums), sums)


def _write_softmax(graph: Graph, sums: str, ensemble: TreeEnsemble) -> Labelled:
    return Labelled(_write_argmax(graph, sums), graph.node("Softmax", sums, axis=1), sums)


def _write_sigmoid(graph: Graph, sums: str, ensemble: TreeEnsemble) -> Labelled:
    """Write the two classes of a single raw sum s, (n, 1): the sigmoids of -s and s; s >= 0 is s >= -s."""
    scale = 2.0 if ensemble.head.startswith("sigmoid2") else 1.0
    logits = graph.node("Mul", sums, graph.constant(np.array([-scale, scale])))
    last = int(ensemble.head.endswith(">=0"))
    index = graph.node("ArgMax", logits, axis=1, keepdims=0, select_last_index=last)
    return Labelled(index, graph.node("Sigmoid", logits), sums)


def _write_ada_boost(graph: Graph, sums: str, ensemble: TreeEnsemble) -> Labelled:
    """Write AdaBoostClassifier.predict and ._compute_proba_from_decision."""
    if ensemble.sums > 2:
        scaled = graph.node("Div", sums, graph.constant(np.float64(ensemble.sums - 1)))
        return Labelled(_write_argmax(graph, sums), graph.node("Softmax", scaled, axis=1), sums)
    signs = graph.constant(np.array([-1.0, 1.0]))
    decision = graph.node("ReduceSum", graph.node("Mul", sums, signs), graph.constant(np.array([1])), keepdims=1)
    positive = graph.node("Greater", decision, graph.constant(np.float64(0)))
    halves = graph.node("Div", graph.node("Mul", decision, signs), graph.constant(np.float64(2)))
    flat = graph.node("Squeeze", graph.cast(positive, np.int64), graph.constant(np.array([1])))
    return Labelled(flat, graph.node("Softmax", halves, axis=1), decision)


def _write_isolation(graph: Graph, sums: str, ensemble: TreeEnsemble) -> Labelled:
    """Write IsolationForest.predict, by the sum that scikit-learn's own power of 2 cuts at, and decision_function."""
    if ensemble.depths is None:
        raise ConvertError("an isolation forest has depths")
    inlier = graph.node("GreaterOrEqual", sums, graph.constant(np.float64(ensemble.depths.inlier)))
    flat = graph.node("Squeeze", graph.cast(inlier, np.int64), graph.constant(np.array([1])))
    share = graph.node("Neg", graph.node("Div", sums, graph.constant(np.float64(ensemble.depths.scale))))
    power = graph.node("Pow", graph.constant(np.float64(2)), share)
    offset = graph.constant(np.float64(ensemble.depths.offset))
    return Labelled(flat, None, graph.node("Sub", graph.node("Neg", power), offset))


LABEL_WRITERS: dict[Head, Callable[[Graph, str, TreeEnsemble], Labelled]] = {
    "probabilities": _write_probabilities,
    "softmax": _write_softmax,
    "sigmoid>=0": _write_sigmoid,
    "sigmoid>0": _write_sigmoid,
    "sigmoid2>=0": _write_sigmoid,
    "adaboost": _write_ada_boost,
    "isolation": _write_isolation,
}
