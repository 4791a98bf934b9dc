"""Tabulated: a tree ensemble is constant on each cell of the grid that its thresholds make.

Where the cells are few, scikit-learn itself is asked once per cell, and the graph looks the answer up: one balanced
search tree per feature, whose leaves add bin * stride up to the number of the cell. The answers are scikit-learn's
own, bit for bit.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.estimator.floats import neighbours
from convert.graph.answers import Labelled, classifier_model, regressor_model
from convert.graph.bins import search_tree
from convert.graph.ensembles.table import read_trees, read_whole
from convert.graph.graph import Graph, Value
from convert.graph.heads import Sum
from convert.graph.sums import write_sums
from convert.graph.trees import TreeEnsemble
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.oracle.thresholds import tree_thresholds

NAME = "tabulated"
MAX_CELLS = 2**16
"""The largest grid: scikit-learn is asked once per cell."""
MAX_BYTES = 2**21
"""The largest table, about the largest grid with three classes: every cold start reads it."""


def write_graph(oracle: Oracle, name: str) -> onnx.ModelProto:
    """Return the estimator as a table; raise ConvertError if it is not made of trees or has too many cells."""
    table = _table(oracle)
    graph = Graph(oracle.width)
    cell = _write_cell(graph, table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _write_answers(graph, oracle, table.rows(), cell, name)


def every_cell(oracle: Oracle) -> Floats:
    """Return a row in each cell, (cells, features); raise ConvertError as `write_graph` does."""
    return _table(oracle).rows()


class _Axis(NamedTuple):
    """A feature's bins: their ends but the last, sorted, and a value in each; the last may be for missing values."""

    cuts: Floats
    values: Floats

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.values)


@dataclass(frozen=True, slots=True)
class _Table:
    """The grid: an axis for each feature, and whether rows are rounded to float32 before they are looked up."""

    axes: Sequence[_Axis]
    float32: bool

    def rows(self) -> Floats:
        """Return a row in each cell, in the cells' order: (cells, features)."""
        bins = [axis.bins for axis in self.axes]
        cells, columns = int(np.prod(bins)), []
        for place, axis in enumerate(self.axes):  # numpy knows no grid of more than 64 axes
            below = int(np.prod(bins[place + 1 :]))
            columns.append(np.tile(np.repeat(axis.values, below), cells // (axis.bins * below)))
        return np.stack(columns, axis=1)


def _table(oracle: Oracle) -> _Table:
    float32 = read_whole(oracle.last).float32 and not oracle.transformers
    turns = _turns(oracle)
    axes = [
        _axis(found, accepts, float(start), "float32" if float32 else feature.dtype)
        for found, accepts, start, feature in zip(turns, oracle.accepts, oracle.row, oracle.features, strict=True)
    ]
    cells = int(np.prod([axis.bins for axis in axes], dtype=object))
    if cells > MAX_CELLS:
        raise ConvertError(f"its thresholds make {cells:,} cells, at most {MAX_CELLS:,} are tabulated")
    size = cells * 8 * (1 + len(oracle.classes))
    if size > MAX_BYTES:
        raise ConvertError(f"its table would take {size:,} bytes, at most {MAX_BYTES:,} are written")
    return _Table(axes, float32)


def _turns(oracle: Oracle) -> list[Floats | None]:
    """Return, for each feature, the last values before the answer may change; None where it never does.

    Raises ConvertError where trees split on a column that is not known to be made from one feature in an order.
    """
    splits = read_trees(oracle.last).thresholds(int(oracle.last.n_features_in_))
    turns: list[Floats | None] = [None] * len(oracle.features)
    thresholds = tree_thresholds(oracle)
    for split, origin in zip(splits, oracle.traced.columns or [None] * len(splits), strict=True):
        if not len(split):
            continue
        if origin is None or origin.how == "replaced":
            raise ConvertError("its trees split on what is not made from a single feature")
        known = oracle.categories(origin.feature) if origin.how == "category" else np.empty(0)
        lowest = split[split == -np.inf]  # HistGradientBoosting tells minus infinity from the rest
        before = turns[origin.feature]
        below = neighbours(known, -np.inf, oracle.features[origin.feature].dtype)
        parts = [thresholds[origin.feature], known, below, lowest]
        turns[origin.feature] = np.unique(np.concatenate([*parts, np.empty(0) if before is None else before]))
    return turns


def _axis(turns: Floats | None, accepts: Accepts, start: float, dtype: str) -> _Axis:
    """Return the bins of a feature that answers may change with after each of `turns`."""
    missing = [np.nan] if accepts.nan and turns is not None else []
    if turns is None:
        return _Axis(np.empty(0), np.array([start]))
    if accepts.values:  # there are no others: each has a bin
        values = np.array(accepts.values)
        return _Axis(values[:-1], np.array([*values, *missing]))
    cuts = _cuts(turns, dtype)
    cuts = cuts[cuts < (np.inf if accepts.high is None else accepts.high)]  # beyond it nothing is asked
    if not len(cuts):
        return _Axis(cuts, np.array([0.0 if np.isnan(start) else start, *missing]))
    last = float(neighbours(cuts[-1], np.inf, dtype))
    last = last if accepts.high is None else min(last, accepts.high)
    return _Axis(cuts, np.array([*cuts, last, *missing]))


def _cuts(thresholds: Floats, dtype: str) -> Floats:
    """Return the ends of the bins but the last: each threshold as the largest number of the type at or below it."""
    if dtype == "float64":
        return thresholds
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(dtype).astype(np.float64)
    return np.unique(np.where(rounded > thresholds, neighbours(rounded, -np.inf, dtype), rounded))


def _write_cell(graph: Graph, table: _Table) -> Value:
    """Write the number of the cell that a row is in, (n, 1) int64."""
    bins = [axis.bins for axis in table.axes]
    strides = np.append(np.cumprod(np.array(bins[:0:-1], dtype=np.int64))[::-1], 1)
    trees = tuple(
        search_tree(feature, axis.cuts, axis.bins, int(stride))
        for feature, (axis, stride) in enumerate(zip(table.axes, strides, strict=True))
        if axis.bins > 1
    )
    if not trees:
        return _write_zero(graph)
    ensemble = TreeEnsemble(trees, 1, None, None, table.float32, head=Sum())
    return graph.cast(write_sums(graph, graph.rows, len(table.axes), ensemble), np.int64, "cell")


def _write_zero(graph: Graph) -> Value:
    """Write as many zeros as there are rows, for an estimator that answers every row alike.

    No number, nor NaN, is less than itself. Expand would say it shorter, but the service loads no such operator: it
    makes memory out of a number in the file.
    """
    first = graph.node("Gather", graph.rows, graph.constant(np.array([0])), axis=1)
    return graph.cast(graph.node("Less", first, first), np.int64, "cell")


def _write_answers(graph: Graph, oracle: Oracle, grid: Floats, cell: Value, name: str) -> onnx.ModelProto:
    def look_up(table: NDArray[Any]) -> Value:
        return graph.node("GatherND", graph.constant(table), cell, name="of_cell")

    predicted, probabilities = oracle.predict(grid), oracle.predict_proba(grid)
    if oracle.task == "regression":
        return regressor_model(graph, look_up(predicted[:, np.newaxis]), name)
    index = np.searchsorted(oracle.classes, predicted)
    looked_up = None if probabilities is None else look_up(probabilities)
    return classifier_model(graph, Labelled(look_up(index), looked_up), oracle.classes, name)
