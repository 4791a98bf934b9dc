"""Intervals become bytes: from each feature's table the row of its interval, and their sum.

A feature whose intervals few trees tell apart would copy and add many bytes that say nothing. The tables of such
features have only the lanes that they tell apart, and these are brought to their lanes afterwards. Features with few
intervals share a table, with a row for each pair of theirs, or triple.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from convert.graph.graph import Graph, Value
from convert.strategies.masks.axes import Axis
from convert.strategies.masks.lanes import Lane

SHARED_BYTES = 200_000
"""How large a table may be that features share: it is to stay in cache. The default GradientBoosting gains 12 % so,
1 % by 50,000, and 15 % by 500,000, in a file that is larger by a fifth."""
RARE = 0.25
"""What part of the lanes a feature tells apart at the most whose table has those only."""

type Table = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layout:
    """How features are looked up.

    shared: the axes of each table that has all lanes; `rare` those of tables that have theirs only, one each.
    """

    shared: Sequence[Sequence[int]]
    rare: Sequence[int]


def layout_of(axes: Sequence[Axis], lanes: Sequence[Lane]) -> Layout:
    """Return the layout that looks up, copies and adds least."""
    told = [told_apart(place, lanes) for place in range(len(axes))]
    rare = [place for place, count in enumerate(told) if count < RARE * len(lanes)]
    shared = [[place] for place, count in enumerate(told) if place not in rare]
    while len(shared) > 1:
        shared.sort(key=lambda places: _rows(axes, places))
        if _rows(axes, shared[0] + shared[1]) * len(lanes) > SHARED_BYTES:
            break
        shared[:2] = [sorted(shared[0] + shared[1])]
    return Layout(shared, [place for place in rare if told[place]])


def told_apart(place: int, lanes: Sequence[Lane]) -> int:
    """Return how many lanes an axis tells apart."""
    return sum(place in lane.summands for lane in lanes)


def turns(rare: Sequence[int], lanes: Sequence[Lane]) -> int:
    """Return how many bytes of rare features the lane adds up that has most."""
    return max(sum(place in lane.summands for place in rare) for lane in lanes)


def table_bytes(axes: Sequence[Axis], lanes: Sequence[Lane], layout: Layout) -> int:
    """Return how many bytes the tables take."""
    shared = sum(_rows(axes, places) for places in layout.shared) * len(lanes)
    rare = sum(_rows(axes, [place]) * told_apart(place, lanes) for place in layout.rare)
    return shared + rare


def _rows(axes: Sequence[Axis], places: Sequence[int]) -> int:
    """Return how many rows the table of some axes has."""
    return prod(axes[place].missing + 1 for place in places)


def write_bytes(graph: Graph, intervals: Value, axes: Sequence[Axis], lanes: Sequence[Lane], layout: Layout) -> Value:
    """Write the byte of each lane, (lanes, n) uint8, from `intervals`, (axes, n) float32."""
    tables = [*layout.shared, *([place] for place in layout.rare)]
    rows = graph.cast(_rows_of_tables(graph, intervals, axes, tables), np.int32, "row")
    each = graph.split(rows, [1] * len(tables))
    found = None
    if layout.shared:
        found = _write_shared(graph, each[: len(layout.shared)], axes, lanes, layout.shared)
    if layout.rare:
        rare = _write_rare(graph, each[len(layout.shared) :], axes, lanes, layout.rare)
        found = rare if found is None else graph.node("Add", found, rare, name="bytes")
    if found is None:
        raise AssertionError("an ensemble that compares nothing is not written so")
    return found


def _rows_of_tables(graph: Graph, intervals: Value, axes: Sequence[Axis], tables: Sequence[Sequence[int]]) -> Value:
    """Write which row of each table a row of the batch looks up, (tables, n): whole numbers, which float32 holds."""
    if [list(places) for places in tables] == [[place] for place in range(len(axes))]:
        return intervals
    strides = np.zeros((len(tables), len(axes)), np.float32)
    for number, places in enumerate(tables):
        for before, place in enumerate(places):
            strides[number, place] = _rows(axes, places[before + 1 :])
    return graph.node("MatMul", graph.constant(strides), intervals, name="row")


def _write_shared(
    graph: Graph, rows: Sequence[Value], axes: Sequence[Axis], lanes: Sequence[Lane], tables: Sequence[Sequence[int]]
) -> Value:
    """Write the sums of what tables say that have all lanes: (lanes, n)."""
    found = None
    for row, places in zip(rows, tables, strict=True):
        table = np.zeros((1, len(lanes)), np.uint8)
        for place in places:
            own = _table(axes[place], place, lanes)
            table = (table[:, np.newaxis] + own[np.newaxis]).reshape(-1, len(lanes))
        looked_up = graph.node("Gather", graph.constant(table), row, axis=0, name="looked_up")
        found = looked_up if found is None else graph.node("Add", found, looked_up, name="bytes_of_row")
    if found is None:
        raise AssertionError("there are tables")
    return _by_lane(graph, found)


def _write_rare(
    graph: Graph, rows: Sequence[Value], axes: Sequence[Axis], lanes: Sequence[Lane], rare: Sequence[int]
) -> Value:
    """Write the sums of what tables say that have their own lanes only: (lanes, n).

    Those lanes stand below each other, behind one that is 0; each lane takes its first there, its second, and so on.
    """
    looked_up, count = list[Value](), 1
    taken = defaultdict[int, list[int]](list)
    for row, place in zip(rows, rare, strict=True):
        own = [number for number, lane in enumerate(lanes) if place in lane.summands]
        table = _table(axes[place], place, [lanes[number] for number in own])
        if not looked_up:
            table = np.concatenate([np.zeros((len(table), 1), np.uint8), table], axis=1)
        looked_up.append(graph.node("Gather", graph.constant(table), row, axis=0, name="looked_up"))
        for number in own:
            taken[number].append(count)
            count += 1
    joined = graph.node("Concat", *looked_up, axis=2, name="rare") if len(looked_up) > 1 else looked_up[0]
    every, found = _by_lane(graph, joined), None
    for turn in range(turns(rare, lanes)):
        places = [taken[number][turn] if turn < len(taken[number]) else 0 for number in range(len(lanes))]
        brought = graph.node("Gather", every, graph.constant(np.array(places)), axis=0, name="brought")
        found = brought if found is None else graph.node("Add", found, brought, name="bytes")
    if found is None:
        raise AssertionError("rare features tell some lane apart")
    return found


def _by_lane(graph: Graph, looked_up: Value) -> Value:
    """Write (1, n, lanes) as (lanes, n)."""
    flat = graph.node("Squeeze", looked_up, graph.constant(np.array([0])))
    return graph.node("Transpose", flat, perm=np.array([1, 0]), name="bytes")


def _table(axis: Axis, place: int, lanes: Sequence[Lane]) -> Table:
    """Return what the intervals of a feature add to each lane, (intervals + 1, lanes)."""
    none = np.zeros(axis.missing + 1, np.uint8)
    return np.stack([lane.summands.get(place, none) for lane in lanes], axis=1)
