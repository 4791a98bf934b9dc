"""The nodes of a tree operator form trees, and no tree is too deep. See `check.py` for why.

See https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html for the attributes. Without numpy.lib, as
CONTRIBUTING says: a cold start passes here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.guard.messages import UINT8, Tensor, Value
from lambda_fn.model.guard.protobuf import Ints, Reader, Span

LISTS = (
    *("tree_roots", "nodes_featureids", "nodes_missing_value_tracks_true", "nodes_truenodeids", "nodes_trueleafs"),
    *("nodes_falsenodeids", "nodes_falseleafs", "leaf_targetids"),
)
"""The attributes that are lists of integers."""
MAX_LEVELS = 1000
"""The deepest tree. onnxruntime 1.32 recurses at load, about 750 bytes of stack a level (x86_64): of trees that are one
long chain it crashed from 10,200 levels with Lambda's 8 MB of stack, from 1,270 with 1 MB. 3 million nodes grown on
noise (500 trees on 20,000 rows) were 31 levels deep."""


def check_ensemble(reader: Reader, attributes: Mapping[str, Value], width: int, kind: int) -> int:
    """Check the attributes of a `TreeEnsemble` for rows of `width` and of a `kind`; return how many sums it makes.

    Raises ServiceError if its nodes are not trees, or point at what is not there. Inner nodes and leaves are numbered
    apart. A leaf may be in two places: a tree of one leaf is written as an inner node with that leaf on both sides.
    """
    lists = {name: value for name, value in attributes.items() if not isinstance(value, int | Tensor)}
    for name in LISTS:
        if name in attributes and name not in lists:
            raise _refused(f"{name} was expected to be a list of integers")
    inner, leaves = len(lists["nodes_truenodeids"]), len(lists["leaf_targetids"])
    _check_numbers(attributes["nodes_splits"], inner, kind, "nodes_splits")
    _check_numbers(attributes["leaf_weights"], leaves, kind, "leaf_weights")
    modes = _check_numbers(attributes["nodes_modes"], inner, UINT8, "nodes_modes")
    if reader.data.count(0, modes.start, modes.end) != inner:  # 0 is <=
        raise _refused("nodes_modes was expected to be 0 for each node")
    targets = attributes["n_targets"]
    if not isinstance(targets, int) or targets < 1:
        raise _refused("n_targets was expected to be a number from 1 on")
    _check_range(lists["leaf_targetids"], leaves, targets, "leaf_targetids")
    _check_range(lists["nodes_featureids"], inner, width, "nodes_featureids")
    if "nodes_missing_value_tracks_true" in lists:
        _check_range(lists["nodes_missing_value_tracks_true"], inner, 2, "nodes_missing_value_tracks_true")
    children = np.empty((inner, 2), np.int32)
    for column, side in enumerate(("true", "false")):
        numbers, is_leaf = lists[f"nodes_{side}nodeids"], lists[f"nodes_{side}leafs"]
        _check_range(is_leaf, inner, 2, f"nodes_{side}leafs")
        _check_range(numbers, inner, max(inner, leaves), f"nodes_{side}nodeids")
        _check_below(numbers, np.where(is_leaf == 0, inner, leaves).astype(np.int32), f"nodes_{side}nodeids")
        children[:, column] = np.where(is_leaf == 0, numbers, -1)
    roots = lists["tree_roots"]
    _check_range(roots, len(roots), inner, "tree_roots")
    check_trees(children, roots)
    return targets


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


def _check_range(numbers: Ints, count: int, limit: int, name: str) -> None:
    """Raise ServiceError unless there are `count` numbers, each from 0 to below `limit`."""
    if len(numbers) != count:
        raise _refused(f"{name} was expected to be a list of {count:,} numbers, not of {len(numbers):,}")
    if count and not 0 <= numbers.min() <= numbers.max() < limit:
        outside = numbers[(numbers < 0) | (numbers >= limit)]
        raise _refused(f"{name} has {outside[0]} where there are {limit:,}")


def _check_below(numbers: Ints, limits: Ints, name: str) -> None:
    outside = (numbers >= limits).nonzero()[0]
    if len(outside):
        raise _refused(f"{name} has {numbers[outside[0]]} where there are {limits[outside[0]]:,}")


def _check_numbers(tensor: Value, count: int, kind: int, name: str) -> Span:
    """Return where the elements of a tensor are; raise ServiceError unless it has `count` of them, of the `kind`."""
    if isinstance(tensor, Tensor) and isinstance(tensor.data, Span) and (tensor.kind, tensor.dims) == (kind, (count,)):
        return tensor.data
    raise _refused(f"{name} was expected to be a tensor of {count:,} elements of type {kind}")


def _refused(detail: str) -> ServiceError:
    return ServiceError(Problem.MODEL_INVALID, f"the model's trees are none: {detail}")
