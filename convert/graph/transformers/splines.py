"""SplineTransformer: piecewise polynomials of each column."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import PPoly

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.estimator.floats import neighbours
from convert.graph.bins import write_places
from convert.graph.columns import Columns, number_columns
from convert.graph.elementary import number
from convert.graph.graph import Graph, Value
from convert.graph.transformers.origins import Known, Origins
from convert.graph.transformers.transformer import Transformer

FAR = 1e300
"""What powers of numbers are to stay below."""


class Pieces(NamedTuple):
    """The polynomials of a column, one for each bin that its sorted `cuts` make.

    starts: (bins,), what is subtracted from the number first.
    powers: (degree + 1, bins, splines), the coefficients, that of the highest power first.
    """

    cuts: Floats
    starts: Floats
    powers: Floats


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write SplineTransformer.transform."""
    missing = getattr(transformer, "handle_missing", "error") == "zeros"
    if missing and transformer.sparse_output:
        raise ConvertError(
            "SplineTransformer with handle_missing='zeros' and sparse_output=True takes a missing value for one of the"
            " rows beside it: fit it with sparse_output=False"
        )
    values = _within_period(graph, rows.value, transformer)
    pieces = _pieces(transformer)
    places = write_places(graph, values, [each.cuts for each in pieces])
    made = [_write_column(graph, values, places, column, each) for column, each in enumerate(pieces)]
    if missing:
        made = [_without_gaps(graph, rows.value, column, each) for column, each in enumerate(made)]
    if not transformer.include_bias:  # the last spline of each is left out
        kept = graph.constant(np.arange(pieces[0].powers.shape[2] - 1))
        made = [graph.node("Gather", each, kept, axis=1) for each in made]
    return number_columns(
        graph.node("Concat", *made, axis=1, name="splines"),
        int(transformer.n_features_out_),
        sparse=bool(transformer.sparse_output),
        summed_by=type(transformer).__name__,
    )


def _without_gaps(graph: Graph, values: Value, column: int, made: Value) -> Value:
    """Write zeros where the number is missing."""
    return graph.node("Where", graph.node("IsNaN", _column(graph, values, column)), number(graph, 0), made)


def _write_column(graph: Graph, values: Value, places: Value, column: int, pieces: Pieces) -> Value:
    """Write the splines of a column by Horner's rule, (n, splines)."""
    place = graph.node("Gather", places, graph.constant(np.int64(column)), axis=1)
    start = graph.node("Gather", graph.constant(pieces.starts[:, np.newaxis]), place, axis=0)
    moved = graph.node("Sub", _column(graph, values, column), start)
    made = graph.node("Gather", graph.constant(pieces.powers[0]), place, axis=0)
    for power in pieces.powers[1:]:
        coefficients = graph.node("Gather", graph.constant(power), place, axis=0)
        made = graph.node("Add", graph.node("Mul", made, moved), coefficients)
    return graph.node("Add", made, graph.node("Mul", moved, number(graph, 0))) if len(pieces.powers) == 1 else made


def _column(graph: Graph, values: Value, column: int) -> Value:
    return graph.node("Gather", values, graph.constant(np.array([column])), axis=1)


def _ends(spline: Any) -> tuple[float, float]:
    return float(spline.t[spline.k]), float(spline.t[-spline.k - 1])


def _within_period(graph: Graph, values: Value, transformer: Any) -> Value:
    """Write the numbers as periodic splines have them: numpy's remainder, which is exact, behind the first knot."""
    if transformer.extrapolation != "periodic":
        return values
    low, high = np.array([_ends(spline) for spline in transformer.bsplines_]).T
    period, zero = graph.constant(high - low), number(graph, 0)
    rest = graph.node("Mod", graph.node("Sub", values, graph.constant(low)), period, fmod=1)
    rest = graph.node("Where", graph.node("Less", rest, zero), graph.node("Add", rest, period), rest)
    within = graph.node("Add", rest, graph.constant(low), name="within_period")
    constant = low == high
    return graph.node("Where", graph.constant(constant), zero, within) if constant.any() else within


