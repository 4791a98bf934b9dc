"""QuantileTransformer: which share of the training rows a number is above, or the normal number that goes with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.features import Floats
from convert.estimator.floats import neighbours, told_of_float32
from convert.graph.bins import write_places
from convert.graph.columns import Columns
from convert.graph.curves import Domain, largest_at_or_below
from convert.graph.elementary import normal_quantile, number
from convert.graph.graph import Graph, Value
from convert.graph.transformers.curved import bent
from convert.graph.transformers.origins import FITTED_ON_FLOAT32, Known, Origins
from convert.graph.transformers.scalers import follow_scaler
from convert.graph.transformers.transformer import Transformer

BOTTOM, TOP = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0, -1.0)
"""The lines of those below all training rows, and above."""


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    if rows.sparse:
        raise ConvertError(
            "QuantileTransformer is written for dense columns: give the encoder in front of it sparse_output=False"
        )
    return bent(graph, rows.with_dtype(rows.dtype), transformer, _write_out)


def _write_out(graph: Graph, rows: Columns, transformer: Any) -> Value:
    """Write QuantileTransformer._transform_col, bit for bit but for the normal numbers.

    The mean of two lines, each of which is `slope * (x - start) + height`, the second for -x.
    """
    normal = transformer.output_distribution == "normal"
    lines = [_Lines(column, transformer.references_, normal=normal) for column in transformer.quantiles_.T]
    place = write_places(graph, rows.value, [each.cuts for each in lines], starts=True)
    table = np.concatenate([each.table() for each in lines])
    slope, start, height, *other = (graph.node("Gather", graph.constant(each), place, axis=0) for each in table.T)
    one = _line(graph, rows.value, slope, start, height)
    two = _line(graph, graph.node("Neg", rows.value), *other)
    shares = graph.node("Mul", graph.node("Sub", one, two), number(graph, 0.5), name="shares")
    if not normal:
        return shares
    least = insides.quantile_bound() - float(np.spacing(1))
    return normal_quantile(graph, graph.node("Clip", shares, number(graph, least), number(graph, 1 - least)))


def _line(graph: Graph, values: Value, slope: Value, start: Value, height: Value) -> Value:
    return graph.node("Add", graph.node("Mul", slope, graph.node("Sub", values, start)), height)


class _Lines:
    """The lines of a column, each from one of the `cuts` to the next."""

    def __init__(self, quantiles: Floats, references: Floats, *, normal: bool) -> None:
        self.quantiles = np.asarray(quantiles, dtype=np.float64)
        self.references = references
        self.normal = normal
        known = np.unique(self.quantiles)
        cuts = [known, neighbours(known, -np.inf, "float64"), self._bounds() if normal else np.empty(0)]
        self.cuts = np.unique(np.concatenate(cuts))

    def table(self) -> Floats:
        """Return the line of each bin, (cuts + 1, 6)."""
        return np.array([self._line(value) for value in [*self.cuts, np.nextafter(self.cuts[-1], np.inf)]])

    def _bounds(self) -> Floats:
        """Return the largest numbers that are near to the lowest quantile, or not yet near to the highest."""
        near, ends = insides.quantile_bound(), self.quantiles[[0, -1]]
        below = largest_at_or_below(lambda x: np.where(x - near < ends[0], 0.0, 1.0), np.zeros(1), Domain())
        above = largest_at_or_below(lambda x: np.where(x + near > ends[1], 1.0, 0.0), np.zeros(1), Domain())
        return np.concatenate([below, above])

    def _line(self, value: float) -> tuple[float, ...]:
        low, high, near = *self.quantiles[[0, -1]], insides.quantile_bound()
        if (value - near < low) if self.normal else value == low:
            return BOTTOM
        if (value + near > high) if self.normal else value == high:
            return TOP
        back = _interpolated(-value, -self.quantiles[::-1], -self.references[::-1])
        return (*_interpolated(value, self.quantiles, self.references), *back)


def _interpolated(value: float, xs: Floats, ys: Floats) -> tuple[float, float, float]:
    """Return slope, start and height of the line on which numpy.interp finds a value."""
    place = int(np.searchsorted(xs, value, side="right")) - 1
    if place < 0 or place == len(xs) - 1:
        return 0.0, 0.0, float(ys[max(place, 0)])
    slope = (ys[place + 1] - ys[place]) / (xs[place + 1] - xs[place])
    return float(slope), float(xs[place]), float(ys[place])


def _follow(transformer: Any, columns: Origins, known: Known) -> Origins:
    """Follow the columns; the outer quantiles are numbers of the data, and tell of the type that it had."""
    for column, ends in zip(columns, transformer.quantiles_[[0, -1]].T, strict=True):
        if column is not None and column.how == "value" and told_of_float32(ends, further=0):
            known[column.feature].append(FITTED_ON_FLOAT32)
    return follow_scaler(transformer, columns, known)


QUANTILES = Transformer(_write, _follow, computes=True, curve=True)
