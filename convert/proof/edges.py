"""Rows at the numbers that any step of an estimator compares with, and next to them: `verify` tries them.

A number is pulled back to a feature along lines, on each of which one feature varies and the others are as in a row
that is known: where a step's column crosses the number on a line, bisection finds the two neighbours in float64
between which it does, whatever the steps in front are, whether they rise or fall. Where a step's own output stays the
same for a while and then changes, as that of a binarizer, an encoder or a clip does, the place is found the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import Floats
from convert.estimator.floats import from_ordinal, ordinal
from convert.graph.ensembles.table import is_made_of_trees
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.proof.compared import numbers_of
from convert.proof.stages import Inputs, Stage, stages_of

STAGES = 48
"""How many parts of an estimator are looked at; of more, some are drawn: members of an ensemble are alike."""
LINES = 64
"""How many lines there are at the least; each feature has as many as any other."""
CELLS = 2 * 10**7
"""How many values are computed at a step at the most, to find where its columns cross a number, and are in the rows."""
BLOCK_CELLS = 2 * 10**6
"""How many are computed at once."""
NUMBERS = 1000
"""How many numbers a column is compared with on a line at the most."""
CROSSINGS = {True: 2000, False: 400}
"""How many crossings of a kind are bisected at the most, over all parts: of what is exact, and behind sums, where all
that is in front predicts at every step."""
ROWS_EACH = 14
"""How many rows are made of a crossing."""
INEXACT = 1e-6
"""How near rows come, as part of the column's size, where the last bits of a column depend on the order of a sum."""
SPREAD = np.array([0.0, *np.linspace(0.1, 1, 8), 1.5, 3, 10, 1e2, 1e3, 1e6, 1e9])
"""How far from the middle of a feature's range the points of a line are, as multiples of half the range."""

AT_OR_BELOW, BELOW, SAME = range(3)
"""How a column is compared with a number."""
WAYS = 8
"""Into how many parts a search divides what is left at each step: asking for several rows at once takes little more."""


