"""What never falls, column by column: a curve in front of trees, and operators in front of all else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from convert.estimator import insides
from convert.estimator.features import Floats
from convert.graph.columns import Columns, Later
from convert.graph.curves import Curve
from convert.graph.graph import Graph, Value

type Writer = Callable[[Graph, Columns, Any], Columns]


def bent(
    graph: Graph, rows: Columns, transformer: Any, write: Callable[[Graph, Columns, Any], Columns | Value]
) -> Columns:
    """Return what the transformer makes of each column, by a curve; `write` writes it, if anything but trees asks.

    Behind what is summed up in an order of its own, there is no curve: the column in front of it is not known to the
    bit.
    """
    plain = rows.plain()

    def written() -> Value:
        made = write(graph, plain, transformer)
        return made.value if isinstance(made, Columns) else made

    if rows.summed_by and not rows.sources:
        return rows.made(written())
    curves = (curve_of(transformer, place, rows) for place in range(len(rows.categories)))
    sources = [source.through(curve) for source, curve in zip(rows.own_sources(), curves, strict=True)]
    return rows.bent((rows.sources and rows.summed_by) or type(transformer).__name__, Later(written), sources)


def curve_of(transformer: Any, place: int, rows: Columns) -> Curve:
    """Return what the transformer makes of numbers in the column of `rows` that is numbered `place`."""
    dtype = rows.dtypes[place] if rows.dtypes else "float64"
    return partial(_transformed, insides.one_column(transformer, place), dtype, rows.sparse)


def _transformed(transformer: Any, dtype: str, sparse: bool, values: Floats) -> Floats:
    given: Any = values.astype(dtype)[:, np.newaxis]
    made = transformer.transform(csr_matrix(given) if sparse else given)
    dense = made.toarray() if hasattr(made, "toarray") else np.asarray(made)
    return dense[:, 0].astype(np.float64)


def rising(write: Writer) -> Writer:
    """Return what writes a transformer that never falls, and bends where a curve is in front of it already."""

    def written(graph: Graph, rows: Columns, transformer: Any) -> Columns:
        if rows.sources:
            return bent(graph, rows.with_dtype(rows.dtype), transformer, write)
        return write(graph, rows, transformer)

    return written
