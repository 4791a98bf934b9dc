"""The rows that estimator and model file are compared on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.accepts import Accepts
from convert.sample import Sample
from convert.thresholds import tree_thresholds

RANDOM_ROWS = 100_000
SEED = 0
MISSING_SHARE = 0.1
EVERY_CELL = "every cell of the table"

type Rows = NDArray[np.float64]


def row_sets(estimator: Any, sample: Sample | None, accepts: Sequence[Accepts]) -> Iterator[tuple[str, Rows]]:
    """Yield the sets of rows to try, each with its name: training, random, thresholds, limits, missing values."""
    generator = np.random.default_rng(SEED)
    thresholds = tree_thresholds(estimator)
    low, high = _ranges(thresholds, sample)
    if sample is not None:
        yield "training rows", sample.rows
    random = generator.uniform(low, high, size=(RANDOM_ROWS, len(low)))
    yield f"random rows (seed {SEED})", random
    if any(len(found) for found in thresholds):
        yield "thresholds ± 1 ulp", _threshold_rows(thresholds, random if sample is None else sample.rows)
    yield "limits of what is accepted", _limit_rows(accepts, random)
    missing = np.array([accepted.nan for accepted in accepts])
    if missing.any():
        holes = (generator.random(random.shape) < MISSING_SHARE) & missing
        yield "missing values", np.where(holes, np.nan, random)


def _ranges(thresholds: list[Rows], sample: Sample | None) -> tuple[Rows, Rows]:
    """Return the lowest and highest value to try for each feature: the range that is known, and half of it beyond."""
    known = [
        np.concatenate([found, [] if sample is None else sample.rows[:, column]])
        for column, found in enumerate(thresholds)
    ]
    known = [values[np.isfinite(values)] for values in known]
    low = np.array([values.min() if len(values) else 0.0 for values in known])
    high = np.array([values.max() if len(values) else 1.0 for values in known])
    margin = np.where(high > low, high - low, 1.0) / 2
    return low - margin, high + margin


def _threshold_rows(thresholds: list[Rows], bases: Rows) -> Rows:
    """Return rows with one feature at each of its thresholds, and 1 ulp to either side in float64 and in float32."""
    rows = []
    for column, found in enumerate(thresholds):
        values = np.concatenate([_with_neighbours(found), _with_neighbours(found.astype(np.float32))])
        block = bases[np.arange(len(values)) % len(bases)].copy()
        block[:, column] = values
        rows.append(block)
    return np.concatenate(rows)


def _limit_rows(accepts: Sequence[Accepts], bases: Rows) -> Rows:
    """Return rows with one feature at the lowest or highest number that is accepted."""
    limits = [
        (-np.inf if each.low is None else each.low, np.inf if each.high is None else each.high) for each in accepts
    ]
    rows = bases[: 2 * len(accepts)].copy()
    for column, pair in enumerate(limits):
        rows[2 * column : 2 * column + 2, column] = pair
    return rows


def _with_neighbours(values: NDArray[np.floating[Any]]) -> Rows:
    """Return the values and the next numbers to either side, in the values' own precision."""
    below = np.nextafter(values, values.dtype.type(-np.inf))
    above = np.nextafter(values, values.dtype.type(np.inf))
    return np.concatenate([values, below, above]).astype(np.float64)
