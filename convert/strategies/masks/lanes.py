"""Trees become lanes: groups of leaves whose masks' numbers add up to a byte."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import NamedTuple

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
"""Up to how many lanes a tree has, on average. With 12, masks were 1.4 times as fast as walking; with 43, a fifth."""
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
        if _numbered(seen, starts[-1], end).sums > BYTES:
            starts.append(end - 1)
    return [*starts, leaves]


class _Numbered(NamedTuple):
    """How many sums a group of leaves takes, and the axes that share a digit for where the row is outside of it."""

    sums: int
    sharing: Collection[int]


def _numbered(seen: Mapping[int, _Seen], first: int, last: int) -> _Numbered:
    """Return how the masks of the leaves from `first` to before `last` take the fewest sums.

    An axis with m masks is a digit of m values. Where it closes all leaves, the row is outside of the group: that is a
    value more, or else 1 is added to a digit that such axes share, which has a value more for each of them. So those
    share it that have few masks, of which one more would be much.
    """
    counts, closing = {}, []
    for axis, each in seen.items():
        masks = set(_within(each.masks, first, last))
        counts[axis] = max(1, len(masks - {0}))
        if 0 in masks:
            closing.append(axis)
    closing.sort(key=counts.__getitem__)
    product = prod(counts.values())
    least = sum(counts[axis] == 1 for axis in closing)
    return min(
        _Numbered(
            product
            * (sharing + 1)
            * prod(counts[axis] + 1 for axis in closing[sharing:])
            // prod(counts[axis] for axis in closing[sharing:]),
            closing[:sharing],
        )
        for sharing in range(least, len(closing) + 1)
    )


def _within(masks: Sequence[Mask], first: int, last: int) -> list[Mask]:
    every = (1 << (last - first)) - 1
    return [mask >> first & every for mask in masks]


def _lane(place: int, leaves: Sequence[int], seen: Mapping[int, _Seen], first: int, last: int) -> Lane:
    """Return the lane of a group of leaves, with the digits of `_numbered`."""
    sharing = _numbered(seen, first, last).sharing
    summands: dict[int, NDArray[np.uint8]] = {}
    combined, stride = {0: (1 << (last - first)) - 1}, 1
    of_group = {axis: _within(each.masks, first, last) for axis, each in seen.items()}
    for axis, masks in of_group.items():
        told = [mask for mask in dict.fromkeys(masks) if mask or axis not in sharing]
        numbers = {mask: number * stride for number, mask in enumerate(told or [0])}
        combined = {byte + at: left & mask for byte, left in combined.items() for mask, at in numbers.items()}
        if len(numbers) > 1:
            summands[axis] = np.array([numbers.get(mask, 0) for mask in masks], np.uint8)[seen[axis].of_interval]
        stride *= len(numbers)
    for axis in sharing:
        outside = np.array([0 if mask else stride for mask in of_group[axis]], np.uint8)[seen[axis].of_interval]
        summands[axis] = summands[axis] + outside if axis in summands else outside
    found = {byte: leaves[first + left.bit_length() - 1] for byte, left in combined.items() if left}
    return Lane(place, summands, found)
