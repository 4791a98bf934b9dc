"""Baselines: the same answer for every row."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer


def classifier(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write DummyClassifier.predict and .predict_proba."""
    if estimator.strategy not in {"prior", "most_frequent", "constant"}:
        raise ConvertError(
            f"DummyClassifier(strategy={estimator.strategy!r}) answers at random: fit it with strategy='prior'"
        )
    row = np.zeros((1, 1))
    [label] = estimator.predict(row)
    if np.asarray(label).dtype.kind != estimator.classes_.dtype.kind:
        raise ConvertError("DummyClassifier has a constant of another type than its labels: fit it with one of them")
    graph, place = composer.graph, int(np.flatnonzero(estimator.classes_ == label)[0])
    index = graph.cast(_write_constant(graph, rows, np.float64(place)), np.int64)
    index = graph.node("Squeeze", index, graph.constant(np.array([1])))
    return Labelled(index, _write_constant(graph, rows, estimator.predict_proba(row)[0]))


def regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write DummyRegressor.predict."""
    return _write_constant(composer.graph, rows, np.ravel(estimator.constant_)[:1])


def _write_constant(graph: Graph, rows: Columns, values: Any) -> Value:
    """Write the same `values` for each row, (n, values), whatever numbers are in it."""
    first = graph.node("Gather", rows.value, graph.constant(np.array([0])), axis=1)
    any_number = graph.cast(graph.node("IsNaN", first), np.float64)
    zero = graph.node("Mul", any_number, graph.constant(np.float64(0)))
    return graph.node("Add", zero, graph.constant(np.asarray(values, dtype=np.float64)))