class Range(NamedTuple):
    """The lowest and the highest number that is known of each feature, or near to that: (features,) each."""

    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines through rows: bases (n, features), the feature that varies (n,), the points on it (n, points), sorted."""

    bases: Floats
    features: NDArray[np.int64]
    points: Floats

    def rows(self, lines: NDArray[np.int64], values: Floats) -> Floats:
        """Return the rows on each of `lines`, (m,), at `values`, (m,)."""
        rows: Floats = self.bases[lines]
        rows[np.arange(len(lines)), self.features[lines]] = values
        return rows


class _Crossings(NamedTuple):
    """Where a column crosses numbers: line, column, number, how it is compared, and the values on either side."""

    line: NDArray[np.int64]
    column: NDArray[np.int64]
    number: Floats
    test: NDArray[np.int64]
    left: Floats
    right: Floats

    def some(self, places: NDArray[np.int64]) -> _Crossings:
        """Return those at `places`."""
        return _Crossings._make(each[places] for each in self)


@np.errstate(over="ignore", invalid="ignore")  # far off, numbers are as large as there are
def edge_rows(
    oracle: Oracle, accepts: Sequence[Accepts], bases: Floats, known: Range, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return rows with one feature where some step compares it with a number, and 1 ulp to either side.

    `bases`, (n, features), are rows to start from. Each edge is tried on the row where it was found, and on another.
    The second half of what is returned are rows near to edges of what is computed with sums. Trees that are given the
    rows themselves show their thresholds: `convert.oracle.thresholds` has those.
    """
    found: dict[bool, list[Floats]] = {True: [bases[:0]], False: [bases[:0]]}
    stages = [stage for stage in stages_of(oracle) if not (stage.first and is_made_of_trees(stage.part))]
    drawn = np.sort(generator.permutation(len(stages))[:STAGES])
    if not len(bases) or all(each.values for each in accepts):
        return bases[:0], bases[:0]
    lines = _lines(accepts, bases, known, generator)
    for stage in (stages[place] for place in drawn.tolist()):
        for crossings, inputs in _crossings(stage, lines, generator):
            most = -(-min(CROSSINGS[stage.exact], CELLS // (ROWS_EACH * len(accepts))) // len(drawn))
            some = crossings.some(np.sort(generator.permutation(len(crossings.line))[:most]))
            left, right = _narrowed(some, lines, inputs)
            found[stage.exact].append(_rows_beside(some.line, left, right, lines, bases))
    return np.concatenate(found[True]), np.concatenate(found[False])


def with_neighbours(values: NDArray[np.floating[Any]]) -> Floats:
    """Return the values and the next numbers to either side, in the values' own precision."""
    below = np.nextafter(values, values.dtype.type(-np.inf))
    above = np.nextafter(values, values.dtype.type(np.inf))
    return np.concatenate([values, below, above]).astype(np.float64)


def _lines(accepts: Sequence[Accepts], bases: Floats, known: Range, generator: np.random.Generator) -> _Lines:
    """Return lines along every feature that takes any number, or along some if there are very many features."""
    free = np.array([column for column, each in enumerate(accepts) if not each.values], dtype=np.int64)
    most = max(1, CELLS // (len(accepts) * 2 * len(SPREAD)))
    features = generator.permutation(free)[:most]
    features = np.repeat(features, max(1, min(LINES, most) // len(features)))
    chosen = bases[generator.integers(len(bases), size=len(features))]
    middle, half = known.low / 2 + known.high / 2, known.high / 2 - known.low / 2
    points = np.array(
        [_points(float(middle[feature]), float(half[feature]), accepts[feature]) for feature in features.tolist()]
    ).reshape(len(features), -1)
    return _Lines(chosen, features, points)


def _points(middle: float, half: float, accepts: Accepts) -> Floats:
    """Return points on a line, sorted: within the range and far beyond, 0, and the limits of what is accepted."""
    low = -np.inf if accepts.low is None else accepts.low
    high = np.inf if accepts.high is None else accepts.high
    with np.errstate(over="ignore"):
        points = np.array([*(middle - half * SPREAD), *(middle + half * SPREAD[1:]), 0.0, low, high])
    return np.sort(np.nan_to_num(points).clip(low, high))


def _crossings(stage: Stage, lines: _Lines, generator: np.random.Generator) -> Iterator[tuple[_Crossings, Inputs]]:
    """Yield where the stage's columns cross its numbers, and where a transformer's outputs change after a rest."""
    if np.isnan(_evaluated(stage.inputs, lines.bases[:1])).all():  # nothing can be told of what it is given
        return
    found = list(_of_numbers(stage, lines, generator))
    if found:
        yield _joined(found), stage.inputs
    if stage.exact and hasattr(stage.part, "transform") and not hasattr(stage.part, "predict"):
        found = list(_of_outputs(stage, lines))
        if found:
            yield _joined(found), stage.outputs()


def _of_numbers(stage: Stage, lines: _Lines, generator: np.random.Generator) -> Iterator[_Crossings]:
    numbers: list[Floats] = []
    for first, values in _along(lines, stage.inputs):
        numbers = numbers or numbers_of(stage.part, values.shape[2])
        varies = values.min(axis=1) < values.max(axis=1)
        for column in np.flatnonzero(varies.any(axis=0)).tolist():
            chosen = np.flatnonzero(varies[:, column])
            tried = generator.permutation(numbers[column])[:NUMBERS]
            tried = tried if stage.exact else _around(tried, values[:, :, column])
            found = values[chosen, :, column, np.newaxis]
            for test, sides in ((AT_OR_BELOW, found <= tried), (BELOW, found < tried)):
                line, place, number = np.nonzero(sides[:, 1:] != sides[:, :-1])
                yield _between(lines, first + chosen[line], place, column, tried[number], test)


def _of_outputs(stage: Stage, lines: _Lines) -> Iterator[_Crossings]:
    for first, values in _along(lines, stage.outputs()):
        apart = np.diff(lines.points[first : first + len(values)], axis=1)[:, :, np.newaxis] > 0
        same = values[:, 1:] == values[:, :-1]
        rests = (same & apart).any(axis=(0, 1)) & ~same.all(axis=(0, 1))
        for column in np.flatnonzero(rests).tolist():
            line, place = np.nonzero(~same[:, :, column] & ~np.isnan(values[:, 1:, column]))
            yield _between(lines, first + line, place, column, values[line, place, column], SAME)


def _between(
    lines: _Lines, line: NDArray[np.int64], place: NDArray[np.int64], column: int, number: Floats, test: int
) -> _Crossings:
    """Return crossings between the points of lines at `place` and the next ones."""
    left, right = (lines.points[line, place + side] for side in (0, 1))
    return _Crossings(line, np.full(len(line), column), number, np.full(len(line), test), left, right)


def _around(numbers: Floats, values: Floats) -> Floats:
    """Return, instead of numbers, those to either side that a sum tells from them in whatever order it is added up."""
    size = np.median(np.abs(values[np.isfinite(values)])) if np.isfinite(values).any() else 0.0
    apart = INEXACT * np.maximum(np.abs(numbers), size)
    return np.concatenate([numbers - apart, numbers + apart])


def _joined(parts: Sequence[_Crossings]) -> _Crossings:
    return _Crossings._make(np.concatenate(each) for each in zip(*parts, strict=True))


def _along(lines: _Lines, inputs: Inputs) -> Iterator[tuple[int, Floats]]:
    """Yield what a stage is given on some lines, (lines, points, columns), and the number of the first of them."""
    count, points = lines.points.shape
    block = max(1, BLOCK_CELLS // (points * lines.bases.shape[1]))
    for first in range(0, count, block):
        chosen = np.arange(first, min(first + block, count))
        rows = lines.rows(np.repeat(chosen, points), lines.points[chosen].ravel())
        yield first, _evaluated(inputs, rows).reshape(len(chosen), points, -1)


def _narrowed(crossings: _Crossings, lines: _Lines, inputs: Inputs) -> tuple[Floats, Floats]:
    """Return the two neighbours in float64 between which each crossing is."""
    block = max(1, BLOCK_CELLS // (WAYS * lines.bases.shape[1]))
    ends = [_narrowed_block(crossings.some(np.arange(first, min(first + block, len(crossings.line)))), lines, inputs)
            for first in range(0, len(crossings.line), block)]  # fmt: skip
    left, right = zip(*ends, strict=True) if ends else ([np.empty(0)], [np.empty(0)])
    return np.concatenate(left), np.concatenate(right)


def _narrowed_block(crossings: _Crossings, lines: _Lines, inputs: Inputs) -> tuple[Floats, Floats]:
    """Look at WAYS - 1 numbers between both ends, again and again; go on where the first of them is on another side."""
    line, column, number, test, left, right = crossings
    low, high = ordinal(left).view(np.uint64), ordinal(right).view(np.uint64)  # where differences do not overflow
    begin = _sides(_at(inputs, lines.rows(line, left), column), number, test)[:, np.newaxis]
    parts, places = np.arange(WAYS + 1, dtype=np.uint64), np.arange(len(line))
    while (high - low > 1).any():
        gap = (high - low)[:, np.newaxis]
        looked = low[:, np.newaxis] + np.minimum(parts * np.maximum(gap // WAYS, 1), gap)
        looked[:, -1] = high
        inner = from_ordinal(looked[:, 1:-1].view(np.int64))
        values = _at(inputs, lines.rows(np.repeat(line, WAYS - 1), inner.ravel()), np.repeat(column, WAYS - 1))
        crossed = _sides(values.reshape(inner.shape), number[:, np.newaxis], test[:, np.newaxis]) != begin
        end = np.where(crossed.any(axis=1), crossed.argmax(axis=1), WAYS - 1)
        low, high = looked[places, end], looked[places, end + 1]
    return from_ordinal(low.view(np.int64)), from_ordinal(high.view(np.int64))


def _sides(values: Floats, numbers: Floats, test: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.where(
        test == AT_OR_BELOW, values <= numbers, np.where(test == BELOW, values < numbers, values == numbers)
    )


def _at(inputs: Inputs, rows: Floats, columns: NDArray[np.int64]) -> Floats:
    """Return, of what a stage is given for each row, one column: (n,); NaN where all rows are refused."""
    made = _evaluated(inputs, rows)
    values: Floats = made[np.arange(len(rows)), np.minimum(columns, made.shape[1] - 1)]
    return values


def _evaluated(inputs: Inputs, rows: Floats) -> Floats:
    """Return what a stage is given, (n, columns), NaN where that is no number, or where a step in front refuses it."""
    try:
        return _numbers(inputs(rows))
    except Exception:  # whatever a step raises, it refuses
        if len(rows) == 1:
            return np.full((1, 1), np.nan)
    halves = [_evaluated(inputs, half) for half in np.array_split(rows, 2)]
    width = max(half.shape[1] for half in halves)
    return np.concatenate([half if half.shape[1] == width else np.full((len(half), width), np.nan) for half in halves])


def _numbers(made: Any) -> Floats:
    if hasattr(made, "toarray"):
        made = made.toarray()
    if hasattr(made, "iloc"):
        return np.column_stack([_as_numbers(made.iloc[:, column].to_numpy()) for column in range(made.shape[1])])
    made = np.asarray(made)
    if made.dtype.kind != "O":
        return _as_numbers(made)
    return np.column_stack([_as_numbers(column) for column in made.T])


def _as_numbers(values: NDArray[Any]) -> Floats:
    """Return values as numbers; a column that holds others is NaN."""
    try:
        numbers: Floats = values.astype(np.float64)
    except (ValueError, TypeError):
        return np.full(len(values), np.nan)
    return numbers


def _rows_beside(line: NDArray[np.int64], left: Floats, right: Floats, lines: _Lines, bases: Floats) -> Floats:
    """Return rows at both ends of each crossing, 1 ulp beside, and 1 ulp of float32 beside; on two bases."""
    with np.errstate(over="ignore"):  # what is beyond float32 is no row to try
        single = left.astype(np.float32)
    values = np.concatenate([with_neighbours(left), np.nextafter(right, np.inf), with_neighbours(single)])
    line = np.tile(line, ROWS_EACH // 2)
    rows = lines.rows(line, values)
    others: Floats = bases[np.arange(len(rows)) % len(bases)]
    others[np.arange(len(rows)), lines.features[line]] = values
    return np.concatenate([rows, others])
