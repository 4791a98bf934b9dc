"""The graph for many rows: another way to compute the sums of trees, the same bits, faster from some rows on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import onnx
from sklearn.utils import get_tags

from convert.errors import ConvertError, during
from convert.estimator.fitted import parts_of
from convert.graph.graph import Graph, Value
from convert.graph.transformers.table import is_curve
from convert.graph.trees import TreeEnsemble
from convert.oracle.oracle import Oracle
from convert.strategies import trees
from convert.strategies.masks import cost, strategy
from convert.strategies.masks.cost import Cost

LEAST_GAIN = 150.0
"""How many ns it is to save with each row at the least. A companion of 0.75 MB takes 10 ms to be loaded, beside what it
takes to fetch it: as much as this gains on 65,000 rows."""


@dataclass(frozen=True, slots=True)
class ManyRows:
    """A graph for many rows.

    strategy: how it was written.
    from_rows: from how many rows on it is faster than the model file's own.
    batch_rows: how many rows it is best given at once.
    """

    strategy: str
    graph: onnx.ModelProto
    from_rows: int
    batch_rows: int


def write_many_rows(oracle: Oracle, name: str) -> ManyRows | None:
    """Return the fastest graph for many rows of an estimator that is made of trees; None where its own is that."""
    best: tuple[float, ManyRows] | None = None
    for way, graph in write_each(oracle, name):
        if way.own.row < max(way.this.row + LEAST_GAIN, way.this.row * way.gain):
            continue
        from_rows = way.this.faster_from(way.own)
        if from_rows <= cost.BATCH_ROWS and (best is None or way.this.row < best[0]):
            best = way.this.row, ManyRows(way.name, graph, from_rows, cost.BATCH_ROWS)
    return None if best is None else best[1]


def write_each(oracle: Oracle, name: str) -> Iterator[tuple[Way, onnx.ModelProto]]:
    """Yield each way that there is for an estimator's trees, worth while or not, and its graph."""
    ways: list[Way] = [ByMasks(missing=_may_be_missing(oracle)), ByVotes()]
    for way in ways:
        try:
            with during(f"it was written by {way.name}", oracle.estimator):
                graph = trees.write_graph(oracle, name, way)
        except ConvertError:  # too large, or not made for it
            continue
        yield way, graph


class Way(Protocol):
    """Writes sums; knows afterwards what those cost, and what the tree operator's do.

    gain: how many times as fast it is to be at the least, by the model of costs.
    """

    name: str
    gain: float
    own: Cost
    this: Cost

    def __call__(self, graph: Graph, rows: Value, width: int, ensemble: TreeEnsemble, /) -> Value:
        """Write the sums as `convert.graph.sums.write_sums` does; raise ConvertError where it is not made for them."""


class ByMasks:
    """By masks; `missing` says whether NaN may come."""

    name = strategy.NAME
    gain = 1.1  # the model is about so far off
    own: Cost
    this: Cost

    def __init__(self, *, missing: bool) -> None:
        self._missing = missing

    def __call__(self, graph: Graph, rows: Value, width: int, ensemble: TreeEnsemble, /) -> Value:
        """Write the sums."""
        plan = strategy.plan_of(ensemble, width)
        self.own, self.this = cost.of_tree_operator(ensemble), cost.of_masks(plan)
        return strategy.write_plan(graph, rows, plan, missing=self._missing)


class ByVotes:
    """By one sum for the votes for all classes."""

    name = strategy.NAME_OF_VOTES
    gain = 1.0  # the same operator, which has less to do
    own: Cost
    this: Cost

    def __call__(self, graph: Graph, rows: Value, width: int, ensemble: TreeEnsemble, /) -> Value:
        """Write the sums."""
        sums = strategy.write_votes(graph, rows, width, ensemble)
        self.own, self.this = cost.of_tree_operator(ensemble), cost.of_votes(ensemble)
        return sums


def _may_be_missing(oracle: Oracle) -> bool:
    """Whether NaN may come to the trees: from the row; or from what stands in front, as of a string that is unknown.

    In front of curves, which trees look past, it also stands for what a curve makes no number of.
    """
    if any(each.nan for each in oracle.accepts):
        return True
    try:
        takes = bool(get_tags(oracle.last).input_tags.allow_nan)
    except AttributeError:  # as another package's
        takes = True
    return bool(oracle.transformers) and (takes or any(map(is_curve, parts_of(oracle.estimator))))
