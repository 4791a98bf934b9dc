"""XGBoost's ensembles, read from the JSON that is its own format for files.

XGBoost computes in float32: rows are rounded to it, and so is each sum on the way. The tree operator adds up in float32
and in the same order, too; what comes behind is computed in float64 and rounded to float32 after each step, which for
a single addition or division is the same. Each function names the one of XGBoost 3.4 that it follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator import booster_insides
from convert.estimator.features import Floats
from convert.graph.answers import Labelled
from convert.graph.ensembles.categories import SPLIT, CategorySplits
from convert.graph.ensembles.reading import refuse_one_class
from convert.graph.graph import Graph, Value
from convert.graph.heads import Head, LabelHead, Sum, ValueHead, write_argmax
from convert.graph.trees import Blank, Tree, TreeEnsemble

LARGEST_POWER = float(np.float32(88.7))
"""Up to here ``Sigmoid``, src/common/math.h, takes the exponential."""
PLAIN_VALUES = (
    *("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror"),
    "binary:logitraw",
)
EXPONENTIALS = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")


def read_classifier(estimator: Any) -> TreeEnsemble:
    """Follow XGBClassifier.predict and .predict_proba."""
    refuse_one_class(estimator)
    model = _Model.of(estimator)
    heads: dict[tuple[str, bool], LabelHead] = {
        ("binary:logistic", True): Logistic(),
        ("multi:softprob", False): LargestShare(),
    }
    head = heads.get((model.objective, len(estimator.classes_) == 2))
    if head is None:
        raise model.other_objective("binary:logistic or multi:softprob")
    return model.ensemble(estimator, head)


def read_regressor(estimator: Any) -> TreeEnsemble:
    """Follow XGBRegressor.predict, and the objectives' PredTransform."""
    model = _Model.of(estimator)
    if model.objective in PLAIN_VALUES:
        return model.ensemble(estimator, Sum())
    if model.objective in EXPONENTIALS:
        return model.ensemble(estimator, RoundedExponential())
    if model.objective in {"reg:logistic", "binary:logistic"}:
        return model.ensemble(estimator, Share())
    raise model.other_objective("one of its own for values")


@dataclass(frozen=True, slots=True)
class Logistic(LabelHead):
    """The sum is the logit of the second of two classes."""

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write XGBClassifier.predict: the second class has more than a half."""
        second = _write_sigmoid(graph, sums)
        first = _rounded(graph, graph.node("Sub", graph.constant(np.float64(1)), second))
        half = graph.node("Greater", second, graph.constant(np.float64(0.5)))
        index = graph.node("Squeeze", graph.cast(half, np.int64), graph.constant(np.array([1])), name="class_index")
        return Labelled(index, graph.node("Concat", first, second, axis=1, name="shares"))


@dataclass(frozen=True, slots=True)
class LargestShare(LabelHead):
    """The sums are raw scores, labelled by their shares: of two that differ in a last bit shares may be equal."""

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write Softmax of src/common/math.h, which adds up in float64, step by step."""
        largest = graph.node("ReduceMax", sums, graph.constant(np.array([1])), keepdims=1)
        powers = _write_power(graph, _rounded(graph, graph.node("Sub", sums, largest)))
        total = graph.node("ReduceSum", powers, graph.constant(np.array([1])), keepdims=1)
        shares = _rounded(graph, graph.node("Div", powers, _rounded(graph, total)))
        return Labelled(write_argmax(graph, shares), shares)


@dataclass(frozen=True, slots=True)
class Share(ValueHead):
    """The value is the sigmoid of the sum."""

    def write(self, graph: Graph, sums: Value) -> Value:
        """Write LogisticRegression::PredTransform, src/objective/regression_loss.h."""
        return _write_sigmoid(graph, sums)


@dataclass(frozen=True, slots=True)
class RoundedExponential(ValueHead):
    """The value is e to the power of the sum, in float32."""

    def write(self, graph: Graph, sums: Value) -> Value:
        """Write the objectives' PredTransform, src/objective/regression_obj.cu."""
        return _write_power(graph, sums)


def _write_sigmoid(graph: Graph, sums: Value) -> Value:
    """Write Sigmoid of src/common/math.h."""
    negated = graph.node("Neg", sums)
    low = graph.node("Less", negated, graph.constant(np.float64(LARGEST_POWER)))
    power = _write_power(graph, graph.node("Where", low, negated, graph.constant(np.float64(LARGEST_POWER))))
    one = graph.constant(np.float64(1))
    return _rounded(graph, graph.node("Div", one, _rounded(graph, graph.node("Add", power, one))))


