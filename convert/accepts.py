"""What an estimator accepts and what it refuses, asked of the estimator itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator import as_input
from convert.floats import from_ordinal, ordinal
from convert.sample import Sample

LARGEST = float(np.finfo(np.float64).max)
LARGEST_AS_FLOAT32 = float(np.nextafter(2.0**128 - 2.0**103, 0))
"""The largest float64 that does not round to infinity in float32."""


@dataclass(frozen=True, slots=True)
class Accepts:
    """What a feature may be: NaN or not, and finite numbers from low to high; None where infinity is accepted, too."""

    nan: bool
    low: float | None
    high: float | None

    def within(self, limit: float) -> Accepts:
        """Return what is accepted by this and by a graph that takes no NaN and nothing beyond ± `limit`."""
        low = -limit if self.low is None else max(self.low, -limit)
        high = limit if self.high is None else min(self.high, limit)
        return Accepts(False, low, high)


def ask(estimator: Any, sample: Sample | None) -> list[Accepts]:
    """Return what `estimator` accepts for each feature, the others being as in the sample's first row, or 0.

    What is accepted is taken to be an interval, as it is for every estimator that checks for finite numbers of some
    precision, behind affine transformations or not. Raises ConvertError if it does not predict on that row.
    """
    row = np.zeros(int(estimator.n_features_in_)) if sample is None else sample.rows[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator.predict(as_input(estimator, row[np.newaxis]))
        except Exception as error:  # whatever the estimator raises, it can't be asked anything
            raise ConvertError(f"{type(estimator).__name__} does not predict on a row of numbers: {error}") from error
        return [_ask_feature(estimator, row, column) for column in range(len(row))]


def _ask_feature(estimator: Any, row: np.ndarray[Any, Any], column: int) -> Accepts:
    def accepted(value: float) -> bool:
        changed = row.copy()
        changed[column] = value
        try:
            estimator.predict(as_input(estimator, changed[np.newaxis]))
        except ValueError:
            return False
        return True

    def mirrored(value: float) -> bool:
        return accepted(-value)

    start = 0.0 if np.isnan(row[column]) else float(row[column])
    low = _largest(mirrored, max(-start, 0.0))
    return Accepts(accepted(np.nan), None if low is None else -low, _largest(accepted, max(start, 0.0)))


def _largest(accepted: Callable[[float], bool], start: float) -> float | None:
    """Return the largest number at or above `start` that is accepted; None if infinity is."""
    if accepted(np.inf):
        return None
    for candidate in (LARGEST, LARGEST_AS_FLOAT32):
        if accepted(candidate) and not accepted(float(np.nextafter(candidate, np.inf))):
            return candidate
    low, high = (int(ordinal(np.float64(number))) for number in (start, LARGEST))
    while high - low > 1:
        middle = (low + high) // 2
        if accepted(float(from_ordinal(np.int64(middle)))):
            low = middle
        else:
            high = middle
    return float(from_ordinal(np.int64(low)))
