"""Isolation forests.

Reading is exact: thresholds and leaf values are the estimator's own float64 numbers, in the order in which
scikit-learn adds them up. Each reader names the method of scikit-learn 1.9 that it follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.floats import from_ordinal, ordinal
from convert.graph.answers import Labelled
from convert.graph.ensembles.reading import read_tree
from convert.graph.graph import Graph, Value
from convert.graph.heads import LabelHead
from convert.graph.trees import TreeEnsemble


def read(estimator: Any) -> TreeEnsemble:
    """Follow IsolationForest._compute_score_samples: the sum of the lengths of paths, to leaves and below."""
    trees = []
    for number, (member, features) in enumerate(
        zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    ):
        tree = read_tree(member.tree_, insides.isolation_depths(estimator, number)[:, np.newaxis])
        trees.append(replace(tree, feature=np.asarray(features)[np.where(tree.left == -1, 0, tree.feature)]))
    scale, offset = len(trees) * insides.isolation_scale(estimator), float(estimator.offset_)
    if scale == 0:
        raise ConvertError("IsolationForest was fitted on a single row: all rows are alike to it")

    def is_inlier(depth: float) -> bool:
        return bool(-(2 ** (-np.divide(np.full(64, depth), scale)))[0] - offset >= 0)

    low, high = (int(ordinal(np.float64(number))) for number in (-1.0, 1e9))
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_inlier(float(from_ordinal(np.int64(middle)))) else (middle, high)
    head = Depths(scale, offset, float(from_ordinal(np.int64(high))))
    return TreeEnsemble(tuple(trees), 1, None, None, float32=True, head=head)


@dataclass(frozen=True, slots=True)
class Depths(LabelHead):
    """The sum is that of a row's depths, judged by 2 ** (-sum / scale), negated, minus the offset.

    inlier: the smallest sum for which scikit-learn finds that not below 0.
    """

    scale: float
    offset: float
    inlier: float

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write IsolationForest.predict, by the sum that scikit-learn's own power cuts at, and decision_function."""
        inlier = graph.node("GreaterOrEqual", sums, graph.constant(np.float64(self.inlier)))
        flat = graph.node("Squeeze", graph.cast(inlier, np.int64), graph.constant(np.array([1])))
        share = graph.node("Neg", graph.node("Div", sums, graph.constant(np.float64(self.scale))))
        power = graph.node("Pow", graph.constant(np.float64(2)), share)
        offset = graph.constant(np.float64(self.offset))
        return Labelled(flat, None, graph.node("Sub", graph.node("Neg", power), offset))
