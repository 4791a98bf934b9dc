"""Trees within an ensemble, and gradient boosting that starts from another estimator.

Of that the scores come first, then leaf by leaf, added up in scikit-learn's order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator.fitted import name_of
from convert.estimator.refused import LISTED
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.ensembles.table import read_trees
from convert.graph.graph import Graph, Value
from convert.graph.heads import write_label, write_value
from convert.graph.sums import write_sums
from convert.graph.tree_operator import Leaves, write_tree_ensemble
from convert.graph.trees import TreeEnsemble
from convert.strategies.composed.composer import Composer
from convert.strategies.single import apart_in_float32, starts_in_float32

TOO_FAR = 3e-7
"""How far off, in float32, what gradient boosting starts from may be: a third of what `verify` passes of such."""
EPSILON = float(np.finfo(np.float64).eps)


def classifier(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write an ensemble of trees."""
    ensemble = read_trees(estimator)
    if ensemble.init is None:
        sums = write_sums(composer.graph, *rows.split_by(composer.graph, estimator, ensemble))
    else:
        sums = _write_boosted_labels(composer, rows, estimator, ensemble)
    answer = write_label(composer.graph, sums, ensemble.head)
    return answer._replace(scores=None) if starts_in_float32(estimator) else answer  # a last bit of 1 moves them by 20


def regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write an ensemble of trees."""
    graph, ensemble = composer.graph, read_trees(estimator)
    if ensemble.init is None:
        sums = write_sums(graph, *rows.split_by(graph, estimator, ensemble))
        return write_value(graph, sums, ensemble.head)
    _check_apart(estimator)
    rows = _rounded(graph, rows, estimator)
    return _write_boosted_sums(graph, rows, composer.regressor(rows, estimator.init_), ensemble)


def _write_boosted_labels(composer: Composer, rows: Columns, estimator: Any, ensemble: TreeEnsemble) -> Value:
    """Write GradientBoostingClassifier._raw_predict."""
    graph, rows = composer.graph, _rounded(composer.graph, rows, estimator)
    answer = composer.classifier(rows, estimator.init_)
    if answer.probabilities is None or len(estimator.init_.classes_) != estimator.n_classes_:
        raise ConvertError(f"the probabilities of {type(estimator.init_).__name__} are not written: {LISTED}")
    shares = answer.probabilities
    if starts_in_float32(estimator):  # near 1 its steps are so large that logits jump
        _check_apart(estimator)
        shares = graph.cast(graph.cast(shares, np.float32), np.float64)
    return _write_boosted_sums(graph, rows, _write_link(graph, shares, estimator), ensemble)


def _check_apart(estimator: Any) -> None:
    """Raise ConvertError for gradient boosting that starts from what is far from the same in float64."""
    apart = apart_in_float32(estimator)
    if apart > TOO_FAR:
        raise ConvertError(
            f"{type(estimator).__name__} starts from init={name_of(estimator.init_)}, which scikit-learn computes in"
            f" float32, {apart:.0e} from what it is in float64: fit it with init=None, init='zero' or an ensemble of"
            " trees"
        )


def _rounded(graph: Graph, rows: Columns, estimator: Any) -> Columns:
    """Write the rows as float32 has them: that is what the estimator it starts from is given, in that type."""
    value = graph.cast(graph.cast(rows.compared_by(estimator), np.float32), np.float64)
    return rows.made(value).with_dtype("float32")


def _write_link(graph: Graph, probabilities: Value, estimator: Any) -> Value:
    """Write sklearn.ensemble._gb._init_raw_predictions: the link of the loss, (n, 1) or (n, classes)."""
    low, high = graph.constant(np.float64(EPSILON)), graph.constant(np.float64(1 - EPSILON))
    share = graph.node("Clip", probabilities, low, high)
    if estimator.n_classes_ > 2:
        logs = graph.node("Log", share)
        return graph.node("Sub", logs, graph.node("ReduceMean", logs, graph.constant(np.array([1])), keepdims=1))
    second = graph.node("Gather", share, graph.constant(np.array([1])), axis=1)
    odds = graph.node("Div", second, graph.node("Sub", graph.constant(np.float64(1)), second))
    logit = graph.node("Log", odds)
    return graph.node("Mul", logit, graph.constant(np.float64(0.5))) if estimator.loss == "exponential" else logit


def _write_boosted_sums(graph: Graph, rows: Columns, start: Value, ensemble: TreeEnsemble) -> Value:
    """Write `start` and the leaves of each sum's trees, added up from the first to the last: (n, sums)."""
    sums = []
    for target in range(ensemble.sums):
        trees = [tree for tree in ensemble.trees if tree.target == target]
        leaves = [Leaves(np.full(len(tree.left), place), tree.values[:, 0]) for place, tree in enumerate(trees)]
        each = write_tree_ensemble(graph, rows.value, len(rows.categories), trees, leaves, len(trees))
        first = graph.node("Gather", start, graph.constant(np.array([target])), axis=1)
        running = graph.node("CumSum", graph.node("Concat", first, each, axis=1), graph.constant(np.int64(1)))
        sums.append(graph.node("Gather", running, graph.constant(np.array([len(trees)])), axis=1))
    return graph.node("Concat", *sums, axis=1)
