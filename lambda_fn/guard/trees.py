"""The nodes of a tree operator form trees, and no tree is too deep. See `guard` for why.

See https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html, ..._TreeEnsembleClassifier.html and
..._TreeEnsembleRegressor.html for the attributes. Without numpy.lib, as CONTRIBUTING says: a cold start passes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.guard.protobuf import Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_LEVELS = 1000
"""The deepest tree. onnxruntime 1.32 recurses at load, about 750 bytes of stack a level (x86_64): of trees that are one
long chain it crashed from 10,200 levels with Lambda's 8 MB of stack, from 1,270 with 1 MB. 3 million nodes grown on
noise (500 trees on 20,000 rows) were 31 levels deep."""


def check_ensemble(lists: Mapping[str, Ints], n_targets: int) -> None:
    """Check the lists of a `TreeEnsemble`; raise ServiceError if its nodes are not trees.

    Inner nodes and leaves are numbered apart. A leaf may be in two places: a tree that is one leaf is written as an
    inner node with that leaf on both sides.
    """
    inner, leaves = len(lists["nodes_truenodeids"]), len(lists["leaf_targetids"])
    _check_targets(n_targets, leaves)
    children = np.empty((inner, 2), np.int32)
    for column, side in enumerate(("true", "false")):
        numbers, is_leaf = lists[f"nodes_{side}nodeids"], lists[f"nodes_{side}leafs"]
        _check_lengths(inner, numbers, is_leaf)
        _check_range(numbers, np.where(is_leaf == 0, inner, leaves).astype(np.int32), f"nodes_{side}nodeids")
        children[:, column] = np.where(is_leaf == 0, numbers, -1)
    roots = lists["tree_roots"]
    _check_range(roots, np.full(len(roots), inner), "tree_roots")
    check_trees(children, roots)


def check_numbered(lists: Mapping[str, Ints], is_leaf: NDArray[np.bool_], n_targets: int, leaves: int) -> None:
    """Check the lists of a `TreeEnsembleClassifier` or `TreeEnsembleRegressor`; raise ServiceError as above.

    Nodes are numbered within their tree, from 0, the root first; leaves are nodes, whose own children are ignored.
    is_leaf: of one node at least.
    """
    trees, numbers = lists["nodes_treeids"], lists["nodes_nodeids"]
    count = len(trees)
    _check_lengths(count, numbers, is_leaf, lists["nodes_truenodeids"], lists["nodes_falsenodeids"])
    _check_targets(n_targets, leaves)
    first = np.concatenate(([True], trees[1:] != trees[:-1])).nonzero()[0]
    sizes = np.concatenate((first[1:], [count])) - first
    start, size = (np.repeat(each.astype(np.int32), sizes) for each in (first, sizes))
    if trees[0] < 0 or (numbers != np.arange(count, dtype=np.int32) - start).any():
        raise _refused("nodes_nodeids was expected to count from 0 in each tree")
    children = np.empty((count, 2), np.int32)
    for column, side in enumerate(("true", "false")):
        below = np.where(is_leaf, 0, lists[f"nodes_{side}nodeids"])
        _check_range(below, size, f"nodes_{side}nodeids")
        children[:, column] = np.where(is_leaf, -1, start + below)
    check_trees(children, first)


def check_trees(children: Ints, roots: Ints) -> None:
    """Walk from the roots, level by level; raise ServiceError for nodes that form no trees, or too deep ones.

    children: (nodes, 2), the numbers of the nodes below each node, -1 for none.
    roots: (trees,)
    """
    places = np.concatenate((children[children >= 0], roots))
    placed = np.zeros(len(children), np.bool_)
    placed[places] = True
    if len(places) != len(children) or not placed.all():
        counts = np.bincount(places, minlength=len(children))  # only here: it is in numpy.lib
        wrong = int(np.argmax(counts != 1))
        raise _refused(f"node {wrong} was expected in one place of one tree, it is in {counts[wrong]}")
    level, reached, levels = roots, 0, 0
    while len(level):
        levels += 1
        if levels > MAX_LEVELS:
            raise _refused(f"a tree has more than {MAX_LEVELS:,} levels")
        reached += len(level)
        below = children[level]
        level = below[below >= 0]
    if reached != len(children):
        raise _refused(f"{len(children):,} nodes were expected in the trees, {reached:,} are; the others form a cycle")


def _check_targets(targets: int, leaves: int) -> None:
    """Each row has as many sums as the operator has targets: a number alone must not make memory."""
    if not 0 <= targets <= leaves:
        raise _refused(f"n_targets was expected to be at most the number of leaves, {leaves:,}, not {targets:,}")


def _check_lengths(expected: int, *lists: NDArray[np.generic]) -> None:
    for found in lists:
        if len(found) != expected:
            raise _refused(f"lists of {expected:,} nodes were expected, one has {len(found):,}")


def _check_range(numbers: Ints, limits: Ints, name: str) -> None:
    outside = ((numbers < 0) | (numbers >= limits)).nonzero()[0]
    if len(outside):
        raise _refused(f"{name} has {numbers[outside[0]]} where there are {limits[outside[0]]:,}")


def _refused(detail: str) -> ServiceError:
    return ServiceError(Problem.MODEL_INVALID, f"the model's trees are none: {detail}")
