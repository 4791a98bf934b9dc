"""A limit of a probability, pulled back to the raw score that the probability is made of.

An exponential of onnxruntime differs from scikit-learn's in its last bit, and a score that is at the limit would be on
the other side. So scikit-learn's own function is asked, of the very scores between which it crosses the limit, and the
graph compares the score, whose bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

from convert.estimator import insides
from convert.estimator.features import Floats
from convert.estimator.floats import from_ordinal, ordinal
from convert.graph.graph import Graph, Value

type Reached = Callable[[Floats], NDArray[np.bool_]]
"""Whether the probability that is made of each raw score, (n,), is at the limit or above: (n,)."""

LARGEST = 1e300
STEPS = 4096
"""How many scores to either side of a crossing are asked: a function that is rounded may cross back."""


class Cuts(NamedTuple):
    """Where the answer changes as scores grow: what it is below all, and at or above each of sorted `scores` next."""

    below: bool
    scores: Floats


def shares_of(estimator: Any) -> Callable[[Floats], Floats] | None:
    """Return what makes of raw scores, (n,), the probabilities of both classes, (n, 2), as scikit-learn does.

    None for an estimator of which no such function is known.
    """
    if type(estimator) in {GradientBoostingClassifier, HistGradientBoostingClassifier}:
        return lambda scores: insides.boosted_shares(estimator, scores)
    if type(estimator) is AdaBoostClassifier:
        return lambda scores: insides.voted_shares(estimator, scores)
    if type(estimator) in {LogisticRegression, LogisticRegressionCV}:
        return _logistic
    return None


def _logistic(scores: Floats) -> Floats:
    """Follow LinearClassifierMixin._predict_proba_lr."""
    second = expit(scores)
    return np.stack([1 - second, second], axis=1)


def cuts_of(reached: Reached) -> Cuts:
    """Return the cuts of a function that is the same far off to either side, and changes in one narrow place."""
    ends = ordinal(np.array([-LARGEST, LARGEST]))
    low, high = (int(end) for end in ends)
    below, above = reached(from_ordinal(ends)).tolist()
    if below == above:
        return Cuts(below, np.empty(0))
    while low + 1 < high:
        middle = (low + high) // 2
        same = bool(reached(from_ordinal(np.array([middle])))[0]) == below
        low, high = (middle, high) if same else (low, middle)
    scores = from_ordinal(np.arange(high - STEPS, high + STEPS))
    turns = np.flatnonzero(np.diff(reached(scores))) + 1
    return Cuts(below, scores[turns])


def write_reached(graph: Graph, scores: Value, cuts: Cuts) -> Value:
    """Write whether the limit is reached, (n, 1) int64, for raw scores (n, 1)."""
    if not len(cuts.scores):
        beyond = graph.constant(np.float64(-np.inf if cuts.below else np.inf))
        return graph.cast(graph.node("Greater", scores, beyond), np.int64)
    above = graph.cast(graph.node("GreaterOrEqual", scores, graph.constant(cuts.scores)), np.float64)
    signs = np.where(np.arange(len(cuts.scores)) % 2 == int(cuts.below), 1.0, -1.0)
    steps = graph.node("Mul", above, graph.constant(signs))
    turned = graph.node("ReduceSum", steps, graph.constant(np.array([1])), keepdims=1)
    return graph.cast(graph.node("Add", turned, graph.constant(np.float64(cuts.below))), np.int64)
