"""Transformers one after the other, written in float64 with scikit-learn's own operations in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convert.errors import ConvertError
from convert.estimator.fitted import unwrapped
from convert.estimator.refused import not_written
from convert.graph.columns import Columns, side_by_side
from convert.graph.graph import Graph
from convert.graph.transformers.layouts import InTurn, SideBySide, passes
from convert.graph.transformers.table import LAYOUTS, TRANSFORMERS


def write_transform(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write `transformer` on `rows`; return what it makes of them.

    Raises ConvertError for a transformer, or a setting of one, that is not written.
    """
    if passes(transformer):
        return rows
    transformer = unwrapped(transformer)
    layout = layout_of(transformer)
    if isinstance(layout, InTurn):
        return write_steps(graph, rows, layout.steps)
    if isinstance(layout, SideBySide):
        return _write_parts(graph, rows, transformer, layout)
    kind = TRANSFORMERS.get(type(transformer))
    if kind is None:
        raise ConvertError(not_written(transformer))
    return kind.write(graph, rows, transformer)


def write_steps(graph: Graph, rows: Columns, transformers: Sequence[Any]) -> Columns:
    """Write `transformers` one after the other; raise ConvertError as `write_transform` does."""
    for transformer in transformers:
        rows = write_transform(graph, rows, transformer)
    return rows


def layout_of(transformer: Any) -> InTurn | SideBySide | None:
    """Return how a transformer is made of others, None if it is not; raise ConvertError for weights of its parts."""
    lay_out = LAYOUTS.get(type(transformer))
    return None if lay_out is None else lay_out(transformer)


def is_exact(transformer: Any) -> bool:
    """Whether a transformer, and whatever it is made of, is written to the bit."""
    if passes(transformer):
        return True
    layout = layout_of(transformer)
    if layout is None:
        kind = TRANSFORMERS.get(type(transformer))
        return kind is not None and kind.exact
    inner = layout.steps if isinstance(layout, InTurn) else [part.transformer for part in layout.parts]
    return all(is_exact(each) for each in inner)


def _write_parts(graph: Graph, rows: Columns, transformer: Any, layout: SideBySide) -> Columns:
    if not layout.parts:
        raise ConvertError(f"{type(transformer).__name__} drops all columns: nothing is left to predict from")
    made = [
        write_transform(graph, rows if part.columns is None else rows.chosen(graph, part.columns), part.transformer)
        for part in layout.parts
    ]
    sparse = any(part.sparse for part in made) if layout.sparse is None else layout.sparse
    return side_by_side(graph, made, sparse=sparse)
