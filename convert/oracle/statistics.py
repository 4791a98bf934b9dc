"""What the sample tells of each feature, for the card: between what its values are, and which are how frequent."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np

from convert.estimator.features import Feature, Floats
from convert.oracle.accepts import Accepts
from convert.oracle.examples import is_typical, tells_of_none
from convert.oracle.oracle import Oracle

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of a number, beside its least and its greatest value."""
DIGITS = 9
"""To how many a number is written: the card is read at each cold start."""
MOST_CATEGORIES = 100
"""Of how many categories it is told how frequent each is: rare ones are few people."""
MOST_ROWS = 10_000
"""How many rows of the sample are answered for the range of a regression."""


def statistics(oracle: Oracle, accepts: Sequence[Accepts]) -> dict[str, Any]:
    """Return what the card says of the sample, as JSON has it; nothing without one, and where there are no examples.

    features: a member for each, in order, empty where there is nothing to tell. prediction: of a regression, the least
    and the greatest answer to rows of the sample.
    """
    if oracle.sample is None or tells_of_none(oracle.sample.rows):
        return {}
    rows = oracle.sample.rows
    columns = zip(oracle.features, accepts, rows.T, strict=True)
    told: dict[str, Any] = {"rows": len(rows), "features": [_of(*column) for column in columns]}
    if oracle.task == "regression":
        told |= _answers(oracle, rows[:: ceil(len(rows) / MOST_ROWS)])
    return told


def _of(feature: Feature, accepts: Accepts, values: Floats) -> dict[str, Any]:
    """Return what is told of a column, (n,): of the values that are accepted, and how many are missing."""
    if feature.dropped:
        return {}
    missing = float(np.isnan(values).mean())
    told: dict[str, Any] = {"missing": short(missing)} if missing else {}
    taken = values[is_typical(feature, accepts, values)]
    if not len(taken):
        return told
    if feature.type == "float":
        ordered = np.sort(taken)
        places = [0, *(ceil(quantile * len(taken)) - 1 for quantile in QUANTILES), len(taken) - 1]
        return {"quantiles": [short(number) for number in ordered[places].tolist()], **told}
    count = 2 if feature.type == "bool" else len(feature.categories)
    if count > MOST_CATEGORIES:
        return {"most": replace(feature, none=True).decode(np.array([_most_frequent(taken)])).tolist()[0], **told}
    return {"counts": np.bincount(taken.astype(np.int64), minlength=count).tolist(), **told}


def _most_frequent(numbers: Floats) -> float:
    different, counts = np.unique(numbers, return_counts=True)
    return float(different[np.argmax(counts)])


def short(number: float) -> float | int:
    """Return a number of a few digits, and a whole one without a point.

    >>> short(1 / 3), short(38.0)
    (0.333333333, 38)
    """
    short = float(f"{number:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def _answers(oracle: Oracle, rows: Floats) -> dict[str, Any]:
    """Return the range of a regression's answers; nothing if the estimator refuses a row, or none is finite."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answers = np.asarray(oracle.predict(rows), dtype=np.float64)
        except Exception:  # whatever the estimator raises
            return {}
    answers = answers[np.isfinite(answers)]
    return {"prediction": [short(float(answers.min())), short(float(answers.max()))]} if len(answers) else {}
