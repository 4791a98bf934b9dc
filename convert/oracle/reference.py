"""What later rows are compared with: how the sample, and what the estimator answers to it, spreads over a few bins.

It is written as text within the card, which the service reads at each cold start as one string, and no further.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from convert.estimator.features import Feature, Floats
from convert.oracle.accepts import Accepts
from convert.oracle.examples import is_typical, tells_of_none
from convert.oracle.oracle import Oracle
from convert.oracle.statistics import MOST_CATEGORIES, MOST_ROWS, short

BINS = 10
"""Of a number: deciles, or its values where it has no more."""
MOST_FREQUENT, LEAST_PEOPLE = 20, 10
"""Of more categories than the statistics count, so many have a bin of their own, none of fewer rows than that."""

type Bins = list[Any] | None


def reference(oracle: Oracle, accepts: Sequence[Accepts]) -> dict[str, str]:
    """Return the bins of the features and of the answers, as JSON; nothing where there are no statistics.

    features: for each, in order, the bins of `of_numbers` or `of_categories`; null where the statistics count all, and
    where there is nothing to tell. prediction: how often each class is answered, in their order, or bins of the values.
    """
    if oracle.sample is None or tells_of_none(oracle.sample.rows):
        return {}
    rows = oracle.sample.rows
    columns = zip(oracle.features, accepts, rows.T, strict=True)
    told = {"features": _written([_of(*column) for column in columns])}
    answers = _answers(oracle, rows[:: ceil(len(rows) / MOST_ROWS)])
    return told if answers is None else {**told, "prediction": _written(answers)}


def of_numbers(values: Floats) -> list[Any]:
    """Return upper ends of bins, and how many of the values, (n,), are up to each, and above the last.

    An end that has more digits than are written would be on either side of its value, as of a third or of 0.1 in
    float32: it is half way to the next value.

    >>> of_numbers(np.arange(1.0, 101.0))[0]
    [10, 20, 30, 40, 50, 60, 70, 80, 90]
    >>> of_numbers(np.array([0.0, 1.0, 1.0, 3.0]))
    [[0, 1], [1, 2, 1]]
    """
    ordered = np.sort(values)
    different = np.unique(ordered)
    if len(different) > BINS:
        ends = ordered[[ceil(place * len(ordered) / BINS) - 1 for place in range(1, BINS)]]
        ends = np.unique(np.minimum(ends, different[-2]))  # the last bin is not empty
    else:
        ends = different[:-1]
    beyond = different[np.searchsorted(different, ends, side="right")]
    pairs = zip(ends.tolist(), (ends / 2 + beyond / 2).tolist(), strict=True)
    edges = list(dict.fromkeys(short(end) if short(end) == end else short(between) for end, between in pairs))
    bins = np.searchsorted(np.array(edges, np.float64), values, side="left")
    return [edges, np.bincount(bins, minlength=len(edges) + 1).tolist()]


def of_categories(numbers: Floats) -> list[Any]:
    """Return the numbers of the most frequent categories, and how many values, (n,), each has, and all others have."""
    different, counts = np.unique(numbers.astype(np.int64), return_counts=True)
    order = [place for place in np.argsort(-counts, kind="stable")[:MOST_FREQUENT] if counts[place] >= LEAST_PEOPLE]
    found = counts[order].tolist()
    return [different[order].tolist(), [*found, len(numbers) - sum(found)]]


def _of(feature: Feature, accepts: Accepts, values: Floats) -> Bins:
    if feature.dropped:
        return None
    taken = values[is_typical(feature, accepts, values)]
    if not len(taken):
        return None
    if feature.type == "float":
        return of_numbers(taken.astype(feature.dtype).astype(np.float64))
    return of_categories(taken) if len(feature.categories) > MOST_CATEGORIES else None


def _answers(oracle: Oracle, rows: Floats) -> Bins:
    """Return the bins of the answers to the rows; None if the estimator refuses one, or no answer is finite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answers = np.asarray(oracle.predict(rows))
        except Exception:  # whatever the estimator raises
            return None
    if oracle.task == "classification":
        return [int((answers == label).sum()) for label in oracle.classes]
    finite = answers[np.isfinite(answers)].astype(np.float64)
    return of_numbers(finite) if len(finite) else None


def _written(bins: list[Any]) -> str:
    return json.dumps(bins, separators=(",", ":"))
