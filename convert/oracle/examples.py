"""Rows that are typical of the sample, for the card: made column by column, of values that are there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import UNKNOWN, Feature, Floats
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle

QUANTILES = (0.5, 0.25, 0.75)
"""What the numbers of each row are, among those of their columns."""
FEWEST = 10
"""Of how many rows examples are made at the least: those of fewer would tell of one of them."""
MOST_FEATURES = 1000
"""Of how many features: three rows of 10,000 are 628 kB of card, which every cold start reads."""


def examples(oracle: Oracle, accepts: Sequence[Accepts]) -> list[list[Any]]:
    """Return up to three rows as JSON spells them, that the estimator answers with finite numbers; none without sample.

    The first is of medians and of the most frequent strings and booleans, the others are of the lower and the upper
    quartiles and of those that come second. Each value is one that `accepts` takes, feature by feature; null where the
    estimator does not look, and where the sample has no value that is taken.
    """
    if oracle.sample is None or tells_of_none(oracle.sample.rows):
        return []
    columns = [
        _typical(feature, each, values)
        for feature, each, values in zip(oracle.features, accepts, oracle.sample.rows.T, strict=True)
    ]
    found = [column for column in columns if column is not None]
    if len(found) < len(columns):
        return []
    rows = np.column_stack(found)
    told = zip(*map(_as_json, oracle.features, found), strict=True)
    each_once = dict(zip(told, rows, strict=True))
    finite = _finite(oracle, np.array(list(each_once.values())))
    return [list(row) for row, answered in zip(each_once, finite, strict=True) if answered]


def tells_of_none(rows: Floats) -> bool:
    """Whether a sample, (n, features), is too small, or too wide, for the card to tell of it."""
    return len(rows) < FEWEST or rows.shape[1] > MOST_FEATURES


def _typical(feature: Feature, accepts: Accepts, values: Floats) -> Floats | None:
    """Return a column's value for each row, (3,), as numbers; None if there is none that is accepted."""
    if feature.dropped:
        return np.zeros(len(QUANTILES))
    taken = values[is_typical(feature, accepts, values)]
    if not len(taken):
        return np.full(len(QUANTILES), np.nan) if accepts.nan else None
    if feature.type == "float":
        places = [ceil(quantile * len(taken)) - 1 for quantile in QUANTILES]
        return np.asarray(np.partition(taken, places)[places])
    numbers, counts = np.unique(taken, return_counts=True)
    ranked = numbers[np.argsort(-counts, kind="stable")]
    return np.array([ranked[0], *[ranked[min(1, len(ranked) - 1)]] * (len(QUANTILES) - 1)])


def is_typical(feature: Feature, accepts: Accepts, values: Floats) -> NDArray[np.bool_]:
    """Return which values, (n,), are finite and accepted, and of strings known: any other string is typical of none."""
    if accepts.values:
        known = [value for value in accepts.values if feature.type != "str" or value != UNKNOWN]
        return np.isin(values, known)
    low, high = (-np.inf if accepts.low is None else accepts.low), (np.inf if accepts.high is None else accepts.high)
    return np.asarray(np.isfinite(values) & (low <= values) & (values <= high))


def _as_json(feature: Feature, numbers: Floats) -> list[Any]:
    return [None] * len(numbers) if feature.dropped else replace(feature, none=True).decode(numbers).tolist()


def _finite(oracle: Oracle, rows: Floats) -> NDArray[np.bool_]:
    """Return which rows, (n,), the estimator answers with finite numbers; of some that it refuses, each is asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            probabilities = oracle.predict_proba(rows)
            answers = oracle.predict(rows) if probabilities is None else probabilities
        except Exception:  # whatever the estimator raises
            if len(rows) == 1:
                return np.array([False])
            return np.concatenate([_finite(oracle, row[np.newaxis]) for row in rows])
    numbers = answers.reshape(len(rows), -1)
    return np.isfinite(numbers).all(axis=1) if numbers.dtype.kind == "f" else np.ones(len(rows), dtype=np.bool_)
