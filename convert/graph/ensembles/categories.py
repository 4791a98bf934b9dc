"""Splits by sets of categories, gathered from the trees of an ensemble while those are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.graph.trees import Sides, Tree, TreeEnsemble

SPLIT = 0.5
"""The threshold of a column that is 0 for a row that goes left, and 1 for one that goes right."""
FROM_ZERO = -5e-324
"""What a number has to be above to be 0 or more."""


class CategorySplits:
    """The different splits of an ensemble of trees over `width` features, each numbered as it is met.

    >>> splits = CategorySplits(10)
    >>> right = np.array([True, False, False, True])  # category 0, category 1, other numbers, and NaN
    >>> splits.column(3, right), splits.column(4, right), splits.column(3, right)
    (10, 11, 10)
    """

    def __init__(self, width: int, above: float = FROM_ZERO) -> None:
        """Begin with none; `above` is that of their `Sides`."""
        self._width, self._above = width, above
        self._found: dict[tuple[int, bytes], tuple[int, NDArray[np.bool_]]] = {}

    def column(self, feature: int, goes_right: NDArray[np.bool_]) -> int:
        """Return the number for the time being of a split's column; `goes_right`, (categories + 2,), as in `Sides`."""
        key = (feature, goes_right.tobytes())
        number, _ = self._found.setdefault(key, (self._width + len(self._found), goes_right))
        return number

    def placed(self, ensemble: TreeEnsemble) -> TreeEnsemble:
        """Return the ensemble with the splits' columns, and its trees, which know them by their numbers so far."""
        final, sides = np.arange(self._width + len(self._found)), []
        place = self._width
        for feature in sorted({feature for feature, _ in self._found}):
            each = [split for (split_on, _), split in self._found.items() if split_on == feature]
            final[[number for number, _ in each]] = np.arange(place, place + len(each))
            place += len(each)
            sides.append(Sides(feature, _table([goes_right for _, goes_right in each]), self._above))
        trees = tuple(_renumbered(tree, final) for tree in ensemble.trees) if sides else ensemble.trees
        return replace(ensemble, trees=trees, sides=tuple(sides))


def _table(splits: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return the splits side by side, as far as any tells categories from other numbers: (categories + 2, splits)."""
    count = max(len(split) for split in splits) - 2
    rows = np.stack(
        [np.concatenate([split[:-2], np.repeat(split[-2], count + 3 - len(split)), split[-1:]]) for split in splits],
        axis=1,
    )
    told = 1 + np.flatnonzero((rows[:count] != rows[count]).any(axis=1))
    return np.concatenate([rows[: told[-1] if len(told) else 0], rows[count:]])


def _renumbered(tree: Tree, final: NDArray[Any]) -> Tree:
    return replace(tree, feature=np.where(tree.left == -1, 0, final[tree.feature]))
