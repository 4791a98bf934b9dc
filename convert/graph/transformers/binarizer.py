"""Binarizer: 1 where a number is above a threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.graph.transformers.scalers import follow_scaler
from convert.graph.transformers.transformer import Transformer


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write Binarizer.transform."""
    return rows.made(write_binary(graph, rows.compared_by(transformer), transformer.threshold))


def write_binary(graph: Graph, rows: Value, threshold: float) -> Value:
    """Write 1 where a number is above the `threshold`, 0 at it and below: (n, columns) float64."""
    return graph.cast(graph.node("Greater", rows, graph.constant(np.float64(threshold))), np.float64, "binarized")


BINARIZER = Transformer(_write, follow_scaler)
