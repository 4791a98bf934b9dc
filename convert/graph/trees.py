"""Tree ensembles as plain data: what the strategies write graphs from, and nothing of scikit-learn's classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import Floats
from convert.graph.heads import Head


@dataclass(frozen=True, slots=True)
class Tree:
    """A binary tree of n nodes, the root first: a row goes left where its feature is at or below the threshold.

    feature, left, right: (n,) int64; left and right are -1 at leaves.
    threshold: (n,) float64; NaN where no number goes left.
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


def split_again(tree: Tree, thresholds: Mapping[int, Floats]) -> Tree:
    """Return a tree in which some nodes have several rising thresholds: at each, a row changes sides once more.

    A missing value goes where it went, which is right of all or left of the first.
    """
    nodes, left, right = [], [], []  # type: tuple[list[int], list[int], list[int]]
    threshold, missing_left = [], []  # type: tuple[list[float], list[bool]]

    def grow(node: int, turn: int) -> int:
        place, cuts = len(nodes), thresholds.get(node, tree.threshold[node : node + 1])
        nodes.append(node)
        threshold.append(float(cuts[turn]))
        missing_left.append(bool(tree.missing_left[node]) if turn == 0 else turn % 2 == 1)
        left.append(-1)
        right.append(-1)
        if tree.left[node] != -1:
            sides = (int(tree.left[node]), int(tree.right[node]))
            left[place] = grow(sides[turn % 2], 0)
            right[place] = grow(sides[1], 0) if turn == len(cuts) - 1 else grow(node, turn + 1)
        return place

    grow(0, 0)
    return Tree(
        tree.feature[nodes],
        np.array(threshold),
        np.array(left),
        np.array(right),
        np.array(missing_left),
        tree.values[nodes],
        tree.target,
    )


@dataclass(frozen=True, slots=True)
class Sides:
    """To which side each category goes, at each split by a set of categories that there is on a feature.

    feature: the column that holds the categories' numbers, counted from 0; what comes behind the point is cut off.
    goes_right: (categories + 2, splits) bool; the last row but one is for all other numbers, the last for NaN.
    above: what a number has to be above to be a category.

    Each split makes a column beside the features, in the order of an ensemble's `sides`: 1 if a row goes right, else 0.
    Trees compare it like any other.
    """

    feature: int
    goes_right: NDArray[np.bool_]
    above: float

    def cuts(self) -> Floats:
        """Return, sorted, the last numbers before some split may send a row elsewhere."""
        firsts = 1 + np.flatnonzero((self.goes_right[:-2] != self.goes_right[1:-1]).any(axis=1))
        return np.array([self.above, *np.nextafter(firsts.astype(np.float64), -np.inf)])


@dataclass(frozen=True, slots=True)
class Blank:
    """Numbers that are missing, as NaN is: those up to `sizes`, (features,), from `centre`; for a size of -1, none."""

    sizes: Floats
    centre: float = 0.0

    def cuts(self, feature: int) -> Floats:
        """Return the last numbers before some begin, or end, to be missing."""
        low, high = self.centre - self.sizes[feature], self.centre + self.sizes[feature]
        return np.array([np.nextafter(low, -np.inf), high]) if high >= low else np.empty(0)


@dataclass(frozen=True, slots=True)
class TreeEnsemble:
    """Trees whose leaves add up to raw sums, from left to right, starting at `base`.

    base: (sums,) float64, what the sums start with; None for zero.
    divisor: what the sums are divided by in the end; None for nothing.
    float32: whether rows are rounded to float32 before they are compared with thresholds.
    head: how the sums become the answer.
    init: the estimator whose answer the sums start with, instead of `base`.
    sides: the splits by sets of categories, whose columns are numbered after those of the features.
    blank: the numbers that are missing; None where none is.
    single: whether sums are rounded to float32 with each addition; leaves and `base` are float32 then.
    """

    trees: tuple[Tree, ...]
    sums: int
    base: Floats | None
    divisor: float | None
    float32: bool
    head: Head
    init: Any = None
    sides: tuple[Sides, ...] = ()
    blank: Blank | None = None
    single: bool = False

    @property
    def one_output(self) -> bool:
        """Whether each leaf adds to one sum only."""
        return bool(self.trees[0].values.shape[1] == 1)

    def thresholds(self, features: int) -> list[Floats]:
        """Return, for each of the `features`, the sorted distinct thresholds."""
        found: list[list[Floats]] = [[] for _ in range(features)]
        for tree in self.trees:
            inner = (tree.left != -1) & (tree.feature < features)
            for feature in np.unique(tree.feature[inner]):
                found[feature].append(tree.threshold[inner & (tree.feature == feature)])
        for each in self.sides:
            found[each.feature].append(each.cuts())
        if self.blank is not None:
            for feature in range(features):
                found[feature].append(self.blank.cuts(feature))
        every = [np.unique(np.concatenate(parts)) if parts else np.empty(0) for parts in found]
        return [each[~np.isnan(each)] for each in every]
