"""Tabulated: a tree ensemble is constant on each cell of the grid that its thresholds make.

Where the cells are few, scikit-learn itself is asked once per cell, and the graph looks the answer up: one balanced
search tree per feature, whose leaves add bin * stride up to the number of the cell. The answers are scikit-learn's
own, bit for bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator import as_input, task_of, width_of
from convert.graph import Graph
from convert.strategies.answers import classifier_model, regressor_model
from convert.strategies.trees import write_sums
from convert.trees import Floats, Tree, TreeEnsemble, read_trees

NAME = "tabulated"
MAX_CELLS = 2**16
"""The largest grid: scikit-learn is asked once per cell."""
MAX_BYTES = 2**21
"""The largest table, about the largest grid with three classes: every cold start reads it."""


def write_graph(estimator: Any, name: str) -> onnx.ModelProto:
    """Return `estimator` as a table; raise ConvertError if it is not made of trees or has too many cells."""
    table = _table(estimator)
    graph = Graph()
    cell = _write_cell(graph, table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _write_answers(graph, estimator, table.rows(), cell, name)


def every_cell(estimator: Any) -> Floats:
    """Return a row in each cell, (cells, features); raise ConvertError as `write_graph` does."""
    return _table(estimator).rows()


@dataclass(frozen=True, slots=True)
class _Table:
    """The grid: for each feature the ends of its bins but the last, and how many bins it has."""

    cuts: Sequence[Floats]
    bins: Sequence[int]
    float32: bool

    def rows(self) -> Floats:
        """Return a row in each cell, in the cells' order: (cells, features)."""
        step = np.float32 if self.float32 else np.float64
        columns = []
        for cut, count in zip(self.cuts, self.bins, strict=True):
            last = np.nextafter(step(cut[-1]), step(np.inf)) if len(cut) else 0.0
            columns.append(np.array([*cut, float(last), np.nan][:count]))
        mesh = np.meshgrid(*columns, indexing="ij")
        return np.stack([axis.ravel() for axis in mesh], axis=1)


def _table(estimator: Any) -> _Table:
    features = width_of(estimator)
    ensemble = read_trees(estimator)
    thresholds = ensemble.thresholds(features)
    cuts = [_cuts(found, ensemble.float32) for found in thresholds]
    missing = _takes_missing(estimator, features)
    bins = [len(cut) + 1 + (missing and len(found) > 0) for cut, found in zip(cuts, thresholds, strict=True)]
    cells = int(np.prod(bins, dtype=object))
    if cells > MAX_CELLS:
        raise ConvertError(f"its thresholds make {cells:,} cells, at most {MAX_CELLS:,} are tabulated")
    size = cells * 8 * (1 + len(getattr(estimator, "classes_", ())))
    if size > MAX_BYTES:
        raise ConvertError(f"its table would take {size:,} bytes, at most {MAX_BYTES:,} are written")
    return _Table(cuts, bins, ensemble.float32)


def _cuts(thresholds: Floats, float32: bool) -> Floats:
    """Return the ends of the bins but the last: each threshold as the largest number that is at or below it.

    A threshold at infinity parts missing values from the rest; they have a bin of their own.
    """
    finite = thresholds[thresholds < np.inf]
    if not float32:
        return finite
    single = finite.astype(np.float32)
    below = np.where(single > finite, np.nextafter(single, np.float32(-np.inf)), single)
    return np.unique(below).astype(np.float64)


def _takes_missing(estimator: Any, features: int) -> bool:
    try:
        estimator.predict(as_input(estimator, np.full((1, features), np.nan)))
    except ValueError:
        return False
    return True


def _write_cell(graph: Graph, table: _Table) -> str:
    """Write the number of the cell that a row is in, (n, 1) int64."""
    strides = np.append(np.cumprod(np.array(table.bins[:0:-1], dtype=np.int64))[::-1], 1)
    trees = tuple(
        _search_tree(feature, cut, count, int(stride))
        for feature, (cut, count, stride) in enumerate(zip(table.cuts, table.bins, strides, strict=True))
        if count > 1
    )
    if not trees:
        return _write_zero(graph)
    ensemble = TreeEnsemble(trees, 1, None, None, table.float32, head="value")
    return graph.cast(write_sums(graph, "X", len(table.bins), ensemble), np.int64)


def _write_zero(graph: Graph) -> str:
    """Write as many zeros as there are rows, for an estimator that answers every row alike."""
    count = graph.node("Gather", graph.node("Shape", "X"), graph.constant(np.array([0])), axis=0)
    shape = graph.node("Concat", count, graph.constant(np.array([1])), axis=0)
    return graph.node("Expand", graph.constant(np.array([[0]])), shape)


def _search_tree(feature: int, cut: Floats, bins: int, stride: int) -> Tree:
    """Return a balanced tree that finds the bin of a value among `cut`; the last of more bins is for missing values."""
    nodes: list[tuple[float, int, int, float]] = []  # threshold, left, right, value

    def grow(first: int, last: int) -> int:
        place = len(nodes)
        nodes.append((0.0, -1, -1, float(first * stride)))
        if first < last:
            middle = (first + last) // 2
            nodes[place] = (float(cut[middle]), grow(first, middle), grow(middle + 1, last), 0.0)
        return place

    if bins > len(cut) + 1:  # every number is at or below infinity, a missing value is not
        nodes.append((np.inf, 1, -1, 0.0))
        grow(0, len(cut))
        nodes[0] = (np.inf, 1, len(nodes), 0.0)
        nodes.append((0.0, -1, -1, float((bins - 1) * stride)))
    else:
        grow(0, len(cut))
    threshold, left, right, value = (np.array(column) for column in zip(*nodes, strict=True))
    return Tree(
        feature=np.full(len(nodes), feature, dtype=np.int64),
        threshold=threshold,
        left=left,
        right=right,
        missing_left=np.zeros(len(nodes), dtype=np.bool_),
        values=value[:, np.newaxis],
    )


def _write_answers(graph: Graph, estimator: Any, grid: Floats, cell: str, name: str) -> onnx.ModelProto:
    def look_up(table: NDArray[Any]) -> str:
        return graph.node("GatherND", graph.constant(table), cell)

    rows = as_input(estimator, grid)
    if task_of(estimator) == "regression":
        return regressor_model(graph, look_up(estimator.predict(rows)[:, np.newaxis]), estimator, name)
    index = np.searchsorted(estimator.classes_, estimator.predict(rows))
    return classifier_model(graph, look_up(index), look_up(estimator.predict_proba(rows)), estimator, name)
