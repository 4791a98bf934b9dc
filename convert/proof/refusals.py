"""What the estimator refuses and what the card refuses: the same values, or not."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor

from convert.errors import listed
from convert.estimator.features import UNKNOWN, Feature, Floats
from convert.estimator.fitted import own_names
from convert.model_file.service import Service
from convert.oracle.accepts import Accepts, other_than
from convert.oracle.oracle import Oracle
from convert.proof.edges import with_neighbours
from convert.proof.parity import Comparison
from convert.proof.rows import accepted_cells, accepted_rows

CATEGORIES = 5
"""Of how many categories the numbers next to them are tried."""
CELLS = 2 * 10**7
"""How many values are in the rows that are tried, about, at the most: of more than 1,500 features, some are drawn."""
VALUES_EACH = 9
"""How many values of a feature are tried, about."""
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
    taken = _Taken(oracle.row, accepts)
    tried: list[tuple[int, float]] = []
    for column in _columns_to_try(oracle):
        feature, asked = oracle.features[column], oracle.accepts[column]
        for value in _doubtful(feature, asked):
            row = _row_with(oracle, column, value)
            refused = _refuses(oracle, oracle.as_input(row))
            if (asked.apart or asked != accepts[column]) and not refused:
                continue
            tried.append((column, value))
            if refused == taken(column, value):
                side = "the estimator" if refused else "the card"
                differing.append(f"{_shown(feature, value)} for {feature.name!r} is refused by {side} only")
    if service is not None:
        differing += _compare_service(oracle, accepts, tried, service)
    return Refusals(widths + len(tried), differing)


class _Taken:
    """Tells whether the card takes a row with one value put into it, without looking at all the others again."""

    def __init__(self, row: Floats, accepts: Sequence[Accepts]) -> None:
        self._accepts = accepts
        self._refused = set(np.flatnonzero(~accepted_cells(row[np.newaxis], accepts)[0]).tolist())

    def __call__(self, column: int, value: float) -> bool:
        alone = accepted_rows(np.array([[value]]), self._accepts[column : column + 1])
        return self._refused <= {column} and bool(alone[0])


def _columns_to_try(oracle: Oracle) -> list[int]:
    most = max(1, oracle.one_by_one(CELLS) // VALUES_EACH)
    drawn: list[int] = np.random.default_rng(0).permutation(oracle.width)[:most].tolist()
    return sorted(drawn) if most < oracle.width else list(range(oracle.width))


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
    widths = [other.shape[1] for other in _other_widths(oracle.row[np.newaxis]) if not service.refuses(other)]
    differing = [f"a row of {width} values is taken by the service" for width in widths]
    taken = _Taken(oracle.row, accepts)
    for place in np.random.default_rng(0).permutation(len(tried))[:SERVED].tolist():
        column, value = tried[place]
        refused = service.refuses(_row_with(oracle, column, value))
        if refused == taken(column, value):
            side, feature = "the card" if refused else "the service", oracle.features[column]
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
    """Try a column more and one less; a table with names is asked for its columns by name, whatever else it has.

    What looks at no feature takes rows of any width: the card does not.
    """
    if own_names(oracle.estimator) is not None or isinstance(oracle.estimator, DummyClassifier | DummyRegressor):
        return Refusals(0, [])
    others = _other_widths(oracle.as_table(oracle.row[np.newaxis]))
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
