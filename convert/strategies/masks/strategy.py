"""The sums of an ensemble by masks, and by one operator where its trees only vote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from convert.errors import ConvertError
from convert.graph.graph import Graph, Value
from convert.graph.sums import write_sums
from convert.graph.trees import TreeEnsemble
from convert.strategies.masks.axes import Axis, axes_of
from convert.strategies.masks.lanes import BYTES, MOST_BYTES, Lane, lanes_of
from convert.strategies.masks.lookup import Layout, layout_of, table_bytes, write_bytes
from convert.strategies.masks.places import write_intervals
from convert.strategies.masks.sums import by_sum, write_sums_of_lanes
from convert.strategies.masks.votes import Votes, votes_of

NAME = "bit masks"
NAME_OF_VOTES = "votes in one sum"
MOST_SUMS = 64
"""Each is looked up, and added up, by nodes of its own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written: the ensemble, with one sum for all classes where it has votes; its axes and lanes."""

    ensemble: TreeEnsemble
    votes: Votes | None
    axes: Sequence[Axis]
    lanes: Sequence[Lane]
    layout: Layout

    @property
    def single(self) -> bool:
        """Whether rows are compared in float32."""
        return self.ensemble.float32 or self.ensemble.single

    @property
    def dtype(self) -> type[np.floating]:
        """The type in which sums add up."""
        if self.votes is not None:
            return self.votes.dtype
        return np.float32 if self.ensemble.single else np.float64


def plan_of(ensemble: TreeEnsemble, width: int) -> Plan:
    """Return how an ensemble for rows of `width` is written; raise ConvertError if that is not worth while."""
    found = votes_of(ensemble)
    votes, ensemble = (None, ensemble) if found is None else found
    if ensemble.sums > MOST_SUMS:
        raise ConvertError(f"it has {ensemble.sums} sums, masks are made for at most {MOST_SUMS}")
    if not any((tree.left != -1).any() for tree in ensemble.trees):
        raise ConvertError("its trees compare nothing")
    axes = axes_of(ensemble, width)
    lanes = by_sum(lanes_of(ensemble, axes, width), ensemble)
    plan = Plan(ensemble, votes, axes, lanes, layout_of(axes, lanes))
    if not plan.layout.shared and not plan.layout.rare:
        raise ConvertError("its trees tell no rows apart")
    if ensemble.one_output and len({tree.target for tree in ensemble.trees}) < ensemble.sums:
        raise ConvertError("some of its sums have no trees")
    outputs = 1 if ensemble.one_output else ensemble.sums
    size = len(lanes) * outputs * BYTES * np.dtype(plan.dtype).itemsize + table_bytes(axes, lanes, plan.layout)
    if size > MOST_BYTES:
        raise ConvertError(f"its tables would take {size:,} bytes, at most {MOST_BYTES:,} are written")
    return plan


def write_plan(graph: Graph, rows: Value, plan: Plan, *, missing: bool) -> Value:
    """Write the sums of an ensemble for `rows` (n, width) float64: (n, sums) float64, the bits of `write_sums`.

    missing: whether values may be NaN.
    """
    intervals = write_intervals(graph, rows, plan.axes, single=plan.single, missing=missing)
    found = write_bytes(graph, intervals, plan.axes, plan.lanes, plan.layout)
    sums = write_sums_of_lanes(graph, found, plan.lanes, plan.ensemble, plan.dtype)
    return _finished(graph, sums, plan.votes, plan.ensemble)


def write_votes(graph: Graph, rows: Value, width: int, ensemble: TreeEnsemble) -> Value:
    """Write the sums of an ensemble that votes by one sum of the tree operator; raise ConvertError for another."""
    found = votes_of(ensemble)
    if found is None:
        raise ConvertError("its leaves do not vote for one class each")
    votes, counted = found
    return _finished(graph, write_sums(graph, rows, width, replace(counted, divisor=None)), votes, counted)


def _finished(graph: Graph, sums: Value, votes: Votes | None, ensemble: TreeEnsemble) -> Value:
    if votes is not None:
        sums = votes.write_counts(graph, sums)
    elif sums.dtype != np.float64:
        sums = graph.cast(sums, np.float64)
    if ensemble.divisor is not None:
        sums = graph.node("Div", sums, graph.constant(np.float64(ensemble.divisor)), name="mean")
    return sums
