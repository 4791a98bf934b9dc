"""The operator TreeEnsemble, laid out for speed: what a row is compared with, and where the rows of a node go.

onnxruntime keeps the false branch of a node beside it and takes it the faster the likelier it is. So where a tree has
its likelier side on the true branch, the comparison is turned around: ``x <= t`` is ``not -x <= m``, with m the
negative of the number after t, on rows that hold each feature twice, as it is and negated. scikit-learn sends missing
values to that same side, and they go there without being asked for, as no comparison with NaN is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from convert.estimator.features import Floats
from convert.graph.graph import ML, Graph, Value
from convert.graph.trees import Tree

SUM = 1
"""`aggregate_function` of the operator TreeEnsemble."""
LESS_OR_EQUAL = 0
"""`nodes_modes` of the operator TreeEnsemble."""
FEW_STEPS = 50
"""Up to so many comparisons for a row, and two more for each feature, negating takes longer than it gains."""
BEYOND_FLOAT32 = 2.0**128
"""What comes after the largest float32, if there were no infinity."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """What a tree's leaves add: `weight` (nodes,) to the sum numbered `target` (nodes,); of no meaning elsewhere."""

    target: NDArray[np.int64]
    weight: Floats


def write_tree_ensemble(
    graph: Graph, rows: Value, width: int, trees: Sequence[Tree], leaves: Sequence[Leaves], sums: int
) -> Value:
    """Write the sums of the trees' leaves, (n, sums), for `rows` of `width` features.

    Rows and sums are float64; or float32, in which thresholds and leaves are then, too.
    """
    long = sum(_steps(tree) for tree in trees) > FEW_STEPS + 2 * width
    if long and any(_turns(tree).any() for tree in trees):
        rows = graph.node("Concat", rows, graph.node("Neg", rows, name="negated"), axis=1, name="both_signs")
        trees = [_turned(tree, width, helper.tensor_dtype_to_np_dtype(rows.kind)) for tree in trees]
    return _write_operator(graph, rows, trees, leaves, sums)


def rounded(tree: Tree) -> Tree:
    """Return a tree that sends a float64 row where `tree` sends it rounded to float32."""
    return replace(tree, threshold=_largest_rounding_below(tree.threshold))


@np.errstate(over="ignore")
def _largest_rounding_below(thresholds: Floats) -> Floats:
    """Return, for each threshold, the largest float64 number that, rounded to float32, is at or below it."""
    single = thresholds.astype(np.float32)
    below = np.where(single > thresholds, np.nextafter(single, np.float32(-np.inf)), single)
    above = np.nextafter(below, np.float32(np.inf))
    low, high = (np.clip(end.astype(np.float64), -BEYOND_FLOAT32, BEYOND_FLOAT32) for end in (below, above))
    middle = (low + high) / 2
    largest = np.where(middle.astype(np.float32) == below, middle, np.nextafter(middle, -np.inf))
    return np.where(np.isposinf(below), np.inf, largest)


def _steps(tree: Tree) -> float:
    """Return about how many comparisons a row takes: the depth of a balanced tree of as many leaves."""
    return float(np.log2(np.count_nonzero(tree.left == -1)))


def _turns(tree: Tree) -> NDArray[np.bool_]:
    inner: NDArray[np.bool_] = tree.left != -1
    return tree.missing_left & inner


def _turned(tree: Tree, width: int, dtype: np.dtype[Any]) -> Tree:
    """Return the same tree for rows of twice the `width`, the negated features last; what went left there goes right.

    dtype: in which rows are compared.

    Only +inf has no number after it: there no row goes right, as none does where the comparison is with NaN. Where a
    threshold is NaN, all numbers go right, and are up to +inf.
    """
    turn = _turns(tree)
    threshold = tree.threshold.astype(dtype)
    after = np.where(np.isposinf(threshold), np.nan, np.nextafter(threshold, dtype.type(np.inf))).astype(np.float64)
    return replace(
        tree,
        feature=np.where(turn, tree.feature + width, tree.feature),
        threshold=np.where(turn, np.where(np.isnan(tree.threshold), np.inf, -after), tree.threshold),
        left=np.where(turn, tree.right, tree.left),
        right=np.where(turn, tree.left, tree.right),
        missing_left=np.zeros_like(tree.missing_left),
    )


def _write_operator(graph: Graph, rows: Value, trees: Sequence[Tree], leaves: Sequence[Leaves], sums: int) -> Value:
    """Write the operator itself.

    See https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html: inner nodes and leaves are numbered apart, and
    a tree without an inner node is an inner node with the same leaf on both sides.
    """
    parts: list[dict[str, NDArray[Any]]] = []
    roots, inner_count, leaf_count = [], 0, 0
    for tree, added in zip(trees, leaves, strict=True):
        part = _attributes(tree, added, inner_count, leaf_count)
        roots.append(inner_count)
        inner_count += len(part["nodes_featureids"])
        leaf_count += len(part["leaf_targetids"])
        parts.append(part)
    attributes: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for name in ("nodes_splits", "leaf_weights"):
        attributes[name] = attributes[name].astype(helper.tensor_dtype_to_np_dtype(rows.kind))
    if not attributes["nodes_missing_value_tracks_true"].any():
        del attributes["nodes_missing_value_tracks_true"]
    return graph.node(
        "TreeEnsemble",
        rows,
        domain=ML,
        name="leaf_sums",
        n_targets=sums,
        aggregate_function=SUM,
        post_transform=0,
        tree_roots=roots,
        nodes_modes=np.full(inner_count, LESS_OR_EQUAL, dtype=np.uint8),
        **attributes,
    )


def _attributes(tree: Tree, added: Leaves, first_inner: int, first_leaf: int) -> dict[str, NDArray[Any]]:
    is_leaf = tree.left == -1
    inner, leaves = np.flatnonzero(~is_leaf), np.flatnonzero(is_leaf)
    if len(inner) == 0:
        inner, left, right = np.array([0]), np.array([0]), np.array([0])
    else:
        left, right = tree.left[inner], tree.right[inner]
    number = np.empty(len(is_leaf), dtype=np.int64)
    number[~is_leaf] = np.arange(first_inner, first_inner + int((~is_leaf).sum()))
    number[leaves] = np.arange(first_leaf, first_leaf + len(leaves))
    return {
        "nodes_featureids": np.maximum(tree.feature[inner], 0),
        "nodes_splits": tree.threshold[inner],
        "nodes_truenodeids": number[left],
        "nodes_trueleafs": is_leaf[left].astype(np.int64),
        "nodes_falsenodeids": number[right],
        "nodes_falseleafs": is_leaf[right].astype(np.int64),
        "nodes_missing_value_tracks_true": _turns(tree)[inner].astype(np.int64),
        "leaf_targetids": added.target[leaves],
        "leaf_weights": added.weight[leaves],
    }
