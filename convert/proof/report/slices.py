"""Both models' answers along the axes shown, all other features held: a surface over two, a line over one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.proof.report.answers import Answers, Ask, differences, labels_differ
from convert.proof.report.axes import Axis

SIDE, LINE_POINTS = 200, 1_000
"""How many points an axis has in a surface, and in a line."""
WIDE, WIDE_SIDE = 100, 100
"""From how many features on a surface has fewer points to a side, for the memory that the rows take."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What both models say of n points: those of the first axis, for each point of the second, if there is one.

    shape: (points of the second axis, points of the first); n is their product.
    label_differs, difference: (n,).
    held: (features,), the row that all but the axes' features are taken from.
    """

    axes: Sequence[Axis]
    shape: tuple[int, int]
    held: NDArray[np.float64]
    expected: Answers
    actual: Answers
    label_differs: NDArray[np.bool_]
    difference: NDArray[np.float64]


def cut(
    card: Mapping[str, Any], axes: Sequence[Axis], held: NDArray[np.float64], expected: Ask, actual: Ask
) -> Slice | str:
    """Return what both models say around the row `held` (features,), or why the estimator refuses to say it."""
    count = LINE_POINTS if len(axes) == 1 else WIDE_SIDE if len(held) > WIDE else SIDE
    points = [axis.points(count) for axis in axes]
    grid = np.meshgrid(*points)
    rows = np.repeat(held[np.newaxis], grid[0].size, axis=0)
    for axis, values in zip(axes, grid, strict=True):
        rows[:, axis.column] = values.ravel()
    try:
        left = expected(rows)
    except ValueError as error:
        return str(error).splitlines()[0]
    right = actual(rows)
    label = np.zeros(len(rows), dtype=np.bool_) if card["task"] == "regression" else labels_differ(left, right)
    shape = (grid[0].size // len(points[0]), len(points[0]))
    return Slice(axes, shape, held, left, right, label, differences(left, right, card["task"]))
