"""What is computed with rows and numbers, in the precision in which scikit-learn computes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value

NAMES = {"Add": "moved", "Sub": "moved", "Mul": "scaled", "Div": "scaled"}
"""What the results of operators are called."""


def constant_numbers(graph: Graph, values: Any) -> Value:
    """Write numbers that scikit-learn may hold in float32, if it was fitted on such."""
    return graph.constant(np.asarray(values, dtype=np.float64))


def compute(graph: Graph, operator: str, rows: Columns, values: Any) -> Columns:
    """Write the operator on rows and numbers, rounded where scikit-learn has the result in float32.

    Which is the same as if it were computed in float32: float64 has more than twice the bits.
    """
    made = graph.node(operator, rows.value, constant_numbers(graph, values), name=NAMES[operator])
    rows = rows.with_dtype(rows.dtype)
    if rows.dtype == "float32":
        made = graph.cast(graph.cast(made, np.float32), np.float64)
    elif rows.dtype != "float64":
        raise ConvertError(f"what is computed in {rows.dtype} is not written: make float64 of it before you fit")
    return rows.made(made)
