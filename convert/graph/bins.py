"""Which bin a number is in: balanced search trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from convert.estimator.features import Floats
from convert.graph.graph import Graph, Value
from convert.graph.heads import Sum
from convert.graph.sums import write_sums
from convert.graph.trees import Tree, TreeEnsemble


def write_bins(graph: Graph, values: Value, cuts: Floats) -> Value:
    """Write which bin each of `values`, (n, 1), is in: how many of the sorted `cuts` are below it, (n, 1) int64."""
    if not len(cuts):
        return graph.cast(graph.node("Less", values, values), np.int64)
    tree = search_tree(0, cuts, len(cuts) + 1, 1)
    ensemble = TreeEnsemble((tree,), 1, None, None, float32=False, head=Sum())
    return graph.cast(write_sums(graph, values, 1, ensemble), np.int64)


def write_places(graph: Graph, rows: Value, cuts: Sequence[Floats], *, starts: bool = False) -> Value:
    """Write which bin each number of `rows`, (n, columns), is in: how many of its column's sorted cuts are below it.

    Returns (n, columns) int64; with `starts`, the bins of a column are counted on from those in front of it.
    """
    trees = tuple(replace(search_tree(place, cut, len(cut) + 1, 1), target=place) for place, cut in enumerate(cuts))
    ensemble = TreeEnsemble(trees, len(cuts), None, None, float32=False, head=Sum())
    places = write_sums(graph, rows, len(cuts), ensemble)
    if starts and len(cuts) > 1:
        before = np.cumsum([0, *(len(cut) + 1 for cut in cuts[:-1])])
        places = graph.node("Add", places, graph.constant(before.astype(np.float64)))
    return graph.cast(places, np.int64, "bins")


def search_tree(feature: int, cut: Floats, bins: int, stride: int) -> Tree:
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
