"""What an estimator accepts and what it refuses, asked of the estimator itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline

from convert.errors import ConvertError
from convert.estimator import as_input, steps_of, width_of
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
    row = np.zeros(width_of(estimator)) if sample is None else sample.rows[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator.predict(as_input(estimator, row[np.newaxis]))
        except Exception as error:  # whatever the estimator raises, it can't be asked anything
            raise ConvertError(f"{type(estimator).__name__} does not predict on a row of numbers: {error}") from error
        quick = _quick(estimator)
        return [_ask_feature(estimator, quick, row, column) for column in range(len(row))]


def _quick(estimator: Any) -> Any:
    """Return an estimator that accepts the same numbers, most likely, and answers sooner: with one of its trees."""
    *transformers, last = steps_of(estimator)
    members = getattr(last, "estimators_", None)
    if not transformers or not isinstance(members, list | np.ndarray):
        return estimator
    return make_pipeline(*transformers, np.ravel(np.asarray(members, dtype=object))[0])


def _ask_feature(estimator: Any, quick: Any, row: np.ndarray[Any, Any], column: int) -> Accepts:
    def accepted(asked: Any, value: float) -> bool:
        changed = row.copy()
        changed[column] = value
        try:
            asked.predict(as_input(estimator, changed[np.newaxis]))
        except ValueError:
            return False
        return True

    def largest(sign: float) -> float | None:
        start = max(sign * (0.0 if np.isnan(row[column]) else float(row[column])), 0.0)
        guess = _largest(lambda value: accepted(quick, sign * value), start)
        beyond = np.inf if guess is None else float(np.nextafter(guess, np.inf))
        if guess is not None and accepted(estimator, sign * guess) and not accepted(estimator, sign * beyond):
            return sign * guess
        limit = _largest(lambda value: accepted(estimator, sign * value), start)
        return None if limit is None else sign * limit

    return Accepts(accepted(estimator, np.nan), largest(-1.0), largest(1.0))


def _largest(accepted: Callable[[float], bool], start: float) -> float | None:
    """Return the largest number at or above `start` that is accepted; None if infinity is."""
    start = abs(start)  # the bits of -0.0 are those of the lowest integer
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
