"""What the estimator refuses and what the card refuses: the same values, or not."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from convert.accepts import Accepts, other_than
from convert.estimator import own_names
from convert.features import UNKNOWN, Feature, Floats
from convert.oracle import Oracle
from convert.rows import accepted_rows


class Refusals(NamedTuple):
    """How many rows were tried, and a line for each that one side refuses and the other does not."""

    tried: int
    differing: list[str]


def compare_refusals(oracle: Oracle, accepts: Sequence[Accepts]) -> Refusals:
    """Try rows that may be refused: missing values, infinities, limits, unknown categories, another width.

    `accepts` is what the card says. Where a strategy takes less than the estimator does, on purpose, only what the
    estimator refuses is tried.
    """
    tried, differing = _compare_widths(oracle)
    for column, (feature, asked) in enumerate(zip(oracle.features, oracle.accepts, strict=True)):
        for value in _doubtful(feature, asked):
            row = oracle.row[np.newaxis].copy()
            row[0, column] = value
            refused = _refuses(oracle, oracle.as_input(row))
            if asked != accepts[column] and not refused:
                continue
            tried += 1
            if refused == accepted_rows(row, accepts)[0]:
                side = "the estimator" if refused else "the card"
                differing.append(
                    f"{feature.decode(row[:, column])[0]!r} for {feature.name!r} is refused by {side} only"
                )
    return Refusals(tried, differing)


def _doubtful(feature: Feature, accepts: Accepts) -> list[float]:
    """Return values of a feature that may be refused."""
    if feature.dropped:
        return []
    if feature.type == "bool":
        return [np.nan, 0.0, 1.0]
    limits = [limit for limit in (accepts.low, accepts.high) if limit is not None]
    if feature.type == "str":
        return [np.nan, UNKNOWN, *limits]
    if accepts.values:
        return [np.nan, np.inf, -np.inf, *limits, other_than(np.array(accepts.values), feature)]
    with np.errstate(over="ignore"):
        beyond = [float(np.nextafter(limit, np.copysign(np.inf, limit))) for limit in limits]
    return [np.nan, np.inf, -np.inf, *limits, *beyond]


def _compare_widths(oracle: Oracle) -> Refusals:
    """Try a column more and one less; a table with names is asked for its columns by name, whatever else it has."""
    if own_names(oracle.estimator) is not None:
        return Refusals(0, [])
    row: Floats = oracle.as_input(oracle.row[np.newaxis])
    others = [np.concatenate([row, row[:, :1]], axis=1), row[:, :-1]]
    taken = [other.shape[1] for other in others if not _refuses(oracle, other)]
    return Refusals(len(others), [f"a row of {width} values is refused by the card only" for width in taken])


def _refuses(oracle: Oracle, rows: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            oracle.estimator.predict(rows)
        except Exception:  # whatever the estimator raises, it refuses
            return True
    return False
