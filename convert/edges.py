"""Rows at the numbers that any step of an estimator compares with, and next to them: `verify` tries them.

A number is pulled back to a feature along lines, on each of which one feature varies and the others are as in a row
that is known: where a step's column crosses the number on a line, bisection finds the two neighbours in float64
between which it does, whatever the steps in front are, whether they rise or fall. Where a step's own output stays the
same for a while and then changes, as that of a binarizer, an encoder or a clip does, the place is found the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.accepts import Accepts
from convert.compared import numbers_of
from convert.features import Floats
from convert.floats import from_ordinal, ordinal
from convert.oracle import Oracle
from convert.stages import Inputs, Stage, stages_of
from convert.trees import READERS

STAGES = 48
"""How many parts of an estimator are looked at; of more, some are drawn: members of an ensemble are alike."""
LINES = 64
"""How many lines there are at the least; each feature has as many as any other."""
CELLS = 2 * 10**7
"""How many values are computed at a step at the most, to find where its columns cross a number."""
BLOCK_CELLS = 2 * 10**6
"""How many are computed at once."""
NUMBERS = 1000
"""How many numbers a column is compared with on a line at the most."""
CROSSINGS = 4000
"""How many crossings of a kind are bisected at the most, over all parts."""
INEXACT = 1e-6
"""How near rows come, as part of the column's size, where the last bits of a column depend on the order of a sum."""
SPREAD = np.array([0.0, *np.linspace(0.1, 1, 8), 1.5, 3, 10, 1e2, 1e3, 1e6, 1e9])
"""How far from the middle of a feature's range the points of a line are, as multiples of half the range."""

type Test = Literal["at or below", "below", "same"]
TESTS: dict[Test, Callable[[Floats, Floats], NDArray[np.bool_]]] = {
    "at or below": np.less_equal,
    "below": np.less,
    "same": np.equal,
}


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
    test: Test
    left: Floats
    right: Floats

    def some(self, places: NDArray[np.int64]) -> _Crossings:
        """Return those at `places`."""
        line, column, number, test, left, right = self
        return _Crossings(line[places], column[places], number[places], test, left[places], right[places])


