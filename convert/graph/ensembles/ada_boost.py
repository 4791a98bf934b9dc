"""AdaBoost on trees.

Reading is exact: thresholds and leaf values are the estimator's own float64 numbers, in the order in which
scikit-learn adds them up. Each reader names the method of scikit-learn 1.9 that it follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from convert.estimator.features import Floats
from convert.graph.answers import Labelled
from convert.graph.ensembles.reading import read_tree, refuse_one_class, refuse_other_members
from convert.graph.graph import Graph, Value
from convert.graph.heads import LabelHead, ValueHead, write_argmax
from convert.graph.trees import TreeEnsemble


def read_classifier(estimator: Any) -> TreeEnsemble:
    """Follow AdaBoostClassifier.decision_function: each tree votes w for its class, -w / (classes - 1) for the rest."""
    refuse_one_class(estimator)
    classes = estimator.classes_
    trees = []
    for member, weight in zip(estimator.estimators_, estimator.estimator_weights_, strict=False):
        refuse_other_members(estimator, member, DecisionTreeClassifier)
        predicted = member.classes_[member.tree_.value[:, 0, :].argmax(axis=1)]
        votes = np.where(predicted[:, np.newaxis] == classes, weight, -1 / (len(classes) - 1) * weight)
        trees.append(read_tree(member.tree_, votes))
    divisor = float(estimator.estimator_weights_.sum())
    return TreeEnsemble(tuple(trees), len(classes), None, divisor, float32=True, head=Votes(len(classes)))


def read_regressor(estimator: Any) -> TreeEnsemble:
    """Follow AdaBoostRegressor._get_median_predict: the weighted median of the trees' values."""
    trees = []
    for target, member in enumerate(estimator.estimators_):
        refuse_other_members(estimator, member, DecisionTreeRegressor)
        trees.append(read_tree(member.tree_, member.tree_.value[:, 0, :], target))
    weights = np.asarray(estimator.estimator_weights_[: len(trees)], dtype=np.float64)
    return TreeEnsemble(tuple(trees), len(trees), None, None, float32=True, head=WeightedMedian(weights))


@dataclass(frozen=True, slots=True)
class Votes(LabelHead):
    """The sums are the weighted votes for each of the `classes`."""

    classes: int

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write AdaBoostClassifier.predict and ._compute_proba_from_decision."""
        if self.classes > 2:
            scaled = graph.node("Div", sums, graph.constant(np.float64(self.classes - 1)))
            return Labelled(write_argmax(graph, sums), graph.node("Softmax", scaled, axis=1), sums)
        signs = graph.constant(np.array([-1.0, 1.0]))
        decision = graph.node("ReduceSum", graph.node("Mul", sums, signs), graph.constant(np.array([1])), keepdims=1)
        positive = graph.node("Greater", decision, graph.constant(np.float64(0)))
        halves = graph.node("Div", graph.node("Mul", decision, signs), graph.constant(np.float64(2)))
        flat = graph.node("Squeeze", graph.cast(positive, np.int64), graph.constant(np.array([1])))
        return Labelled(flat, graph.node("Softmax", halves, axis=1), decision)


@dataclass(frozen=True, slots=True)
class WeightedMedian(ValueHead):
    """The sums are the trees' values, each of the weight in `weights`, (trees,) float64."""

    weights: Floats

    def write(self, graph: Graph, sums: Value) -> Value:
        """Write AdaBoostRegressor._get_median_predict: the first value to reach half of the weight."""
        ordered, order = graph.top(sums, len(self.weights))
        weights = graph.node("Gather", graph.constant(self.weights), order, axis=0)
        running = graph.node("CumSum", weights, graph.constant(np.int64(1)))
        total = graph.node("Gather", running, graph.constant(np.array([len(self.weights) - 1])), axis=1)
        half = graph.node("Mul", total, graph.constant(np.float64(0.5)))
        reached = graph.cast(graph.node("GreaterOrEqual", running, half), np.int64)
        first = graph.node("ArgMax", reached, axis=1, keepdims=1, select_last_index=0)
        return graph.node("GatherElements", ordered, first, axis=1)
