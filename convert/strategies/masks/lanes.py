"""Trees become lanes: groups of leaves whose masks' numbers add up to a byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.graph.trees import Sides, Tree, TreeEnsemble
from convert.strategies.masks.axes import Axis, splits_of

BYTES = 256
"""How many sums a byte can tell apart."""
MOST_BYTES = 2**25
"""How large tables may be: a function that scores many rows fetches them."""
MOST_LEAVES = 256
"""A tree of more takes more lanes than it is worth, and long to part."""
MOST_LANES = 16
"""Up to how many lanes a tree has, on average: beyond 8 or so, walking it is faster."""
TRIED = 8
"""After how many trees that is first looked at."""

type Mask = int
"""A set of leaves, a bit each, from left to right."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A group of a tree's leaves, which share a byte.

    tree: the tree's place in the ensemble.
    summands: for each axis that tells the leaves apart, (intervals + 1,) what it adds to the byte.
    leaves: the node of the leaf that is open, for each byte; for the others, none of the group is.
    """

    tree: int
    summands: Mapping[int, NDArray[np.uint8]]
    leaves: Mapping[int, int]


def lanes_of(ensemble: TreeEnsemble, axes: Sequence[Axis], width: int) -> list[Lane]:
    """Return the lanes of all trees, in their order; raise ConvertError if they would be too many to gain anything."""
    by_column = {axis.feature: place for place, axis in enumerate(axes)}
    splits = splits_of(ensemble, width)
    by_column |= {
        column: by_column[sides.feature] for column, (sides, _) in splits.items() if sides.feature in by_column
    }
    lanes, size = list[Lane](), 0
    for place, tree in enumerate(ensemble.trees):
        leaves = np.count_nonzero(tree.left == -1)
        if leaves > MOST_LEAVES or (place >= TRIED and len(lanes) > MOST_LANES * place):
            raise ConvertError(f"its trees are too large: tree {place} has {leaves:,} leaves, which masks are slow for")
        made = list(_lanes_of_tree(place, tree, axes, by_column, splits))
        lanes += made
        size += sum(len(summand) for lane in made for summand in lane.summands.values())
        if size > MOST_BYTES:
            raise ConvertError(f"its tables would take more than {MOST_BYTES:,} bytes from tree {place} on")
    return lanes


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a tree knows of an axis: masks, and which of them each interval leaves; some may be the same."""

    masks: Sequence[Mask]
    of_interval: NDArray[np.int64]


def _lanes_of_tree(
    place: int,
    tree: Tree,
    axes: Sequence[Axis],
    by_column: Mapping[int, int],
    splits: Mapping[int, tuple[Sides, int]],
) -> Iterator[Lane]:
    order, inner = _from_left_to_right(tree)
    below = _leaves_below(tree, order, inner)
    nodes: dict[int, list[int]] = {}
    for node in inner:
        nodes.setdefault(by_column[int(tree.feature[node])], []).append(node)
    seen = {axis: _seen(tree, axes[axis], those, below, len(order), splits) for axis, those in nodes.items()}
    for first, last in pairwise(_parted(seen, len(order))):
        yield _lane(place, order, seen, first, last)


def _from_left_to_right(tree: Tree) -> tuple[list[int], list[int]]:
    """Return the leaves from left to right, and the inner nodes, each before those below it."""
    leaves, inner, stack = [], [], [0]
    while stack:
        node = stack.pop()
        if tree.left[node] == -1:
            leaves.append(node)
        else:
            inner.append(node)
            stack += [int(tree.right[node]), int(tree.left[node])]
    return leaves, inner


def _leaves_below(tree: Tree, leaves: Sequence[int], inner: Sequence[int]) -> dict[int, Mask]:
    """Return the leaves below each node."""
    below: dict[int, Mask] = {leaf: 1 << bit for bit, leaf in enumerate(leaves)}
    for node in reversed(inner):
        below[node] = below[int(tree.left[node])] | below[int(tree.right[node])]
    return below


def _seen(
    tree: Tree,
    axis: Axis,
    nodes: Sequence[int],
    below: Mapping[int, Mask],
    leaves: int,
    splits: Mapping[int, tuple[Sides, int]],
) -> _Seen:
    """Return the masks that an axis has for a tree: an interval closes the leaves of the sides it does not go to."""
    lefts = np.array([axis.goes_left(tree, node, splits) for node in nodes])
    turns = (lefts[:, 1:] != lefts[:, :-1]).any(axis=0)  # from one interval to the next, most often none
    masks = []
    for way in lefts[:, np.append(True, turns)].T.tolist():
        mask = (1 << leaves) - 1
        for node, left in zip(nodes, way, strict=True):
            mask &= ~below[int(tree.right[node] if left else tree.left[node])]
        masks.append(mask)
    return _Seen(masks, np.append(0, np.cumsum(turns)))


def _parted(seen: Mapping[int, _Seen], leaves: int) -> list[int]:
    """Return where groups of neighbouring leaves begin, and where the last one ends: each as large as a byte allows."""
    starts = [0]
    for end in range(1, leaves + 1):
        if _combinations(seen, starts[-1], end) > BYTES:
            starts.append(end - 1)
    return [*starts, leaves]


def _combinations(seen: Mapping[int, _Seen], first: int, last: int) -> int:
    """Return how many sums the leaves from `first` to before `last` take: as `_lane` numbers their masks."""
    product, outside = 1, 1
    for each in seen.values():
        masks = set(_within(each.masks, first, last))
        if len(masks - {0}) > 1:
            product *= len(masks)
        elif 0 in masks:
            outside += 1
    return product * outside


def _within(masks: Sequence[Mask], first: int, last: int) -> list[Mask]:
    every = (1 << (last - first)) - 1
    return [mask >> first & every for mask in masks]


def _lane(place: int, leaves: Sequence[int], seen: Mapping[int, _Seen], first: int, last: int) -> Lane:
    """Return the lane of a group of leaves.

    An axis with several masks is a digit of the byte. One that only says whether the row is outside of the group, as a
    node far above it does, need not be told from the others like it: each adds 1 to one digit that they share.
    """
    summands: dict[int, NDArray[np.uint8]] = {}
    combined, stride, outside = {0: (1 << (last - first)) - 1}, 1, []
    for axis, each in seen.items():
        masks = _within(each.masks, first, last)
        distinct = dict.fromkeys(masks)
        if len(distinct.keys() - {0}) > 1:
            numbers = {mask: number * stride for number, mask in enumerate(distinct)}
            summands[axis] = np.array([numbers[mask] for mask in masks], np.uint8)[each.of_interval]
            combined = {byte + at: left & mask for byte, left in combined.items() for mask, at in numbers.items()}
            stride *= len(distinct)
            continue
        combined = {byte: left & max(masks) for byte, left in combined.items()}  # some leaves may never be open
        if 0 in distinct:
            outside.append(axis)
    for axis in outside:
        masks = _within(seen[axis].masks, first, last)
        summands[axis] = np.array([0 if mask else stride for mask in masks], np.uint8)[seen[axis].of_interval]
    found = {byte: leaves[first + left.bit_length() - 1] for byte, left in combined.items() if left}
    return Lane(place, summands, found)