def _write_power(graph: Graph, value: Value) -> Value:
    """Write expf, which rounds rightly but for one number in some thousands, where it is the next one."""
    return _rounded(graph, graph.node("Exp", value))


def _rounded(graph: Graph, value: Value) -> Value:
    return graph.cast(graph.cast(value, np.float32), np.float64)


@dataclass(frozen=True, slots=True)
class _Model:
    """A model as XGBoost writes it: its trees, the sum that each adds to, their weights, and what sums start with."""

    name: str
    objective: str
    trees: list[Mapping[str, Any]]
    targets: list[int]
    weights: list[float] | None
    base: Floats

    @classmethod
    def of(cls, estimator: Any) -> _Model:
        name, booster = type(estimator).__name__, booster_insides.xgboost_booster(estimator)
        learner = booster_insides.xgboost_document(booster)["learner"]
        boosting = learner["gradient_booster"]
        if boosting["name"] != "gbtree":
            raise ConvertError(
                f"{name} was fitted with booster={boosting['name']!r}, which computes in a way of its own: fit it with"
                " booster='gbtree'"
            )
        objective, several = learner["objective"]["name"], int(learner["learner_model_param"]["num_target"]) > 1
        if several:
            raise ConvertError(f"this {name} has several outputs: fit one estimator for each")
        model, base = boosting["model"], booster_insides.xgboost_start(booster)
        return cls(name, objective, model["trees"], model["tree_info"], model.get("weight_drop"), base)

    def ensemble(self, estimator: Any, head: Head) -> TreeEnsemble:
        """Return the trees, which add up to the `head`'s sums."""
        features = int(estimator.n_features_in_)
        splits = CategorySplits(features)
        weights = np.array([1.0] * len(self.trees) if self.weights is None else self.weights, np.float32)
        each = zip(self.trees, self.targets, weights, strict=True)
        trees = tuple(_tree(tree, target, weight, splits) for tree, target, weight in each)
        marker = float(np.float32(estimator.missing))
        blank = None if np.isnan(marker) else Blank(np.zeros(features), marker)
        base = TreeEnsemble(trees, len(self.base), self.base, None, float32=True, head=head, blank=blank, single=True)
        return splits.placed(base)

    def other_objective(self, written: str) -> ConvertError:
        """Return the error for an objective whose answers are not written."""
        return ConvertError(
            f"{self.name} was fitted with objective={self.objective!r}, whose answers are not written: fit it with"
            f" {written}"
        )


def _tree(tree: Mapping[str, Any], target: int, weight: np.float32, splits: CategorySplits) -> Tree:
    """Read a tree as RegTree::SaveModel of src/tree/tree_model.cc writes it: a row goes left below the threshold."""
    left, right = (np.array(tree[f"{side}_children"], np.int64) for side in ("left", "right"))
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise ConvertError("XGBoost's trees have several outputs in each leaf: fit it with multi_strategy of one each")
    numbers, feature = np.array(tree["split_conditions"], np.float32), np.array(tree["split_indices"], np.int64)
    leaf, by_set = left == -1, np.array(tree["split_type"]) == 1
    missing_left = np.array(tree["default_left"]) != 0
    for node, right_categories in _sets(tree).items():
        feature[node] = splits.column(int(feature[node]), _goes_right(right_categories, left=bool(missing_left[node])))
    with np.errstate(over="ignore"):
        below = np.nextafter(numbers, np.float32(-np.inf)).astype(np.float64)
    below[np.isneginf(numbers)] = np.nan  # below which is nothing
    return Tree(
        feature=np.where(leaf, 0, feature),
        threshold=np.where(by_set, SPLIT, below),
        left=left,
        right=np.where(leaf, -1, right),
        missing_left=missing_left & ~by_set & ~leaf,
        values=np.where(leaf, weight * numbers, 0).astype(np.float64)[:, np.newaxis],
        target=target,
    )


def _sets(tree: Mapping[str, Any]) -> dict[int, list[int]]:
    """Return, for each node that splits by a set, the categories that go right."""
    segments = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
    return {node: tree["categories"][start : start + size] for node, start, size in segments}


def _goes_right(categories: list[int], *, left: bool) -> NDArray[np.bool_]:
    """Return where categories go, as in `Sides`: Decision of src/common/categorical.h; `left` tells of NaN."""
    goes_right = np.zeros(max(categories) + 3, np.bool_)
    goes_right[categories] = True
    goes_right[-1] = not left
    return goes_right
