"""What a graph costs: some time for a call, and some for each row of it. A small model, fitted to measurements.

No graph is timed when an estimator is exported: the same estimator is to give the same bytes. What is counted instead
are nodes, lanes, tables and comparisons, and what each takes was measured once, on many ensembles, by
`python -m benchmarks.conversion.costs`, which prints the tables below. Only ratios matter; `make bench` shows for each
of its models whether the faster graph was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log2

import numpy as np

from convert.graph.sums import leaves_are_scalar
from convert.graph.trees import Tree, TreeEnsemble
from convert.strategies.masks.lookup import table_bytes, told_apart, turns
from convert.strategies.masks.places import MOST_CUTS, grid_of
from convert.strategies.masks.strategy import Plan
from convert.strategies.masks.votes import votes_of

type Counts = Mapping[str, float]
"""How often a row, or a call, does what takes time."""

TREE_OPERATOR: Mapping[str, float] = {"row": 66.0, "trees": 2.0, "steps": 4.66, "targets": 4.1, "vectors": 13.0}
"""ns of a row for each, by the tree operator."""
MASKS: Mapping[str, float] = {
    "row": 20.0,
    "axes": 3.3,
    "searched": 16.5,
    "tables": 10.8,
    "bytes": 0.117,
    "far bytes": 0.066,
    "rare": 0.38,
    "brought": 0.133,
    "lanes": 0.16,
    "leaves": 1.1,
}
"""The same, by masks. How many cuts are compared with makes no difference that shows."""
CACHED_BYTES = 2**21
"""How many bytes of tables are near to the processor; the rest is far."""
NODE = 700.0
"""ns of a call for each node: from 290 to 1,350, 430 at the median, rather too many than too few."""
BATCH_ROWS = 504
"""How many rows are best scored at once, or within 4 % of that, of what was tried from 250 to 1,000: more are not in
cache, fewer do not outweigh the nodes. Like the 1,024 of other graphs, it is a multiple of 8: the exponentials at the
end of a batch, where no whole vector is left, have other last bits than those before, and so they are of the same rows,
whichever graph scores them."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a graph takes, in ns: for a call, and for each of its rows."""

    call: float
    row: float

    def faster_from(self, other: Cost) -> int:
        """Return from how many rows on it is faster than another that takes more for a row; at least 2."""
        return max(2, ceil((self.call - other.call) / (other.row - self.row)))


def counts_of_tree_operator(ensemble: TreeEnsemble) -> Counts:
    """Return what a row does in the tree operator: its steps are as many as leaves are deep."""
    several = ensemble.sums > 1
    return {
        "row": 1,
        "trees": len(ensemble.trees),
        "steps": sum(map(_depth, ensemble.trees)),
        "targets": len(ensemble.trees) if several and leaves_are_scalar(ensemble) else 0,
        "vectors": len(ensemble.trees) if several and not leaves_are_scalar(ensemble) else 0,
    }


def _depth(tree: Tree) -> float:
    """Return how deep a tree's leaves are, in the mean."""
    level, depth, total, leaves = np.array([0]), 0, 0, 0
    while len(level):
        inner = level[tree.left[level] != -1]
        total += depth * (len(level) - len(inner))
        leaves += len(level) - len(inner)
        level, depth = np.concatenate([tree.left[inner], tree.right[inner]]), depth + 1
    return total / leaves


def counts_of_masks(plan: Plan) -> Counts:
    """Return what a row does by masks."""
    levels = [grid_of(axis.cuts).levels for axis in plan.axes]
    copied = len(plan.layout.shared) * len(plan.lanes)
    return {
        "row": 1,
        "axes": len(plan.axes),
        "searched": sum(
            log2(len(axis.cuts)) for axis, level in zip(plan.axes, levels, strict=True) if level > MOST_CUTS
        ),
        "tables": len(plan.layout.shared) + len(plan.layout.rare),
        "bytes": copied,
        "far bytes": copied * max(0.0, 1 - CACHED_BYTES / table_bytes(plan.axes, plan.lanes, plan.layout)),
        "rare": sum(told_apart(place, plan.lanes) for place in plan.layout.rare),
        "brought": turns(plan.layout.rare, plan.lanes) * len(plan.lanes),
        "lanes": len(plan.lanes),
        "leaves": len(plan.lanes) * (1 if plan.ensemble.one_output else plan.ensemble.sums),
    }


def nodes_of_masks(plan: Plan) -> int:
    """Return about how many nodes more than the tree operator's graph has that by masks."""
    levels = min(MOST_CUTS, max(grid_of(axis.cuts).levels for axis in plan.axes))
    tables = len(plan.layout.shared) + len(plan.layout.rare)
    return 14 + 4 * levels + 2 * tables + 2 * turns(plan.layout.rare, plan.lanes) + 3 * plan.ensemble.sums


def of_tree_operator(ensemble: TreeEnsemble) -> Cost:
    """Return what the tree operator takes for an ensemble."""
    return Cost(NODE, _sum(TREE_OPERATOR, counts_of_tree_operator(ensemble)))


def of_votes(ensemble: TreeEnsemble) -> Cost:
    """Return what the tree operator takes if an ensemble's votes go to one sum; there has to be more than one else."""
    found = votes_of(ensemble)
    if found is None:
        raise AssertionError("it votes")
    votes, counted = found
    own = _sum(TREE_OPERATOR, counts_of_tree_operator(counted))
    return Cost(NODE * (2 + 5 * votes.classes), own)


def of_masks(plan: Plan) -> Cost:
    """Return what masks take."""
    return Cost(NODE * nodes_of_masks(plan), _sum(MASKS, counts_of_masks(plan)))


def _sum(nanoseconds: Mapping[str, float], counts: Counts) -> float:
    return sum(nanoseconds[name] * count for name, count in counts.items())
