"""Isotonic regression: straight lines between thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.graph.bins import write_bins
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer


def regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write IsotonicRegression.predict for rows of one column."""
    return write_steps(composer.graph, rows.value, estimator)


def write_steps(graph: Graph, score: Value, isotonic: Any) -> Value:
    """Write IsotonicRegression.predict of `score`, (n, 1): numpy.interp between thresholds.

    What is beyond them is clipped, no number, or never comes, as out_of_bounds says.
    """
    if isotonic.X_thresholds_.dtype != np.float64:
        score = graph.cast(graph.cast(score, np.float32), np.float64)
    x, y = (np.asarray(each, dtype=np.float64) for each in (isotonic.X_thresholds_, isotonic.y_thresholds_))
    low, high = graph.constant(np.float64(isotonic.X_min_)), graph.constant(np.float64(isotonic.X_max_))
    clipped = graph.node("Clip", score, low, high)
    value = _write_lines(graph, clipped, x, y)
    if isotonic.out_of_bounds != "nan" or len(x) == 1:  # IsotonicRegression._build_f: one threshold is answered always
        return value
    inside = graph.node("Equal", score, clipped)
    return graph.node("Where", inside, value, graph.constant(np.float64(np.nan)))


def _write_lines(graph: Graph, clipped: Value, x: Any, y: Any) -> Value:
    if len(x) == 1:
        zero = graph.node("Mul", clipped, graph.constant(np.float64(0)))
        return graph.node("Add", zero, graph.constant(y[0]))
    found = write_bins(graph, clipped, x[1:-1])  # which two thresholds the score is between
    slope, start, base = (
        graph.node("Gather", graph.constant(values), found, axis=0)
        for values in (np.diff(y) / np.diff(x), x[:-1], y[:-1])
    )
    rise = graph.node("Mul", slope, graph.node("Sub", clipped, start))
    return graph.node("Add", rise, base)
