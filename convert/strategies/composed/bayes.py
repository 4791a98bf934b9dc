"""Naive Bayes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convert.columns import Columns
from convert.strategies.answers import Labelled

if TYPE_CHECKING:
    from convert.strategies.composed.composer import Composer


def gaussian(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write GaussianNB._joint_log_likelihood, and _BaseNB.predict_proba as a softmax of it."""
    graph = composer.graph
    wide = graph.node("Unsqueeze", rows.name, graph.constant(np.array([1])))
    distance = graph.node("Sub", wide, graph.constant(estimator.theta_))
    squares = graph.node("Div", graph.node("Mul", distance, distance), graph.constant(estimator.var_))
    total = graph.node("ReduceSum", squares, graph.constant(np.array([2])), keepdims=0)
    start = np.log(estimator.class_prior_) - 0.5 * np.log(2.0 * np.pi * estimator.var_).sum(axis=1)
    half = graph.node("Mul", total, graph.constant(np.float64(-0.5)))
    likelihood = graph.node("Add", half, graph.constant(start))
    index = graph.node("ArgMax", likelihood, axis=1, keepdims=0, select_last_index=0)
    return Labelled(index, graph.node("Softmax", likelihood, axis=1))
