"""Float64 trees: scikit-learn's own comparisons and additions, in its own precision and order.

Rows are rounded to float32 and back where scikit-learn does so, and compared with its untouched float64 thresholds;
leaves add up in the order of the trees, from the sums that scikit-learn starts with. With one thread onnxruntime adds
in that order too, and the sums are the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from convert.graph import ML, Graph
from convert.oracle import Oracle
from convert.strategies.answers import classifier_model, regressor_model
from convert.strategies.heads import write_label, write_value
from convert.transforms import input_columns, write_steps
from convert.trees import Floats, Tree, TreeEnsemble, read_trees

NAME = "float64 trees"
SUM = 1
"""`aggregate_function` of the operator TreeEnsemble."""
LESS_OR_EQUAL = 0
"""`nodes_modes` of the operator TreeEnsemble."""


def write_graph(oracle: Oracle, name: str) -> onnx.ModelProto:
    """Return an estimator as float64 trees, behind its transformers; raise ConvertError if it is not made of trees."""
    ensemble = read_whole(oracle.last)
    graph = Graph()
    rows = write_steps(graph, input_columns(oracle), oracle.transformers)
    sums = write_sums(graph, rows.name, ensemble)
    if oracle.task == "regression":
        return regressor_model(graph, write_value(graph, sums, ensemble), oracle, name)
    return classifier_model(graph, write_label(graph, sums, ensemble), oracle, name)


def write_sums(graph: Graph, rows: str, ensemble: TreeEnsemble) -> str:
    """Write the raw sums of `ensemble` for `rows` (n, features) float64; return their name, (n, sums) float64."""
    if ensemble.float32:
        rows = graph.cast(graph.cast(rows, np.float32), np.float64)
    sums = _write_scalar_sums(graph, rows, ensemble) if ensemble.one_output else _write_vectors(graph, rows, ensemble)
    if ensemble.divisor is not None:
        sums = graph.node("Div", sums, graph.constant(np.float64(ensemble.divisor)))
    return sums


def _write_scalar_sums(graph: Graph, rows: str, ensemble: TreeEnsemble) -> str:
    """Let the operator add up. It adds base values last, so the base goes in front, as trees of one leaf."""
    first = [_leaf(value, target) for target, value in enumerate([] if ensemble.base is None else ensemble.base)]
    return _tree_ensemble(
        graph, rows, [*first, *ensemble.trees], [tree.values[:, 0] for tree in (*first, *ensemble.trees)], ensemble.sums
    )


def _write_vectors(graph: Graph, rows: str, ensemble: TreeEnsemble) -> str:
    """Let the operator find the leaf of each tree, take the leaves' vectors from a table, and add those up.

    A leaf of the operator adds to one sum only; a copy of each tree for each class takes 2 to 6 times as long (100 deep
    trees, 2 to 10 classes). CumSum adds from left to right, as scikit-learn does; ReduceSum promises no order.
    """
    tables, numbers, start = [], [], 0
    for tree in ensemble.trees:
        leaves = np.flatnonzero(tree.left == -1)
        number = np.zeros(len(tree.left))
        number[leaves] = np.arange(start, start + len(leaves))
        tables.append(tree.values[leaves])
        numbers.append(number)
        start += len(leaves)
    trees = [replace(tree, target=position) for position, tree in enumerate(ensemble.trees)]
    found = graph.cast(_tree_ensemble(graph, rows, trees, numbers, len(trees)), np.int32)
    vectors = graph.node("Gather", graph.constant(np.concatenate(tables)), found, axis=0)
    running = graph.node("CumSum", vectors, graph.constant(np.int64(1)))
    return graph.node("Gather", running, graph.constant(np.int64(len(trees) - 1)), axis=1)


def _tree_ensemble(graph: Graph, rows: str, trees: Sequence[Tree], values: Sequence[Floats], sums: int) -> str:
    """Write the operator TreeEnsemble; `values` has (nodes,) numbers for each tree, of which the leaves' count.

    See https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html: inner nodes and leaves are numbered apart, and
    a tree without an inner node is an inner node with the same leaf on both sides.
    """
    parts: list[dict[str, NDArray[Any]]] = []
    roots, inner_count, leaf_count = [], 0, 0
    for tree, weights in zip(trees, values, strict=True):
        part = _tree_attributes(tree, weights, inner_count, leaf_count)
        roots.append(inner_count)
        inner_count += len(part["nodes_featureids"])
        leaf_count += len(part["leaf_targetids"])
        parts.append(part)
    attributes: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return graph.node(
        "TreeEnsemble",
        rows,
        domain=ML,
        n_targets=sums,
        aggregate_function=SUM,
        post_transform=0,
        tree_roots=roots,
        nodes_modes=np.full(inner_count, LESS_OR_EQUAL, dtype=np.uint8),
        **attributes,
    )


def _tree_attributes(tree: Tree, weights: Floats, first_inner: int, first_leaf: int) -> dict[str, NDArray[Any]]:
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
        "nodes_missing_value_tracks_true": tree.missing_left[inner].astype(np.int64),
        "leaf_targetids": np.full(len(leaves), tree.target, dtype=np.int64),
        "leaf_weights": weights[leaves],
    }


def _leaf(value: float, target: int) -> Tree:
    """Return a tree that is one leaf."""
    none = np.array([-1])
    return Tree(np.array([0]), np.zeros(1), none, none, np.array([False]), np.array([[value]]), target)
