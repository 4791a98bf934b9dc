"""The rows that estimator and model file are compared on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.accepts import Accepts
from convert.sample import Sample

RANDOM_ROWS = 100_000
SEED = 0
MISSING_SHARE = 0.1
THRESHOLD_ROWS = 200_000
CATEGORIES = 50
"""How many distinct values a feature of the sample has at the most to be taken for a category."""
HUGE = 8e307
"""Beyond it the width of a range overflows."""
EVERY_CELL = "every cell of the table"

type Rows = NDArray[np.float64]


def row_sets(
    thresholds: Sequence[Rows], sample: Sample | None, accepts: Sequence[Accepts]
) -> Iterator[tuple[str, Rows]]:
    """Yield the sets of rows to try, each with its name: training, random, thresholds, limits, missing values.

    Only what is accepted is in them; of very many threshold rows, some are drawn.
    """
    generator = np.random.default_rng(SEED)
    low, high = _ranges(thresholds, sample, accepts)
    random = low + (high - low) * generator.random((RANDOM_ROWS, len(low)))
    if sample is not None:
        yield "training rows", sample.rows[accepted_rows(sample.rows, accepts)]
        _mix_in_categories(random, sample.rows, generator)
    random = random[accepted_rows(random, accepts)]
    yield f"random rows (seed {SEED})", random
    if any(len(found) for found in thresholds):
        rows = _threshold_rows(thresholds, random if sample is None else sample.rows)
        rows = rows[accepted_rows(rows, accepts)]
        drawn = generator.permutation(len(rows))[:THRESHOLD_ROWS]
        yield "thresholds ± 1 ulp", rows if len(rows) <= THRESHOLD_ROWS else rows[np.sort(drawn)]
    yield "limits of what is accepted", _limit_rows(accepts, random)
    missing = np.array([accepted.nan for accepted in accepts])
    if missing.any():
        holes = (generator.random(random.shape) < MISSING_SHARE) & missing
        yield "missing values", np.where(holes, np.nan, random)


def accepted_rows(rows: Rows, accepts: Sequence[Accepts]) -> NDArray[np.bool_]:
    """Return (n,), whether every value of the row is accepted."""
    low, high = _limits(accepts)
    nan = np.array([each.nan for each in accepts])
    inside: NDArray[np.bool_] = ((rows >= low) & (rows <= high)) | (np.isnan(rows) & nan)
    return inside.all(axis=1)


def _limits(accepts: Sequence[Accepts]) -> tuple[Rows, Rows]:
    low = np.array([-np.inf if each.low is None else each.low for each in accepts])
    high = np.array([np.inf if each.high is None else each.high for each in accepts])
    return low, high


def _ranges(thresholds: Sequence[Rows], sample: Sample | None, accepts: Sequence[Accepts]) -> tuple[Rows, Rows]:
    """Return the lowest and highest value to try for each feature: the range that is known, and half of it beyond."""
    known = [
        np.concatenate([found, [] if sample is None else sample.rows[:, column]])
        for column, found in enumerate(thresholds)
    ]
    known = [values[np.isfinite(values)] for values in known]
    low = np.array([values.min() if len(values) else 0.0 for values in known])
    high = np.array([values.max() if len(values) else 1.0 for values in known])
    margin = np.where(high > low, high / 2 - low / 2, 0.5)
    lowest, highest = _limits(accepts)
    with np.errstate(over="ignore"):
        low, high = low - margin, high + margin
    return np.maximum(low, np.maximum(lowest, -HUGE)), np.minimum(high, np.minimum(highest, HUGE))


def _mix_in_categories(random: Rows, sample: Rows, generator: np.random.Generator) -> None:
    """Put the sample's own values into half of the random ones, where a feature has few of them."""
    for column in range(sample.shape[1]):
        values = np.unique(sample[np.isfinite(sample[:, column]), column])
        if 0 < len(values) <= CATEGORIES:
            places = generator.random(len(random)) < 0.5
            random[places, column] = generator.choice(values, int(places.sum()))


def _threshold_rows(thresholds: Sequence[Rows], bases: Rows) -> Rows:
    """Return rows with one feature at each of its thresholds, and 1 ulp to either side in float64 and in float32."""
    rows = []
    for column, found in enumerate(thresholds):
        with np.errstate(over="ignore"):  # what is beyond float32 is no row to try
            values = np.concatenate([_with_neighbours(found), _with_neighbours(found.astype(np.float32))])
        block = bases[np.arange(len(values)) % len(bases)].copy()
        block[:, column] = values
        rows.append(block)
    return np.concatenate(rows)


def _limit_rows(accepts: Sequence[Accepts], bases: Rows) -> Rows:
    """Return rows with one feature at the lowest or highest number that is accepted."""
    rows = bases[np.arange(2 * len(accepts)) % len(bases)].copy()
    for column, pair in enumerate(zip(*_limits(accepts), strict=True)):
        rows[2 * column : 2 * column + 2, column] = pair
    return rows


def _with_neighbours(values: NDArray[np.floating[Any]]) -> Rows:
    """Return the values and the next numbers to either side, in the values' own precision."""
    below = np.nextafter(values, values.dtype.type(-np.inf))
    above = np.nextafter(values, values.dtype.type(np.inf))
    return np.concatenate([values, below, above]).astype(np.float64)
