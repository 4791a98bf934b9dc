"""Float64 trees: the raw sums of the trees behind their transformers, and what scikit-learn makes of those."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import onnx

from convert.graph.answers import classifier_model, regressor_model
from convert.graph.columns import input_columns
from convert.graph.curves import Compared
from convert.graph.ensembles.table import read_whole
from convert.graph.graph import Graph, Value
from convert.graph.heads import write_label, write_value
from convert.graph.sums import write_sums
from convert.graph.transforms import write_steps
from convert.graph.trees import TreeEnsemble
from convert.oracle.oracle import Oracle

NAME = "float64 trees"
NAME_OF_FLOAT32 = "float32 trees"

type WriteSums = Callable[[Graph, Value, int, TreeEnsemble], Value]
"""Writes the raw sums, (n, sums) float64, of an ensemble for rows (n, width) float64: as `write_sums` does."""


def write_graph(oracle: Oracle, name: str, write: WriteSums = write_sums) -> onnx.ModelProto:
    """Return an estimator's trees, behind its transformers; raise ConvertError if it is not made of trees.

    write: how their sums are computed.
    """
    written, compared = _in_front(oracle)
    graph = written.copy()
    sums, head = write(graph, *compared), compared.ensemble.head
    if oracle.task == "regression":
        return regressor_model(graph, write_value(graph, sums, head), name)
    return classifier_model(graph, write_label(graph, sums, head), oracle.classes, name)


@lru_cache(maxsize=1)  # the graph for many rows has the same in front, and curves take long to be pulled back
def _in_front(oracle: Oracle) -> tuple[Graph, Compared]:
    """Return a graph that ends with what the trees compare, and that."""
    ensemble = read_whole(oracle.last)
    graph = Graph(oracle.width)
    rows = write_steps(graph, input_columns(graph, oracle.features, oracle.dtypes), oracle.transformers)
    return graph, rows.split_by(graph, oracle.last, ensemble)