def _pieces(transformer: Any) -> list[Pieces]:
    """Return the polynomials of each column.

    Where lines continue them, scikit-learn counts how many splines reach the ends in `degree`, on from one column to
    the next, and takes the ends at the knots of that number.
    """
    made, reach = [], transformer.degree
    for spline in transformer.bsplines_:
        if transformer.extrapolation == "periodic" and np.subtract(*_ends(spline)) == 0:  # of a constant column
            made.append(Pieces(np.empty(0), np.zeros(1), spline(np.zeros(1))[np.newaxis]))
            continue
        first = reach
        reach += transformer.extrapolation == "linear" and reach <= 1
        pieces = _between(spline)
        _check(spline, pieces)
        if transformer.extrapolation in {"constant", "linear"}:
            ends = float(spline.t[first]), float(spline.t[-first - 1])
            pieces = _continued(spline, pieces, ends, reach, linear=transformer.extrapolation == "linear")
        made.append(pieces)
    return made


def _between(spline: Any) -> Pieces:
    """Return the polynomials between the knots, the outer of which go on beyond them."""
    degree, last = spline.k, len(spline.t) - spline.k - 1
    each = [PPoly.from_spline((spline.t, column, degree)).c[:, degree:last] for column in spline.c.T]
    cuts = neighbours(spline.t[degree + 1 : last], -np.inf, "float64")
    return Pieces(cuts, spline.t[degree:last], np.stack(each, axis=2))


def _continued(spline: Any, pieces: Pieces, ends: tuple[float, float], reach: int, *, linear: bool) -> Pieces:
    """Return the polynomials from one end to the other, and beyond the `ends` lines of the splines that reach them."""
    low, high = ends
    inner = (pieces.cuts >= low) & (pieces.cuts < high)
    first, count = int((pieces.cuts < low).sum()), int(inner.sum()) + 1
    powers = pieces.powers[:, first : first + count]
    powers = np.concatenate([np.zeros((max(0, 2 - len(powers)), *powers.shape[1:])), powers])
    lines = np.zeros((2, len(powers), 1, powers.shape[2]))
    for line, end, columns in zip(lines, ends, (slice(0, reach), slice(-reach, None)), strict=True):
        line[-1, 0, columns] = spline(end)[columns]
        if linear:
            line[-2, 0, columns] = spline(end, nu=1)[columns]
    before = neighbours(np.array([low]), -np.inf, "float64")
    return Pieces(
        np.concatenate([before, pieces.cuts[inner], [high]]),
        np.concatenate([[low], pieces.starts[first : first + count], [high]]),
        np.concatenate([lines[0], powers, lines[1]], axis=1),
    )


def _check(spline: Any, pieces: Pieces) -> None:
    """Raise ConvertError where scipy makes something else of numbers between the knots, some of which are equal."""
    low, high = _ends(spline)
    values = np.concatenate([np.linspace(low, high, 65), spline.t[(spline.t >= low) & (spline.t <= high)]])
    place = np.searchsorted(pieces.cuts, values)
    moved = (values - pieces.starts[place])[:, np.newaxis]
    made = np.zeros((len(values), spline.c.shape[1]))
    for power in pieces.powers:
        made = made * moved + power[place]
    if not np.allclose(made, spline(values), rtol=1e-11, atol=1e-11):
        raise ConvertError("SplineTransformer has knots that are equal, or nearly: fit it with fewer n_knots")


def _follow(transformer: Any, columns: Origins, known: Known) -> Origins:
    return [None] * int(transformer.n_features_out_)


def _limit(transformer: Any) -> float:
    return float(FAR ** (1 / (transformer.degree + 2)))


SPLINES = Transformer(_write, _follow, exact=False, limit=_limit)
