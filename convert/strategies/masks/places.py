"""Which interval each value is in: by a grid that is laid over each feature, and a few comparisons.

A value's cell in the grid is ``clip((x - low) * scale)``, cut off to a whole number. That falls nowhere as x rises, and
cuts go through the same operations of float32 as values do; so of two numbers, that in the lower cell is the lower one.
What is left are the cuts in the value's own cell: a table tells how many cuts lie in lower cells, and others the first,
second, ... cut in this one, which the value is compared with.

    cells          0       1       2       3              cuts at 0, 2.1, 2.6 and 3: the grid begins at the first cut,
    cuts in lower  0       1       1       3              and ends with the last
    first cut      0     inf     2.1       3
    second       inf     inf     2.6     inf              x = 2.4: cell 2, 1 cut lower, x > 2.1, not x > 2.6: interval 2

Where so many cuts crowd in a cell that a search tree finds the interval sooner, it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import Floats
from convert.graph.bins import write_places
from convert.graph.graph import Graph, Value
from convert.strategies.masks.axes import Axis

CELLS = 1024
"""How many cells a feature has. 256 to 4,096 take the same, within 5 %: fewer need comparisons, more need cache."""
MOST_CUTS = 6
"""How many cuts of a cell are compared with, before a search tree is taken."""
STEEPEST = np.float32(1e30)
"""The largest scale: infinity times 0 would be no number."""

type Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid of a feature: `low` and `scale`, and how many of the cuts are in each cell, (CELLS,)."""

    low: np.float32
    scale: np.float32
    cells: NDArray[np.int64]

    @property
    def levels(self) -> int:
        """How many cuts a value is compared with."""
        return int(np.bincount(self.cells, minlength=1).max()) if len(self.cells) else 0


@np.errstate(over="ignore", under="ignore")
def grid_of(cuts: Floats) -> Grid:
    """Lay a grid over the sorted cuts of a feature: `cells` has the cell of each."""
    single = cuts.astype(np.float32)
    finite = single[np.isfinite(single)]
    low, high = (finite[0], finite[-1]) if len(finite) else (np.float32(0), np.float32(0))
    width = float(high) - float(low)
    scale = min(np.float32((CELLS - 1) / width), STEEPEST) if width > 0 else np.float32(1)
    cells = np.clip((single - low) * scale, np.float32(0), np.float32(CELLS - 1)).astype(np.int64)
    return Grid(low, scale, cells)


def write_intervals(graph: Graph, rows: Value, axes: Sequence[Axis], *, single: bool, missing: bool) -> Value:
    """Write the number of the interval that each value of `rows`, (n, width) float64, is in: (axes, n) float32.

    single: whether values are rounded to float32 before they are compared.
    missing: whether values may be NaN.
    """
    grids = [grid_of(axis.cuts) for axis in axes]
    gridded = [place for place, grid in enumerate(grids) if grid.levels <= MOST_CUTS]
    searched = [place for place in range(len(axes)) if place not in gridded]
    order = [*gridded, *searched]
    columns = _columns(graph, rows, [axes[place].feature for place in order])
    columns = graph.cast(columns, np.float32) if single else columns
    by_axis, nowhere = graph.node("Transpose", columns, perm=np.array([1, 0]), name="by_feature"), None
    if missing:
        nowhere = graph.node("IsNaN", by_axis, name="missing")
        zero = graph.constant(np.zeros((), by_axis.dtype))
        by_axis = graph.node("Where", nowhere, zero, by_axis, name="present")
    found = _write_both(graph, by_axis, [axes[each] for each in gridded], [axes[each] for each in searched])
    if nowhere is not None:
        last = graph.constant(np.array([[axes[place].missing] for place in order], np.float32))
        found = graph.node("Where", nowhere, last, found, name="interval")
    if order != sorted(order):
        found = graph.node("Gather", found, graph.constant(np.argsort(order)), axis=0, name="interval")
    return found


def _columns(graph: Graph, rows: Value, features: Sequence[int]) -> Value:
    if list(features) == list(range(rows.shape[1] or 0)):
        return rows
    return graph.node("Gather", rows, graph.constant(np.array(features)), axis=1, name="compared")


def _write_both(graph: Graph, by_axis: Value, gridded: Sequence[Axis], searched: Sequence[Axis]) -> Value:
    """Write the intervals of those features that have a grid, which come first, and of those that are searched."""
    if not searched:
        return _write_by_grid(graph, by_axis, gridded)
    if not gridded:
        return _write_by_search(graph, by_axis, searched)
    first, last = graph.split(by_axis, [len(gridded), len(searched)])
    return graph.node(
        "Concat",
        _write_by_grid(graph, first, gridded),
        _write_by_search(graph, last, searched),
        axis=0,
        name="interval",
    )


def _write_by_grid(graph: Graph, values: Value, axes: Sequence[Axis]) -> Value:
    grids = [grid_of(axis.cuts) for axis in axes]
    single = graph.cast(values, np.float32) if values.dtype != np.float32 else values
    low, scale = (np.array([[getattr(grid, name)] for grid in grids], np.float32) for name in ("low", "scale"))
    scaled = graph.node("Mul", graph.node("Sub", single, graph.constant(low)), graph.constant(scale), name="scaled")
    ends = (graph.constant(np.float32(0)), graph.constant(np.float32(CELLS - 1)))
    cell = graph.cast(graph.node("Clip", scaled, *ends), np.int32, "cell")
    lower, tables = _tables(axes, grids, values.dtype)
    interval = graph.node("GatherElements", graph.constant(lower), cell, axis=1, name="lower")
    for table in tables:
        cut = graph.node("GatherElements", graph.constant(table), cell, axis=1, name="cut")
        above = graph.cast(graph.node("Greater", values, cut, name="above"), np.float32)
        interval = graph.node("Add", interval, above, name="interval")
    return _within(graph, interval, axes)


def _tables(
    axes: Sequence[Axis], grids: Sequence[Grid], dtype: np.dtype[np.floating]
) -> tuple[Singles, NDArray[np.floating]]:
    """Return how many cuts lie in lower cells, (axes, CELLS), and the cuts of each cell, (levels, axes, CELLS)."""
    lower = np.zeros((len(axes), CELLS), np.float32)
    within = np.full((max(grid.levels for grid in grids), len(axes), CELLS), np.inf, dtype)
    for place, (axis, grid) in enumerate(zip(axes, grids, strict=True)):
        lower[place] = np.searchsorted(grid.cells, np.arange(CELLS))
        level = np.arange(len(grid.cells)) - lower[place, grid.cells].astype(np.int64)
        within[level, place, grid.cells] = axis.cuts
    return lower, within


def _write_by_search(graph: Graph, values: Value, axes: Sequence[Axis]) -> Value:
    columns = graph.node("Transpose", values, perm=np.array([1, 0]))
    columns = graph.cast(columns, np.float64) if columns.dtype != np.float64 else columns
    found = graph.cast(write_places(graph, columns, [axis.cuts for axis in axes]), np.float32)
    return _within(graph, graph.node("Transpose", found, perm=np.array([1, 0])), axes)


def _within(graph: Graph, interval: Value, axes: Sequence[Axis]) -> Value:
    """Write the intervals as they are: what changes nothing shows the service that no index is beyond its table."""
    last = graph.constant(np.array([[len(axis.cuts)] for axis in axes], np.float32))
    return graph.node("Min", interval, last, name="interval")
