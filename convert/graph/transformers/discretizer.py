"""KBinsDiscretizer: which bin a number is in."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.estimator.floats import neighbours, told_of_float32
from convert.graph.columns import Columns, number_columns
from convert.graph.graph import Graph
from convert.graph.transformers.origins import COMPARED_AS_FLOAT32, FLOAT32, Known, Origins, grown
from convert.graph.transformers.transformer import Transformer


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write KBinsDiscretizer.transform: how many of the inner edges are at or below the number.

    Those are as many as there are numbers next to an edge, from below, that it is above.
    """
    if transformer.dtype == np.float32:
        raise ConvertError("KBinsDiscretizer is written with dtype=None or numpy.float64, not with numpy.float32")
    inner = [_inner(edges) for edges in transformer.bin_edges_]
    (name, cuts), made = rows.cut_by(graph, transformer, inner), []
    for column, edges in enumerate(transformer.bin_edges_):
        value = graph.node("Gather", name, graph.constant(np.array([column])), axis=1)
        reached = graph.cast(graph.node("Greater", value, graph.constant(cuts[column][np.newaxis])), np.float64)
        place = graph.node("ReduceSum", reached, graph.constant(np.array([1])), keepdims=1, name="bin")
        if transformer.encode != "ordinal":
            bins = graph.constant(np.arange(len(edges) - 1, dtype=np.float64)[np.newaxis])
            place = graph.cast(graph.node("Equal", place, bins), np.float64)
        made.append(place)
    ordinal, sparse = transformer.encode == "ordinal", transformer.encode == "onehot"
    count = len(made) if ordinal else int(sum(transformer.n_bins_))
    return number_columns(graph.node("Concat", *made, axis=1, name="bins"), count, sparse=sparse)


def _inner(edges: Any) -> Floats:
    """Return the numbers next to the inner edges, from below; infinity for a constant column, which has none."""
    inner = np.asarray(edges, dtype=np.float64)[1:-1]
    return neighbours(inner, -np.inf, "float64") if len(inner) else np.array([np.inf])


def _follow(discretizer: Any, columns: Origins, known: Known) -> Origins:
    """Follow ordinal bins; the ends of the outer ones are numbers of the data, and tell of the type that it had."""
    for column, edges in zip(columns, discretizer.bin_edges_, strict=True):
        ends = np.asarray(edges, dtype=np.float64)[[0, -1]]
        if column is not None and (edges.dtype == FLOAT32 or told_of_float32(ends, further=0)):
            known[column.feature].append(COMPARED_AS_FLOAT32)
    if discretizer.encode != "ordinal":
        return [None] * int(sum(discretizer.n_bins_))
    rising = (grown(column) for column in columns)
    return [None if column is None else column._replace(how="binned") for column in rising]


DISCRETIZER = Transformer(_write, _follow, computes=True)
