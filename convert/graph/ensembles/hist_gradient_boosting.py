"""Histogram-based gradient boosting.

Reading is exact: thresholds and leaf values are the estimator's own float64 numbers, in the order in which
scikit-learn adds them up. Each reader names the method of scikit-learn 1.9 that it follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.estimator import histogram_insides
from convert.graph.ensembles.categories import SPLIT, CategorySplits
from convert.graph.ensembles.reading import refuse_one_class
from convert.graph.heads import Exponential, Head, Sigmoid, Softmax, Sum
from convert.graph.trees import Tree, TreeEnsemble


def _read(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow BaseHistGradientBoosting._raw_predict, and TreePredictor.predict for the splits; rows stay in float64."""
    splits = CategorySplits(estimator.n_features_in_)
    trees = tuple(
        _hist_tree(nodes, target, _numbered(nodes, sets, splits))
        for stage in histogram_insides.histogram_stages(estimator)
        for target, (nodes, sets) in enumerate(stage)
    )
    base = histogram_insides.histogram_start(estimator)
    return splits.placed(TreeEnsemble(trees, len(base), base, None, float32=False, head=head))


def _numbered(nodes: Any, sets: NDArray[np.bool_], splits: CategorySplits) -> NDArray[np.int64]:
    """Return what each node compares: a feature, or the column of a split by a set of categories.

    Numbers of categories are those of the encoder in front: where there is none, the row is missing.
    """
    numbers: NDArray[np.int64] = nodes["feature_idx"].astype(np.int64)
    for node in np.flatnonzero(nodes["is_categorical"] & ~nodes["is_leaf"]):
        missing = not nodes["missing_go_to_left"][node]
        goes_right = np.array([*~sets[nodes["bitset_idx"][node]], missing, missing])
        numbers[node] = splits.column(int(numbers[node]), goes_right)
    return numbers


def _hist_tree(nodes: Any, target: int, numbers: NDArray[np.int64]) -> Tree:
    leaf, by_set = nodes["is_leaf"].astype(bool), nodes["is_categorical"].astype(bool)
    return Tree(
        feature=numbers,
        threshold=np.where(by_set, SPLIT, nodes["num_threshold"].astype(np.float64)),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        missing_left=nodes["missing_go_to_left"].astype(bool) & ~by_set,
        values=nodes["value"].astype(np.float64).reshape(-1, 1),
        target=target,
    )


def read_classifier(estimator: Any) -> TreeEnsemble:
    """Follow HistGradientBoostingClassifier.predict: for two classes, 0 is the first one."""
    refuse_one_class(estimator)
    return _read(estimator, Softmax() if estimator.n_trees_per_iteration_ > 1 else Sigmoid(zero_is_second=False))


def read_regressor(estimator: Any) -> TreeEnsemble:
    """Follow HistGradientBoostingRegressor.predict: the inverse link of the raw sum."""
    return _read(estimator, Exponential() if estimator.loss in {"poisson", "gamma"} else Sum())