def edge_rows(
    oracle: Oracle, accepts: Sequence[Accepts], bases: Floats, known: Range, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return rows with one feature where some step compares it with a number, and 1 ulp to either side.

    `bases`, (n, features), are rows to start from. Each edge is tried on the row where it was found, and on another.
    The second half of what is returned are rows near to edges of what is computed with sums.
    """
    found: dict[bool, list[Floats]] = {True: [bases[:0]], False: [bases[:0]]}
    stages = [stage for stage in stages_of(oracle) if oracle.transformers or type(stage.part) not in READERS]
    drawn = np.sort(generator.permutation(len(stages))[:STAGES])
    if not len(bases) or all(each.values for each in accepts):
        return bases[:0], bases[:0]
    lines = _lines(accepts, bases, known, generator)
    for place in drawn.tolist():
        for crossings, inputs in _crossings(stages[place], lines, generator):
            some = crossings.some(np.sort(generator.permutation(len(crossings.line))[: CROSSINGS // len(drawn)]))
            left, right = _bisected(some, lines, inputs)
            found[stages[place].exact].append(_rows_beside(some.line, left, right, lines, bases))
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
    yield from ((each, stage.inputs) for each in _of_numbers(stage, lines, generator))
    if stage.exact and hasattr(stage.part, "transform") and not hasattr(stage.part, "predict"):
        found = list(_of_outputs(stage, lines))
        if found:
            yield _joined(found), stage.outputs()


def _of_numbers(stage: Stage, lines: _Lines, generator: np.random.Generator) -> Iterator[_Crossings]:
    found: dict[Test, list[_Crossings]] = {"at or below": [], "below": []}
    numbers: list[Floats] = []
    for first, values in _along(lines, stage.inputs):
        numbers = numbers or numbers_of(stage.part, values.shape[2])
        varies = values.min(axis=1) < values.max(axis=1)
        for column in np.flatnonzero(varies.any(axis=0)).tolist():
            chosen = np.flatnonzero(varies[:, column])
            tried = generator.permutation(numbers[column])[:NUMBERS]
            tried = tried if stage.exact else _around(tried, values[:, :, column])
            for test, each in found.items():
                each.append(_flips(values[chosen, :, column], tried, test, column, first + chosen, lines))
    yield from (_joined(each) for each in found.values() if each)


def _of_outputs(stage: Stage, lines: _Lines) -> Iterator[_Crossings]:
    for first, values in _along(lines, stage.outputs()):
        apart = np.diff(lines.points[first : first + len(values)], axis=1)[:, :, np.newaxis] > 0
        same = values[:, 1:] == values[:, :-1]
        rests = (same & apart).any(axis=(0, 1)) & ~same.all(axis=(0, 1))
        for column in np.flatnonzero(rests).tolist():
            line, place = np.nonzero(~same[:, :, column] & ~np.isnan(values[:, 1:, column]))
            left, right = (lines.points[first + line, place + side] for side in (0, 1))
            number = values[line, place, column]
            yield _Crossings(first + line, np.full(len(line), column), number, "same", left, right)


def _flips(
    values: Floats, numbers: Floats, test: Test, column: int, chosen: NDArray[np.int64], lines: _Lines
) -> _Crossings:
    """Return where values on the `chosen` lines, (lines, points), cross any of the numbers."""
    sides = TESTS[test](values[:, :, np.newaxis], numbers)
    line, place, number = np.nonzero(sides[:, 1:] != sides[:, :-1])
    line = chosen[line]
    left, right = (lines.points[line, place + side] for side in (0, 1))
    return _Crossings(line, np.full(len(line), column), numbers[number], test, left, right)


def _around(numbers: Floats, values: Floats) -> Floats:
    """Return, instead of numbers, those to either side that a sum tells from them in whatever order it is added up."""
    size = np.median(np.abs(values[np.isfinite(values)])) if np.isfinite(values).any() else 0.0
    apart = INEXACT * np.maximum(np.abs(numbers), size)
    return np.concatenate([numbers - apart, numbers + apart])


def _joined(parts: Sequence[_Crossings]) -> _Crossings:
    line, column, number, test, left, right = zip(*parts, strict=True)
    return _Crossings(
        np.concatenate(line),
        np.concatenate(column),
        np.concatenate(number),
        test[0],
        np.concatenate(left),
        np.concatenate(right),
    )


def _along(lines: _Lines, inputs: Inputs) -> Iterator[tuple[int, Floats]]:
    """Yield what a stage is given on some lines, (lines, points, columns), and the number of the first of them."""
    count, points = lines.points.shape
    block = max(1, BLOCK_CELLS // (points * lines.bases.shape[1]))
    for first in range(0, count, block):
        chosen = np.arange(first, min(first + block, count))
        rows = lines.rows(np.repeat(chosen, points), lines.points[chosen].ravel())
        yield first, _evaluated(inputs, rows).reshape(len(chosen), points, -1)


def _bisected(crossings: _Crossings, lines: _Lines, inputs: Inputs) -> tuple[Floats, Floats]:
    """Return the two neighbours in float64 between which each crossing is."""
    test = TESTS[crossings.test]
    block = max(1, BLOCK_CELLS // lines.bases.shape[1])
    left, right = ordinal(crossings.left), ordinal(crossings.right)
    for first in range(0, len(left), block):
        some = crossings.some(np.arange(first, min(first + block, len(left))))
        low, high = left[first : first + block], right[first : first + block]
        begin = test(_at(inputs, lines.rows(some.line, some.left), some.column), some.number)
        while (low + 1 < high).any():
            middle = (low & high) + ((low ^ high) >> 1)  # half way, where the difference would overflow
            values = _at(inputs, lines.rows(some.line, from_ordinal(middle)), some.column)
            as_left = test(values, some.number) == begin
            low, high = np.where(as_left, middle, low), np.where(as_left, high, middle)
        left[first : first + block], right[first : first + block] = low, high
    return from_ordinal(left), from_ordinal(right)


def _at(inputs: Inputs, rows: Floats, columns: NDArray[np.int64]) -> Floats:
    """Return, of what a stage is given for each row, one column: (n,)."""
    return _evaluated(inputs, rows)[np.arange(len(rows)), columns]


def _evaluated(inputs: Inputs, rows: Floats) -> Floats:
    """Return what a stage is given, (n, columns), NaN where that is no number, or where a step in front refuses it."""
    try:
        return _numbers(inputs(rows))
    except (ValueError, TypeError):
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
    line = np.tile(line, 7)
    rows = lines.rows(line, values)
    others: Floats = bases[np.arange(len(rows)) % len(bases)]
    others[np.arange(len(rows)), lines.features[line]] = values
    return np.concatenate([rows, others])
