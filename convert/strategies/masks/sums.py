"""Bytes become sums: each lane's byte picks a leaf's value, and values add up in the order of the trees.

They add up from the ensemble's base, which is in the values of the first tree already: the first addition is made
here, and is the same. ReduceSum promises no order; over the first axis, with two rows or more, onnxruntime adds one
lane after the other to all rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convert.graph.graph import Graph, Value
from convert.graph.trees import TreeEnsemble
from convert.strategies.masks.lanes import BYTES, Lane


def write_sums_of_lanes(
    graph: Graph, bytes_of_lanes: Value, lanes: Sequence[Lane], ensemble: TreeEnsemble, dtype: type[np.floating]
) -> Value:
    """Write the sums, (n, sums) of the type `dtype`, from (lanes, n) uint8; lanes are in the order of `by_sum`."""
    parts, of_parts = [bytes_of_lanes], [lanes]
    if ensemble.one_output and ensemble.sums > 1:
        targets = [ensemble.trees[lane.tree].target for lane in lanes]
        of_parts = [
            [lane for lane, target in zip(lanes, targets, strict=True) if target == number]
            for number in range(ensemble.sums)
        ]
        parts = graph.split(bytes_of_lanes, [len(each) for each in of_parts])
    numbers = [graph.cast(part, np.int32, "leaf") for part in parts]
    sums = []
    for number in range(ensemble.sums):
        part, output = (number, 0) if len(parts) > 1 else (0, number)
        values = graph.constant(_values(of_parts[part], ensemble, number, output, dtype))
        leaves = graph.node("GatherElements", values, numbers[part], axis=1, name="leaves")
        sums.append(graph.node("ReduceSum", leaves, graph.constant(np.array([0])), keepdims=1, name="sum"))
    joined = graph.node("Concat", *sums, axis=0, name="sums") if len(sums) > 1 else sums[0]
    return graph.node("Transpose", joined, perm=np.array([1, 0]), name="leaf_sums")


def by_sum(lanes: Sequence[Lane], ensemble: TreeEnsemble) -> list[Lane]:
    """Return the lanes in the order of the sums that they add to, those of a sum in the order of the trees."""
    if not ensemble.one_output:
        return list(lanes)
    return sorted(lanes, key=lambda lane: ensemble.trees[lane.tree].target)


def _values(
    lanes: Sequence[Lane], ensemble: TreeEnsemble, number: int, output: int, dtype: type[np.floating]
) -> NDArray[np.floating]:
    """Return the values of each lane's leaves by its byte, (lanes, BYTES); the first tree's with the base added."""
    values = np.full((len(lanes), BYTES), -0.0, dtype)
    base = dtype(0.0 if ensemble.base is None else ensemble.base[number])
    for row, lane in zip(values, lanes, strict=True):
        leaves = ensemble.trees[lane.tree].values[list(lane.leaves.values()), output].astype(dtype)
        row[list(lane.leaves)] = base + leaves if lane.tree == lanes[0].tree else leaves
    return values
