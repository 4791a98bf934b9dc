"""What either model says of rows, and how far apart the two are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of n rows.

    prediction: (n,), labels or values.
    probabilities: (n, classes), or None if the model gives none.
    """

    prediction: NDArray[Any]
    probabilities: NDArray[np.float64] | None


type Ask = Callable[[NDArray[np.float64]], Answers]
"""Takes rows (n, features); raises ValueError for rows that the model refuses."""


def labels_differ(expected: Answers, actual: Answers) -> NDArray[np.bool_]:
    """Return (n,), whether the labels, or their types, differ."""
    pairs = zip(expected.prediction.tolist(), actual.prediction.tolist(), strict=True)
    return np.array([left != right or type(left) is not type(right) for left, right in pairs], dtype=np.bool_)


def differences(expected: Answers, actual: Answers, task: str) -> NDArray[np.float64]:
    """Return (n,), the largest difference of a probability, or that of the value as part of the largest value.

    It is 0 where neither gives probabilities; NaN and NaN, or two infinities of one sign, are not apart.
    """
    if task == "regression":
        values = expected.prediction.astype(np.float64)
        largest = np.abs(values[np.isfinite(values)]).max(initial=0.0) or 1.0
        return _apart(values, actual.prediction.astype(np.float64)) / largest
    if expected.probabilities is None or actual.probabilities is None:
        return np.zeros(len(expected.prediction))
    return np.asarray(_apart(expected.probabilities, actual.probabilities).max(axis=1), dtype=np.float64)


def _apart(expected: NDArray[np.float64], actual: NDArray[np.float64]) -> NDArray[np.float64]:
    same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    return np.where(same, 0.0, np.abs(expected - actual))
