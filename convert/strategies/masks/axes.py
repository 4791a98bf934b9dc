"""The intervals of a feature: between two neighbouring thresholds, all values go the same way in every tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import Floats
from convert.graph.trees import Sides, Tree, TreeEnsemble


@dataclass(frozen=True, slots=True)
class Axis:
    """A feature that trees compare, cut into intervals.

    feature: its column.
    cuts: (intervals - 1,) float64, sorted: the last value of each interval but the last. Where rows are compared in
    float32, they are numbers of that.
    values: (intervals + 1,) a value in each interval, and NaN behind them; NaN also where values count as missing.
    """

    feature: int
    cuts: Floats
    values: Floats

    @property
    def missing(self) -> int:
        """Which row of a table is for missing values: the last."""
        return len(self.cuts) + 1

    def goes_left(self, tree: Tree, node: int, splits: Mapping[int, tuple[Sides, int]]) -> NDArray[np.bool_]:
        """Return (intervals + 1,), whether a value in each goes left at a node; `splits` has those by categories."""
        if int(tree.feature[node]) in splits:
            sides, split = splits[int(tree.feature[node])]
            right: NDArray[np.bool_] = sides.goes_right[_row_of(sides, self.values), split]
            return ~right
        with np.errstate(invalid="ignore"):
            below: NDArray[np.bool_] = self.values <= tree.threshold[node]
        return np.where(np.isnan(self.values), tree.missing_left[node], below)


def axes_of(ensemble: TreeEnsemble, width: int) -> list[Axis]:
    """Return the features, of `width`, that trees compare, in their order."""
    splits = splits_of(ensemble, width)
    compared = np.unique(np.concatenate([tree.feature[tree.left != -1] for tree in ensemble.trees]))
    used = sorted({splits[each][0].feature if each in splits else each for each in compared.tolist()})
    thresholds = ensemble.thresholds(width)
    return [_axis(ensemble, feature, thresholds[feature]) for feature in used]


def splits_of(ensemble: TreeEnsemble, width: int) -> dict[int, tuple[Sides, int]]:
    """Return the splits by categories, by the number that trees have for their column: where each is from."""
    every = [(sides, split) for sides in ensemble.sides for split in range(sides.goes_right.shape[1])]
    return {width + place: each for place, each in enumerate(every)}


def _axis(ensemble: TreeEnsemble, feature: int, thresholds: Floats) -> Axis:
    cuts = thresholds[thresholds < np.inf]
    if ensemble.float32 or ensemble.single:
        cuts = np.unique(largest_float32(cuts).astype(np.float64))
    values = np.append(cuts, np.inf)
    if ensemble.blank is not None:
        values = np.where(np.abs(values - ensemble.blank.centre) <= ensemble.blank.sizes[feature], np.nan, values)
    return Axis(feature, cuts, np.append(values, np.nan))


@np.errstate(over="ignore")
def largest_float32(numbers: Floats) -> NDArray[np.float32]:
    """Return the largest float32 at or below each of the numbers."""
    single = numbers.astype(np.float32)
    return np.where(single > numbers, np.nextafter(single, np.float32(-np.inf)), single)


def _row_of(sides: Sides, values: Floats) -> NDArray[np.int64]:
    """Return which row of `goes_right` each value looks up: its category's, that of all others, or that of NaN."""
    categories = len(sides.goes_right) - 2
    with np.errstate(invalid="ignore"):
        known = (values > sides.above) & (values < categories)
    return np.where(np.isnan(values), categories + 1, np.where(known, np.nan_to_num(values), categories)).astype(
        np.int64
    )
