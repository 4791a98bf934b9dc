"""What the estimator refuses and what the card refuses: the same values, or not."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.errors import listed
from convert.estimator.features import UNKNOWN, Feature, Floats
from convert.estimator.fitted import own_names
from convert.model_file.service import Service
from convert.oracle.accepts import Accepts, other_than
from convert.oracle.oracle import Oracle
from convert.proof.edges import with_neighbours
from convert.proof.parity import Comparison
from convert.proof.rows import accepted_rows

CATEGORIES = 5
"""Of how many categories the numbers next to them are tried."""
SERVED = 200
"""How many rows are sent to the service, drawn with a seed."""


class Refusals(NamedTuple):
    """How many rows were tried, and a line for each that one side refuses and the other does not."""

    tried: int
    differing: list[str]


def compare_refusals(oracle: Oracle, accepts: Sequence[Accepts], service: Service | None = None) -> Refusals:
    """Try rows that may be refused: missing values, infinities, limits, unknown categories, another width.

    `accepts` is what the card says; the `service`, if it runs, is held to that. Where a strategy takes less than the
    estimator does, on purpose, or the card can't tell of all that it does, only what the estimator refuses is tried.
    """
    widths, differing = _compare_widths(oracle)
    tried: list[tuple[int, float]] = []
    for column, (feature, asked) in enumerate(zip(oracle.features, oracle.accepts, strict=True)):
        for value in _doubtful(feature, asked):
            row = _row_with(oracle, column, value)
            refused = _refuses(oracle, oracle.as_input(row))
            if (asked.apart or asked != accepts[column]) and not refused:
                continue
            tried.append((column, value))
            if refused == accepted_rows(row, accepts)[0]:
                side = "the estimator" if refused else "the card"
                differing.append(f"{_shown(feature, value)} for {feature.name!r} is refused by {side} only")
    if service is not None:
        differing += _compare_service(oracle, accepts, tried, service)
    return Refusals(widths + len(tried), differing)


def refused_together(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a line for each set with rows that the estimator refuses, though it takes each of their values."""
    return [
        f"{len(each.refused):,} of the {each.source} are refused by the estimator only, such as"
        f" {listed(each.refused[0].tolist())}"
        for each in comparisons
        if len(each.refused)
    ]


def _compare_service(
    oracle: Oracle, accepts: Sequence[Accepts], tried: Sequence[tuple[int, float]], service: Service
) -> list[str]:
    """Return a line for what the service takes and the card does not, or else: of other widths, and values tried."""
    taken = [other.shape[1] for other in _other_widths(oracle.row[np.newaxis]) if not service.refuses(other)]
    differing = [f"a row of {width} values is taken by the service" for width in taken]
    for place in np.random.default_rng(0).permutation(len(tried))[:SERVED].tolist():
        column, value = tried[place]
        row = _row_with(oracle, column, value)
        if service.refuses(row) == accepted_rows(row, accepts)[0]:
            side, feature = "the card" if service.refuses(row) else "the service", oracle.features[column]
            differing.append(f"{_shown(feature, value)} for {feature.name!r} is taken by {side} only")
    return differing


def _row_with(oracle: Oracle, column: int, value: float) -> Floats:
    row: Floats = oracle.row[np.newaxis].copy()
    row[0, column] = value
    return row


def _shown(feature: Feature, value: float) -> str:
    return repr(feature.decode(np.array([value])).tolist()[0])


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
        known = np.array(accepts.values[:CATEGORIES])
        beside = [*with_neighbours(known), *known.astype(np.float32).astype(np.float64)]
        return [np.nan, np.inf, -np.inf, -0.0, *limits, other_than(np.array(accepts.values), feature), *beside]
    with np.errstate(over="ignore"):
        beyond = [float(np.nextafter(limit, np.copysign(np.inf, limit))) for limit in limits]
    return [np.nan, np.inf, -np.inf, -0.0, 5e-324, *limits, *beyond]


def _compare_widths(oracle: Oracle) -> Refusals:
    """Try a column more and one less; a table with names is asked for its columns by name, whatever else it has."""
    if own_names(oracle.estimator) is not None:
        return Refusals(0, [])
    others = _other_widths(oracle.as_input(oracle.row[np.newaxis]))
    taken = [other.shape[1] for other in others if not _refuses(oracle, other)]
    return Refusals(len(others), [f"a row of {width} values is refused by the card only" for width in taken])


def _other_widths(row: NDArray[Any]) -> list[NDArray[Any]]:
    return [np.concatenate([row, row[:, :1]], axis=1), row[:, :-1]]


def _refuses(oracle: Oracle, rows: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            oracle.estimator.predict(rows)
        except Exception:  # whatever the estimator raises, it refuses
            return True
    return False
