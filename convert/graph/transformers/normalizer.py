"""Normalizer: each row divided by its norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.graph.columns import Columns, number_columns
from convert.graph.graph import Graph
from convert.graph.transformers.origins import Known, Origins
from convert.graph.transformers.transformer import SUMS, Transformer

NO_NORM = 10 * float(np.finfo(np.float64).eps)
"""Below it sklearn.preprocessing.normalize takes the norm of a row for 1."""
NORMS = {"l1": ("Abs", "ReduceSum"), "l2": ("Mul", "ReduceSum"), "max": ("Abs", "ReduceMax")}


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write sklearn.preprocessing.normalize: each row divided by its norm, if it has one."""
    size, reduce = NORMS[transformer.norm]
    each = graph.node(size, rows.value, *[rows.value] * (size == "Mul"))
    norm = graph.node(reduce, each, graph.constant(np.array([1])), keepdims=1)
    if transformer.norm == "l2":
        norm = graph.node("Sqrt", norm)
    one = graph.constant(np.float64(1))
    if rows.sparse:
        none = graph.node("Equal", norm, graph.constant(np.float64(0)))
    else:
        none = graph.node("Less", norm, graph.constant(np.float64(NO_NORM)))
    name = graph.node("Div", rows.value, graph.node("Where", none, one, norm, name="norm"), name="normalized")
    summed_by = rows.summed_by if transformer.norm == "max" else type(transformer).__name__
    return number_columns(name, len(rows.categories), sparse=rows.sparse, summed_by=summed_by)


def _follow(normalizer: Any, columns: Origins, known: Known) -> Origins:
    return [None] * len(columns)


NORMALIZER = Transformer(_write, _follow, exact=False, limit=lambda _: SUMS)
