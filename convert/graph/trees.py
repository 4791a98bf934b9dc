"""Tree ensembles as plain data: what the strategies write graphs from, and nothing of scikit-learn's classes.

Reading is exact: thresholds and leaf values are the estimator's own float64 numbers, in the order in which
scikit-learn adds them up. Each reader names the method of scikit-learn 1.9 that it follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.ensemble._iforest import _average_path_length
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from convert.errors import ConvertError
from convert.estimator.floats import from_ordinal, ordinal

type Floats = NDArray[np.float64]
type Head = Literal[
    "value",
    "exp",
    "median",
    "probabilities",
    "sigmoid>=0",
    "sigmoid>0",
    "sigmoid2>=0",
    "softmax",
    "adaboost",
    "isolation",
]
"""How raw sums become the estimator's answer; `convert/graph/heads.py` has one writer for each."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A binary tree of n nodes, the root first: a row goes left where its feature is at or below the threshold.

    feature, left, right: (n,) int64; left and right are -1 at leaves.
    threshold: (n,) float64.
    missing_left: (n,) bool, whether NaN goes left.
    values: (n, outputs) float64, what a leaf adds; of no meaning elsewhere.
    target: the raw sum that a tree with one output adds to.
    """

    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    values: Floats
    target: int = 0


class IsolationDepths(NamedTuple):
    """How an isolation forest judges the sum of a row's depths: 2 ** (-sum / scale), negated, minus the offset.

    inlier: the smallest sum for which scikit-learn finds that not below 0.
    """

    scale: float
    offset: float
    inlier: float


@dataclass(frozen=True, slots=True)
class TreeEnsemble:
    """Trees whose leaves add up to raw sums, from left to right, starting at `base`.

    base: (sums,) float64, what the sums start with; None for zero.
    divisor: what the sums are divided by in the end; None for nothing.
    float32: whether rows are rounded to float32 before they are compared with thresholds.
    head: how the sums become the answer.
    weights: (trees,) float64, for the weighted median only.
    depths: for the isolation forest only.
    init: the estimator whose answer the sums start with, instead of `base`.
    """

    trees: tuple[Tree, ...]
    sums: int
    base: Floats | None
    divisor: float | None
    float32: bool
    head: Head
    weights: Floats | None = None
    depths: IsolationDepths | None = None
    init: Any = None

    @property
    def one_output(self) -> bool:
        """Whether each leaf adds to one sum only."""
        return bool(self.trees[0].values.shape[1] == 1)

    def thresholds(self, features: int) -> list[Floats]:
        """Return, for each of the `features`, the sorted distinct thresholds."""
        found: list[list[Floats]] = [[] for _ in range(features)]
        for tree in self.trees:
            inner = tree.left != -1
            for feature in np.unique(tree.feature[inner]):
                found[feature].append(tree.threshold[inner & (tree.feature == feature)])
        return [np.unique(np.concatenate(parts)) if parts else np.empty(0) for parts in found]


def read_whole(estimator: Any) -> TreeEnsemble:
    """Return the estimator's trees, as `read_trees` does; raise ConvertError if there is more to it than those."""
    ensemble = read_trees(estimator)
    if ensemble.init is not None:
        raise ConvertError(f"it starts from init={type(ensemble.init).__name__}, whose answer varies with the row")
    return ensemble


def read_trees(estimator: Any) -> TreeEnsemble:
    """Return the estimator's trees; raise ConvertError for one that is not made of trees, or not of known ones."""
    reader = READERS.get(type(estimator))
    if reader is None:
        raise ConvertError(f"{type(estimator).__name__} is not an ensemble of trees")
    return reader(estimator)


def _tree(tree: Any, values: Floats, target: int = 0) -> Tree:
    """Return scikit-learn's `Tree` with `values` (nodes, outputs) on its leaves."""
    return Tree(
        feature=tree.feature.astype(np.int64),
        threshold=tree.threshold,
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        missing_left=tree.missing_go_to_left.astype(bool),
        values=values,
        target=target,
    )


