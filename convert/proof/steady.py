"""Rows on which an estimator's answer does not hang on last bits: theirs, or those of sums within it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import Floats
from convert.oracle.oracle import Oracle

NUDGE = 1e-14
"""By what part of itself a value is moved: some fifty of its last bits."""
NUDGES = 5
"""How often, each time to one side and to the other."""


def steady(oracle: Oracle, rows: Floats, tolerance: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Return (n,), whether labels stay the same, and probabilities within `tolerance`, where all values are nudged.

    Nor may the two largest scores be within `tolerance`, as those of a support vector machine are far off, where they
    differ in the last digits of a third. On other rows scikit-learn answers one way or the other by the order in which
    it adds up.
    """
    same = np.ones(len(rows), dtype=np.bool_)
    if not len(rows):
        return same
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same &= _apart(oracle.decision_function(rows), tolerance)
        if all(each.values for each in oracle.accepts):  # nothing can be nudged
            return same
        before = _answers(oracle, rows)
        signs = [generator.integers(0, 2, rows.shape) * 2 - 1 for _ in range(NUDGES)]
        for sign in (turn * each for each in signs for turn in (1, -1)):
            for one, other in zip(before, _answers(oracle, _nudged(oracle, rows, sign)), strict=True):
                same &= _alike(one, other, tolerance)
    return same


def _nudged(oracle: Oracle, rows: Floats, sign: NDArray[np.int64]) -> Floats:
    """Return the rows with all values moved, but for those of which only some are accepted, and not beyond limits."""
    free = np.array([not each.values for each in oracle.accepts])
    low = np.array([-np.inf if each.low is None else each.low for each in oracle.accepts])
    high = np.array([np.inf if each.high is None else each.high for each in oracle.accepts])
    return np.where(free, np.clip(rows * (1 + NUDGE * sign), low, high), rows)


def _apart(scores: NDArray[Any] | None, tolerance: float) -> NDArray[np.bool_]:
    """Return (n,), whether the largest of several scores is ahead of the next one."""
    if scores is None or scores.ndim == 1:
        return np.ones(1, dtype=np.bool_)
    second, first = np.sort(scores, axis=1)[:, -2:].T
    apart: NDArray[np.bool_] = ~(first - second <= tolerance * np.fmax(1.0, np.abs(first)))
    return apart


def _answers(oracle: Oracle, rows: Floats) -> list[NDArray[Any]]:
    probabilities = oracle.predict_proba(rows) if oracle.task == "classification" else None
    return [oracle.predict(rows)] + ([] if probabilities is None else [probabilities])


def _alike(one: NDArray[Any], other: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    """Return (n,), whether labels are equal, and numbers so within `tolerance`."""
    same = one == other
    if one.dtype.kind == "f":
        size = 1.0 if one.ndim > 1 else np.abs(one[np.isfinite(one)]).max(initial=1.0)
        same = same | (np.abs(one - other) <= tolerance * size) | (np.isnan(one) & np.isnan(other))
    every: NDArray[np.bool_] = same.reshape(len(one), -1).all(axis=1)
    return every
