"""Rows of a special kind, which no sample has and a client may send; and rows between those that are labelled apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import Floats
from convert.oracle.accepts import Accepts
from convert.proof.edges import Range
from convert.proof.parity import Answers

CELLS = 10**7
"""How many values a set of rows has at the most."""
EQUAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 10.0, 100.0, 1e-3)
TINY = (5e-324, -5e-324, 1e-310, -1e-310, 1.4e-45, -1.4e-45, 1e-40, -1e-40)
"""Subnormal numbers of float64, and of float32."""
FAR = (1e3, 1e6)
"""How far off a value is, in ranges of its feature."""
PAIRS = 48
STEPS = 80
"""Half the way so many times leads from any two numbers to neighbours, but for those that 0 lies between."""


@np.errstate(over="ignore", invalid="ignore")
def special_rows(accepts: Sequence[Accepts], bases: Floats, known: Range, generator: np.random.Generator) -> Floats:
    """Return rows of equal values, of zeros and of subnormals, rows with one such value, whole numbers and halves.

    And rows that are known with all values 1 ulp off, in float64 and in float32. A feature of which only some values
    are accepted is as in `bases`, rows (n, features) to start from.
    """
    bases = _some(bases, generator, max(1, min(100, CELLS // bases.shape[1] // 20)))
    constants = [np.full_like(bases[:4], number) for number in (*EQUAL, *TINY)]
    single = bases.astype(np.float32)
    nudged = [np.nextafter(bases, end) for end in (-np.inf, np.inf)]
    nudged += [np.nextafter(single, np.float32(end)).astype(np.float64) for end in (-np.inf, np.inf)]
    rounded = [np.round(bases), np.floor(bases) + 0.5, single.astype(np.float64)]
    made = [*constants, *nudged, *rounded, -bases, bases[:, :1] + np.zeros_like(bases)]
    made += [_with_one(bases, number, generator) for number in (0.0, -0.0, *TINY)]
    made += [_with_one(np.zeros_like(bases), (known.low + known.high) / 2 + 1.0, generator)]
    return np.concatenate([_restored(each, accepts, bases) for each in made])


@np.errstate(over="ignore", invalid="ignore")
def far_rows(accepts: Sequence[Accepts], bases: Floats, known: Range, generator: np.random.Generator) -> Floats:
    """Return rows with one value far off, with two of them of opposite signs, and with all."""
    bases = _some(bases, generator, max(1, min(100, CELLS // bases.shape[1] // 20)))
    width = np.where(known.high > known.low, known.high - known.low, 1.0)
    made = []
    for distance in (sign * far for far in FAR for sign in (1.0, -1.0)):
        off = known.low / 2 + known.high / 2 + distance * width
        one = _with_one(bases, off, generator)
        made += [one, np.roll(_with_one(np.roll(one, 1, axis=1), np.roll(-off, 1), generator), -1, axis=1)]
        made.append(np.where(generator.random((4, len(off))) < 0.5, off, -off))
    return np.concatenate([_restored(each, accepts, bases) for each in made])


@np.errstate(over="ignore", invalid="ignore")
def rows_between_labels(
    candidate: Answers, accepts: Sequence[Accepts], bases: Floats, tolerance: float, generator: np.random.Generator
) -> Floats:
    """Return rows where the model file's label changes, on lines between rows of different labels: both neighbours.

    If the estimator changes its mind elsewhere, one of the two tells. Along some of the lines one feature varies, along
    others all that take any number. Where scores are the same within a `tolerance` only, neighbours have equal scores,
    and rows are taken from a little to either side instead.
    """
    left, right = _ends(candidate, accepts, bases, generator)
    if not len(left):
        return bases[:0]
    low, high = left.copy(), right.copy()
    label = candidate.run(left)["label"]
    for _ in range(STEPS):
        middle = low + (high - low) / 2
        as_left = (candidate.run(middle)["label"] == label)[:, np.newaxis]
        low, high = np.where(as_left, middle, low), np.where(as_left, high, middle)
    if is_exact(tolerance):
        return np.concatenate([low, high])
    aside = 1000 * tolerance * (right - left)
    return np.concatenate([low - aside, high + aside])


def is_exact(tolerance: float) -> bool:
    """Whether a strategy promises the same bits, but for the last one of a probability."""
    return tolerance <= 10 * float(np.finfo(np.float64).eps)


def _ends(
    candidate: Answers, accepts: Sequence[Accepts], bases: Floats, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return rows in pairs that the candidate labels differently."""
    count = min(len(bases), max(2, CELLS // bases.shape[1] // 10), 2000)
    left, right = (_some(bases, generator, count) for _ in range(2))
    free = np.array([not each.values for each in accepts])
    varies = np.where(np.arange(count)[:, np.newaxis] % 2 == 0, free, free & _one_of(len(free), count, generator))
    right = np.where(varies & ~np.isnan(left) & ~np.isnan(right), right, left)
    apart = np.flatnonzero(candidate.run(left)["label"] != candidate.run(right)["label"])
    single = [apart[apart % 2 == turn][: PAIRS // 2] for turn in (0, 1)]
    places = np.concatenate(single)
    return left[places], right[places]


def _one_of(features: int, count: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Return (count, features), true for one of the features in each row."""
    chosen: NDArray[np.bool_] = np.arange(features) == generator.integers(features, size=count)[:, np.newaxis]
    return chosen


def _with_one(bases: Floats, numbers: float | Floats, generator: np.random.Generator) -> Floats:
    """Return each of the rows with one value replaced, each feature in turn: by the number, or its own of `numbers`."""
    width = bases.shape[1]
    count = max(len(bases), min(width, CELLS // width // 20))
    rows: Floats = bases[np.arange(count) % len(bases)]
    columns = np.arange(count) % width if count >= width else generator.permutation(width)[:count]
    rows[np.arange(count), columns] = np.broadcast_to(numbers, width)[columns]
    return rows


def _restored(rows: Floats, accepts: Sequence[Accepts], bases: Floats) -> Floats:
    """Return the rows with values as in `bases` for the features of which only some are accepted."""
    limited = np.array([bool(each.values) for each in accepts])
    return np.where(limited, bases[np.arange(len(rows)) % len(bases)], rows)


def _some(rows: Floats, generator: np.random.Generator, count: int) -> Floats:
    drawn: Floats = rows[generator.integers(len(rows), size=count)]
    return drawn
