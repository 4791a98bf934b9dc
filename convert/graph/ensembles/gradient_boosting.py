"""Gradient boosting.

Reading is exact: thresholds and leaf values are the estimator's own float64 numbers, in the order in which
scikit-learn adds them up. Each reader names the method of scikit-learn 1.9 that it follows.
"""

from __future__ import annotations

from typing import Any

from sklearn.dummy import DummyClassifier, DummyRegressor

from convert.errors import ConvertError
from convert.estimator import insides
from convert.graph.ensembles.reading import read_tree
from convert.graph.heads import Head, Sigmoid, Softmax, Sum
from convert.graph.trees import TreeEnsemble


def _read(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow BaseGradientBoosting._raw_predict: raw = init, then raw[:, k] += learning_rate * leaf, stage by stage."""
    if getattr(estimator.init_, "strategy", None) in {"stratified", "uniform"}:
        name = type(estimator).__name__
        raise ConvertError(f"{name} starts from a DummyClassifier that draws its answers at random: use init=None")
    trees = tuple(
        read_tree(member.tree_, estimator.learning_rate * member.tree_.value[:, 0, :], target)
        for stage in estimator.estimators_
        for target, member in enumerate(stage)
    )
    sums = estimator.n_trees_per_iteration_
    if not isinstance(estimator.init_, str | DummyClassifier | DummyRegressor):
        return TreeEnsemble(trees, sums, None, None, float32=True, head=head, init=estimator.init_)
    return TreeEnsemble(trees, sums, insides.boosting_start(estimator), None, float32=True, head=head)


def read_classifier(estimator: Any) -> TreeEnsemble:
    """Follow GradientBoostingClassifier.predict and the losses' predict_proba."""
    if estimator.n_classes_ > 2:
        return _read(estimator, Softmax())
    return _read(estimator, Sigmoid(zero_is_second=True, scale=2.0 if estimator.loss == "exponential" else 1.0))


def read_regressor(estimator: Any) -> TreeEnsemble:
    """Follow GradientBoostingRegressor.predict."""
    return _read(estimator, Sum())
