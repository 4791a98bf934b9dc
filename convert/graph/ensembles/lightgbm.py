"""LightGBM's ensembles, read from the text that is its own format for files.

Numbers are in it with 17 digits, and so are LightGBM's own; its sums are float64, added up from the first tree to the
last. Each function names the one of LightGBM 4.7 that it follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator.booster_insides import lightgbm_pairs
from convert.estimator.features import Floats
from convert.graph.answers import Labelled
from convert.graph.ensembles.categories import SPLIT, CategorySplits
from convert.graph.ensembles.reading import refuse_one_class
from convert.graph.graph import Graph, Value
from convert.graph.heads import Exponential, Head, LabelHead, Sum, ValueHead, write_argmax
from convert.graph.trees import Blank, Tree, TreeEnsemble

BY_SET, DEFAULT_LEFT = 1, 2
"""Bits of ``decision_type``, include/LightGBM/tree.h."""
NOT_MISSING, ZERO_IS_MISSING, NAN_IS_MISSING = range(3)
"""What is missing, the two bits above those."""
ZERO = float(np.float32(1e-35))
"""``kZeroThreshold``, include/LightGBM/meta.h: up to this size a number is zero."""
ABOVE = -1.0
"""Of categories, what is behind the point is cut off, and so -0.5 is category 0."""
PLAIN_VALUES = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
EXPONENTIALS = ("poisson", "gamma", "tweedie")


def read_classifier(estimator: Any) -> TreeEnsemble:
    """Follow LGBMClassifier.predict_proba, and the objectives' ConvertOutput."""
    refuse_one_class(estimator)
    text = _Text.of(estimator)
    return text.ensemble(estimator, text.class_head(len(estimator.classes_)))


def read_regressor(estimator: Any) -> TreeEnsemble:
    """Follow LGBMRegressor.predict, and the objectives' ConvertOutput."""
    text = _Text.of(estimator)
    return text.ensemble(estimator, text.value_head())


@dataclass(frozen=True, slots=True)
class Logistic(LabelHead):
    """The sum, times `scale`, is the logit of the second of two classes."""

    scale: float
    scores: bool

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write BinaryLogloss::ConvertOutput; the label is the first of the largest shares, to the last bit."""
        second = _write_logistic(graph, sums, self.scale)
        first = graph.node("Sub", graph.constant(np.float64(1)), second)
        shares = graph.node("Concat", first, second, axis=1, name="shares")
        return _labelled(graph, shares, sums if self.scores else None)


@dataclass(frozen=True, slots=True)
class Logistics(LabelHead):
    """Each sum, times `scale`, is the logit of a class, whatever the others are."""

    scale: float
    scores: bool

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write MulticlassOVA::ConvertOutput: shares that need not add up to 1."""
        shares = _write_logistic(graph, sums, self.scale)
        return _labelled(graph, shares, sums if self.scores else None)


@dataclass(frozen=True, slots=True)
class LargestShare(LabelHead):
    """The sums are raw scores, labelled by their shares: of two that differ in a last bit shares may be equal."""

    scores: bool

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write Common::Softmax, step by step."""
        largest = graph.node("ReduceMax", sums, graph.constant(np.array([1])), keepdims=1)
        powers = graph.node("Exp", graph.node("Sub", sums, largest))
        total = graph.node("ReduceSum", powers, graph.constant(np.array([1])), keepdims=1)
        shares = graph.node("Div", powers, total, name="shares")
        return _labelled(graph, shares, sums if self.scores else None)


@dataclass(frozen=True, slots=True)
class Share(ValueHead):
    """The value is the sigmoid of the sum."""

    def write(self, graph: Graph, sums: Value) -> Value:
        """Write CrossEntropy::ConvertOutput."""
        return _write_logistic(graph, sums, 1.0)


@dataclass(frozen=True, slots=True)
class SignedSquare(ValueHead):
    """The value is the sum's square, with its sign."""

    def write(self, graph: Graph, sums: Value) -> Value:
        """Write RegressionL2loss::ConvertOutput of ``reg_sqrt``."""
        return graph.node("Mul", sums, graph.node("Abs", sums))


def _labelled(graph: Graph, shares: Value, scores: Value | None) -> Labelled:
    """Write LGBMClassifier.predict: the first of the largest shares."""
    return Labelled(write_argmax(graph, shares), shares, scores)


def _write_logistic(graph: Graph, sums: Value, scale: float) -> Value:
    power = graph.node("Exp", graph.node("Mul", sums, graph.constant(np.float64(-scale))))
    one = graph.constant(np.float64(1))
    return graph.node("Div", one, graph.node("Add", one, power), name="shares")


