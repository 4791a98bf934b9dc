"""The raw sums of an ensemble of trees: scikit-learn's own comparisons and additions, in its own precision and order.

Where scikit-learn rounds rows to float32 before it compares them, a threshold is the largest float64 number that rounds
to it or below; leaves add up in the order of the trees, from the sums that scikit-learn starts with. With one thread
onnxruntime adds in that order too, and the sums are the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import Floats
from convert.graph.graph import Graph, Value
from convert.graph.tree_operator import Leaves, rounded, write_tree_ensemble
from convert.graph.trees import Blank, Sides, Tree, TreeEnsemble


def write_sums(graph: Graph, rows: Value, width: int, ensemble: TreeEnsemble) -> Value:
    """Write the raw sums of `ensemble` for `rows` (n, width) float64; return their name, (n, sums) float64."""
    if ensemble.single:
        rows = graph.cast(graph.cast(rows, np.float32), np.float64, "rounded")
    if ensemble.blank is not None:
        rows = _write_blanks(graph, rows, ensemble.blank)
    if ensemble.sides:
        rows, width = _write_sides(graph, rows, width, ensemble.sides)
    if ensemble.single:
        return graph.cast(_write_scalar_sums(graph, graph.cast(rows, np.float32), width, ensemble), np.float64)
    if ensemble.float32:
        ensemble = replace(ensemble, trees=tuple(rounded(tree) for tree in ensemble.trees))
    write = _write_scalar_sums if ensemble.one_output else _write_vector_sums
    sums = write(graph, rows, width, ensemble)
    if ensemble.divisor is not None:
        sums = graph.node("Div", sums, graph.constant(np.float64(ensemble.divisor)), name="mean")
    return sums


def _write_blanks(graph: Graph, rows: Value, blank: Blank) -> Value:
    """Write the rows with NaN in the place of the numbers that are missing."""
    away = rows if blank.centre == 0 else graph.node("Sub", rows, graph.constant(np.float64(blank.centre)))
    present = graph.node("Greater", graph.node("Abs", away), graph.constant(blank.sizes))
    return graph.node("Where", present, rows, graph.constant(np.float64(np.nan)), name="present")


def _write_sides(graph: Graph, rows: Value, width: int, sides: Sequence[Sides]) -> tuple[Value, int]:
    """Write, beside the rows, a column for each split by a set of categories; return them all, and their number.

    The operator has such splits, too (BRANCH_MEMBER): there, 100 trees took 5.4 to 10.3 µs a row where this takes 3.9
    to 7.7, and files were up to 1.7 times as large.
    """
    made = [rows]
    for each in sides:
        value = graph.node("Gather", rows, graph.constant(np.int64(each.feature)), axis=1, name="category")
        count = graph.constant(np.float64(len(each.goes_right) - 2))
        place = graph.node("Where", graph.node("Less", value, count), value, count)
        above = graph.node("Greater", value, graph.constant(np.float64(each.above)))
        last = graph.constant(np.float64(-1))  # as an index, which NaN is none of
        place = graph.node("Where", graph.node("IsNaN", value), last, graph.node("Where", above, place, count))
        right = graph.node("Gather", graph.constant(each.goes_right), graph.cast(place, np.int64), axis=0)
        made.append(graph.cast(right, np.float64, "goes_right"))
        width += each.goes_right.shape[1]
    return graph.node("Concat", *made, axis=1, name="rows_and_sides"), width


def _write_scalar_sums(graph: Graph, rows: Value, width: int, ensemble: TreeEnsemble) -> Value:
    """Let the operator add up. It adds base values last, so the base goes in front, as trees of one leaf."""
    first = [_leaf(value, target) for target, value in enumerate([] if ensemble.base is None else ensemble.base)]
    trees = [*first, *ensemble.trees]
    leaves = [Leaves(np.full(len(tree.left), tree.target), tree.values[:, 0]) for tree in trees]
    return write_tree_ensemble(graph, rows, width, trees, leaves, ensemble.sums)


def _write_vector_sums(graph: Graph, rows: Value, width: int, ensemble: TreeEnsemble) -> Value:
    """Let the operator add up leaves of one class each, as fully grown trees have them; a zero changes no sum."""
    if leaves_are_scalar(ensemble):
        leaves = [Leaves(_first_of_largest(tree.values), tree.values.sum(axis=1)) for tree in ensemble.trees]
        return write_tree_ensemble(graph, rows, width, ensemble.trees, leaves, ensemble.sums)
    return _write_vectors(graph, rows, width, ensemble)


def leaves_are_scalar(ensemble: TreeEnsemble) -> bool:
    """Whether each leaf adds to one sum, or to no other more than zero."""
    if ensemble.one_output:
        return True
    return all((np.count_nonzero(tree.values[tree.left == -1], axis=1) <= 1).all() for tree in ensemble.trees)


def _write_vectors(graph: Graph, rows: Value, width: int, ensemble: TreeEnsemble) -> Value:
    """Let the operator find the leaf of each tree, take the leaves' vectors from a table, and add those up.

    A leaf of the operator adds to one sum only, and a copy of each tree for each class takes longer. ReduceSum promises
    no order; over the first axis, with two classes or more, onnxruntime adds one tree after the other to all sums.
    """
    places = [np.flatnonzero(tree.left == -1) for tree in ensemble.trees]
    every = np.concatenate([tree.values[place] for tree, place in zip(ensemble.trees, places, strict=True)])
    table, numbers = np.unique(every, axis=0, return_inverse=True)
    leaves, start = [], 0
    for position, (tree, place) in enumerate(zip(ensemble.trees, places, strict=True)):
        number = np.zeros(len(tree.left))
        number[place] = numbers[start : start + len(place)]
        leaves.append(Leaves(np.full(len(tree.left), position), number))
        start += len(place)
    found = write_tree_ensemble(graph, rows, width, ensemble.trees, leaves, len(ensemble.trees))
    if len(ensemble.trees) == 1:
        return graph.node("GatherND", graph.constant(table), graph.cast(found, np.int64), name="raw_sums")
    by_tree = graph.node("Transpose", graph.cast(found, np.int32), perm=np.array([1, 0]))
    vectors = graph.node("Gather", graph.constant(table), by_tree, axis=0, name="leaves")
    return graph.node("ReduceSum", vectors, graph.constant(np.array([0])), keepdims=0, name="raw_sums")


def _first_of_largest(values: Floats) -> NDArray[np.int64]:
    return np.abs(values).argmax(axis=1)


def _leaf(value: float, target: int) -> Tree:
    """Return a tree that is one leaf."""
    none = np.array([-1])
    return Tree(np.array([0]), np.zeros(1), none, none, np.array([False]), np.array([[value]]), target)
