"""Histogram-based gradient boosting.

Reading is exact: thresholds and leaf values are the estimator's own float64 numbers, in the order in which
scikit-learn adds them up. Each reader names the method of scikit-learn 1.9 that it follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator import insides
from convert.graph.ensembles.reading import refuse_one_class
from convert.graph.heads import Exponential, Head, Sigmoid, Softmax, Sum
from convert.graph.trees import Tree, TreeEnsemble


def _read(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow BaseHistGradientBoosting._raw_predict, and TreePredictor.predict for the splits; rows stay in float64."""
    if estimator.is_categorical_ is not None and np.any(estimator.is_categorical_):
        raise ConvertError(
            f"{type(estimator).__name__} was fitted with categorical_features, whose splits are no thresholds: put a"
            " OneHotEncoder or OrdinalEncoder in front of it instead"
        )
    trees = tuple(
        _hist_tree(nodes, target) for stage in insides.histogram_stages(estimator) for target, nodes in enumerate(stage)
    )
    base = insides.histogram_start(estimator)
    return TreeEnsemble(trees, len(base), base, None, float32=False, head=head)


def _hist_tree(nodes: Any, target: int) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
        missing_left=nodes["missing_go_to_left"].astype(bool),
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