@dataclass(frozen=True, slots=True)
class _Text:
    """A model as LightGBM writes it: what is in front of its trees, and each tree, by key."""

    name: str
    header: Mapping[str, str]
    trees: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, estimator: Any) -> _Text:
        name = type(estimator).__name__
        for key in ("pred_early_stop", "predict_raw_score"):
            if estimator.get_params().get(key):
                raise ConvertError(f"{name} was made with {key}, which its predict follows: fit it without")
        header, *trees = estimator.booster_.model_to_string().split("\nTree=")
        return cls(name, lightgbm_pairs(header), tuple(lightgbm_pairs(tree) for tree in trees))

    @property
    def averages(self) -> bool:
        """Whether the sums are divided by the number of the trees."""
        return "average_output" in self.header

    def class_head(self, classes: int) -> LabelHead:
        """Return how a classifier's sums become an answer; raise ConvertError for one that answers raw scores."""
        objective, scale = self._objective(), self._setting("sigmoid")
        if objective == "binary" and classes == 2:
            return Logistic(scale, scores=not self.averages)
        if objective == "multiclassova":
            return Logistics(scale, scores=not self.averages)
        if objective == "multiclass":
            return LargestShare(scores=not self.averages)
        raise self._other_objective()

    def value_head(self) -> ValueHead:
        """Return how a regressor's sums become a value; raise ConvertError for an objective that is not known."""
        objective, *settings = self.header.get("objective", "custom").split()
        if objective == "regression" and "sqrt" in settings:
            return SignedSquare()
        if objective in PLAIN_VALUES:
            return Sum()
        if objective in EXPONENTIALS:
            return Exponential()
        if objective == "cross_entropy":
            return Share()
        raise self._other_objective()

    def ensemble(self, estimator: Any, head: Head) -> TreeEnsemble:
        """Return the trees, which add up to the `head`'s sums."""
        sums = int(self.header["num_tree_per_iteration"])
        splits, blank = CategorySplits(estimator.n_features_in_, ABOVE), np.full(estimator.n_features_in_, -1.0)
        trees = tuple(self._tree(pairs, number % sums, splits, blank) for number, pairs in enumerate(self.trees))
        divisor = float(len(trees) // sums) if self.averages else None
        blanks = Blank(blank) if (blank >= 0).any() else None
        return splits.placed(TreeEnsemble(trees, sums, None, divisor, float32=False, head=head, blank=blanks))

    def _objective(self) -> str:
        return self.header.get("objective", "custom").split()[0]

    def _setting(self, name: str) -> float:
        settings = dict(pair.split(":") for pair in self.header.get("objective", "").split() if ":" in pair)
        return float(settings.get(name, 1.0))

    def _other_objective(self) -> ConvertError:
        return ConvertError(
            f"{self.name} was fitted with objective={self._objective()!r}, whose answers are not written: fit it with"
            " one of LightGBM's own for classes or values"
        )

    def _tree(self, pairs: Mapping[str, str], target: int, splits: CategorySplits, blank: NDArray[Any]) -> Tree:
        """Read a tree as Tree::ToString writes it: children count leaves as -1, -2 and so on."""
        if int(pairs.get("is_linear", "0")):
            raise ConvertError(f"{self.name} has linear models in its leaves: fit it with linear_tree=False")
        inner = int(pairs["num_leaves"]) - 1
        feature, kinds = _numbers(pairs, "split_feature", inner, np.int64), _numbers(pairs, "decision_type", inner, int)
        threshold, by_set = _numbers(pairs, "threshold", inner, np.float64), kinds & BY_SET != 0
        missing, default_left = kinds >> 2 & 3, kinds & DEFAULT_LEFT != 0
        missing_left = np.where(missing == NOT_MISSING, threshold >= 0, default_left)  # where nothing is, NaN is 0
        blank[feature[(missing == ZERO_IS_MISSING) & ~by_set]] = ZERO
        for node in np.flatnonzero(by_set):
            feature[node] = splits.column(int(feature[node]), _goes_right(pairs, int(threshold[node])))
        children = (_numbers(pairs, side, inner, np.int64) for side in ("left_child", "right_child"))
        left, right = (np.where(child < 0, inner - 1 - child, child) for child in children)
        values = _numbers(pairs, "leaf_value", inner + 1, np.float64)
        none = np.full(inner + 1, -1)
        return Tree(
            feature=np.append(feature, np.zeros(inner + 1, np.int64)),
            threshold=np.append(np.where(by_set, SPLIT, _with_zeros(threshold)), np.zeros(inner + 1)),
            left=np.append(left, none),
            right=np.append(right, none),
            missing_left=np.append(missing_left & ~by_set, np.zeros(inner + 1, np.bool_)),
            values=np.append(np.zeros(inner), values)[:, np.newaxis],
            target=target,
        )


def _with_zeros(thresholds: Floats) -> Floats:
    """Return thresholds that send small numbers where they send 0, which LightGBM makes of them.

    See RowPairFunctionFromDenseMatric of src/c_api.cpp.
    """
    below = np.where((thresholds >= -ZERO) & (thresholds < 0), np.nextafter(-ZERO, -1), thresholds)
    return np.where((below >= 0) & (below < ZERO), ZERO, below)


def _goes_right(pairs: Mapping[str, str], number: int) -> NDArray[np.bool_]:
    """Return where categories go at the split of that number, as in `Sides`: Tree::CategoricalDecision."""
    borders, words = (np.array(pairs[key].split(), np.int64) for key in ("cat_boundaries", "cat_threshold"))
    own = words[borders[number] : borders[number + 1]].astype("<u4")
    return np.append(np.unpackbits(own.view(np.uint8), bitorder="little") == 0, [True, True])


def _numbers(pairs: Mapping[str, str], key: str, count: int, kind: Any) -> NDArray[Any]:
    return np.array(pairs[key].split() if count else [], kind)