def _gradient_boosting(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow BaseGradientBoosting._raw_predict: raw = init, then raw[:, k] += learning_rate * leaf, stage by stage."""
    if getattr(estimator.init_, "strategy", None) in {"stratified", "uniform"}:
        name = type(estimator).__name__
        raise ConvertError(f"{name} starts from a DummyClassifier that draws its answers at random: use init=None")
    trees = tuple(
        _tree(member.tree_, estimator.learning_rate * member.tree_.value[:, 0, :], target)
        for stage in estimator.estimators_
        for target, member in enumerate(stage)
    )
    sums = estimator.n_trees_per_iteration_
    if not isinstance(estimator.init_, str | DummyClassifier | DummyRegressor):
        return TreeEnsemble(trees, sums, None, None, float32=True, head=head, init=estimator.init_)
    [base] = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32))
    return TreeEnsemble(trees, sums, np.asarray(base, dtype=np.float64), None, float32=True, head=head)


def _gradient_boosting_classifier(estimator: Any) -> TreeEnsemble:
    """Follow GradientBoostingClassifier.predict and the losses' predict_proba."""
    if estimator.n_classes_ > 2:
        return _gradient_boosting(estimator, "softmax")
    return _gradient_boosting(estimator, "sigmoid2>=0" if estimator.loss == "exponential" else "sigmoid>=0")


def _gradient_boosting_regressor(estimator: Any) -> TreeEnsemble:
    return _gradient_boosting(estimator, "value")


def _hist_gradient_boosting(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow BaseHistGradientBoosting._raw_predict, and TreePredictor.predict for the splits; rows stay in float64."""
    if estimator.is_categorical_ is not None and np.any(estimator.is_categorical_):
        raise ConvertError(
            f"{type(estimator).__name__} was fitted with categorical_features, whose splits are no thresholds: put a"
            " OneHotEncoder or OrdinalEncoder in front of it instead"
        )
    trees = tuple(
        _hist_tree(predictor.nodes, target) for stage in estimator._predictors for target, predictor in enumerate(stage)
    )
    base = np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(-1)
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


def _hist_gradient_boosting_classifier(estimator: Any) -> TreeEnsemble:
    """Follow HistGradientBoostingClassifier.predict: for two classes, 0 is the first one."""
    _refuse_one_class(estimator)
    return _hist_gradient_boosting(estimator, "softmax" if estimator.n_trees_per_iteration_ > 1 else "sigmoid>0")


def _hist_gradient_boosting_regressor(estimator: Any) -> TreeEnsemble:
    """Follow HistGradientBoostingRegressor.predict: the inverse link of the raw sum."""
    return _hist_gradient_boosting(estimator, "exp" if estimator.loss in {"poisson", "gamma"} else "value")


def _forest(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow ForestClassifier.predict_proba and ForestRegressor.predict: the trees' sum, divided by their number."""
    _refuse_several_outputs(estimator)
    trees = tuple(_tree(member.tree_, member.tree_.value[:, 0, :]) for member in estimator.estimators_)
    return TreeEnsemble(trees, trees[0].values.shape[1], None, float(len(trees)), float32=True, head=head)


def _forest_classifier(estimator: Any) -> TreeEnsemble:
    return _forest(estimator, "probabilities")


def _forest_regressor(estimator: Any) -> TreeEnsemble:
    return _forest(estimator, "value")


def _decision_tree(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow BaseDecisionTree.predict and DecisionTreeClassifier.predict_proba."""
    _refuse_several_outputs(estimator)
    tree = _tree(estimator.tree_, estimator.tree_.value[:, 0, :])
    return TreeEnsemble((tree,), tree.values.shape[1], None, None, float32=True, head=head)


def _decision_tree_classifier(estimator: Any) -> TreeEnsemble:
    return _decision_tree(estimator, "probabilities")


def _decision_tree_regressor(estimator: Any) -> TreeEnsemble:
    return _decision_tree(estimator, "value")


def _ada_boost_classifier(estimator: Any) -> TreeEnsemble:
    """Follow AdaBoostClassifier.decision_function: each tree votes w for its class, -w / (classes - 1) for the rest."""
    _refuse_one_class(estimator)
    classes = estimator.classes_
    trees = []
    for member, weight in zip(estimator.estimators_, estimator.estimator_weights_, strict=False):
        _refuse_other_members(estimator, member, DecisionTreeClassifier)
        predicted = member.classes_[member.tree_.value[:, 0, :].argmax(axis=1)]
        votes = np.where(predicted[:, np.newaxis] == classes, weight, -1 / (len(classes) - 1) * weight)
        trees.append(_tree(member.tree_, votes))
    divisor = float(estimator.estimator_weights_.sum())
    return TreeEnsemble(tuple(trees), len(classes), None, divisor, float32=True, head="adaboost")


def _ada_boost_regressor(estimator: Any) -> TreeEnsemble:
    """Follow AdaBoostRegressor._get_median_predict: the weighted median of the trees' values."""
    trees = []
    for target, member in enumerate(estimator.estimators_):
        _refuse_other_members(estimator, member, DecisionTreeRegressor)
        trees.append(_tree(member.tree_, member.tree_.value[:, 0, :], target))
    weights = np.asarray(estimator.estimator_weights_[: len(trees)], dtype=np.float64)
    return TreeEnsemble(tuple(trees), len(trees), None, None, float32=True, head="median", weights=weights)


def _isolation_forest(estimator: Any) -> TreeEnsemble:
    """Follow IsolationForest._compute_score_samples: the sum of the lengths of paths, to leaves and below."""
    trees = []
    for number, (member, features) in enumerate(
        zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    ):
        lengths = estimator._decision_path_lengths[number] + estimator._average_path_length_per_tree[number] - 1.0
        tree = _tree(member.tree_, np.asarray(lengths, dtype=np.float64)[:, np.newaxis])
        trees.append(replace(tree, feature=np.where(tree.left == -1, 0, np.asarray(features)[tree.feature])))
    [average] = _average_path_length([estimator._max_samples])
    scale, offset = len(trees) * float(average), float(estimator.offset_)
    if scale == 0:
        raise ConvertError("IsolationForest was fitted on a single row: all rows are alike to it")

    def is_inlier(depth: float) -> bool:
        return bool(-(2 ** (-np.divide(np.full(64, depth), scale)))[0] - offset >= 0)

    low, high = (int(ordinal(np.float64(number))) for number in (-1.0, 1e9))
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_inlier(float(from_ordinal(np.int64(middle)))) else (middle, high)
    depths = IsolationDepths(scale, offset, float(from_ordinal(np.int64(high))))
    return TreeEnsemble(tuple(trees), 1, None, None, float32=True, head="isolation", depths=depths)


def _refuse_other_members(estimator: Any, member: Any, expected: type) -> None:
    if not isinstance(member, expected):
        raise ConvertError(
            f"{type(estimator).__name__} boosts {type(member).__name__}; it converts when it boosts {expected.__name__}"
        )


def _refuse_one_class(estimator: Any) -> None:
    if len(estimator.classes_) < 2:
        raise ConvertError(f"this {type(estimator).__name__} has seen one class only, {estimator.classes_.tolist()}")


def _refuse_several_outputs(estimator: Any) -> None:
    if estimator.n_outputs_ != 1:
        raise ConvertError(f"this {type(estimator).__name__} has several outputs; fit one estimator for each")


READERS: dict[type, Callable[[Any], TreeEnsemble]] = {
    GradientBoostingClassifier: _gradient_boosting_classifier,
    GradientBoostingRegressor: _gradient_boosting_regressor,
    HistGradientBoostingClassifier: _hist_gradient_boosting_classifier,
    HistGradientBoostingRegressor: _hist_gradient_boosting_regressor,
    RandomForestClassifier: _forest_classifier,
    RandomForestRegressor: _forest_regressor,
    ExtraTreesClassifier: _forest_classifier,
    ExtraTreesRegressor: _forest_regressor,
    DecisionTreeClassifier: _decision_tree_classifier,
    DecisionTreeRegressor: _decision_tree_regressor,
    ExtraTreeClassifier: _decision_tree_classifier,
    ExtraTreeRegressor: _decision_tree_regressor,
    AdaBoostClassifier: _ada_boost_classifier,
    AdaBoostRegressor: _ada_boost_regressor,
    IsolationForest: _isolation_forest,
}
"""The reader of each estimator that is made of trees."""
