"""Binarizer: 1 where a number is above a threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.graph.columns import Columns, number_columns
from convert.graph.graph import Graph, Value
from convert.graph.transformers.scalers import follow_scaler
from convert.graph.transformers.transformer import Transformer


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write Binarizer.transform."""
    count = len(rows.categories)
    value, cuts = rows.cut_by(graph, transformer, [np.array([float(transformer.threshold)])] * count)
    threshold = np.concatenate(cuts) if rows.sources else np.float64(transformer.threshold)
    return number_columns(_write_above(graph, value, threshold), count, sparse=rows.sparse, dtype=rows.dtype)


def write_binary(graph: Graph, rows: Value, threshold: float) -> Value:
    """Write 1 where a number is above the `threshold`, 0 at it and below: (n, columns) float64."""
    return _write_above(graph, rows, np.float64(threshold))


def _write_above(graph: Graph, rows: Value, threshold: Any) -> Value:
    return graph.cast(graph.node("Greater", rows, graph.constant(threshold)), np.float64, "binarized")


BINARIZER = Transformer(_write, follow_scaler)
