"""Which features the plots show, and over what range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.model_file.card import accepts_of
from convert.oracle.sample import Sample
from convert.proof.parity import Comparison
from convert.proof.report.answers import Ask
from convert.proof.rows import accepted_rows, limits_of

OUTLIERS = 0.005
"""The share of rows at either end that may lie beyond a plot."""
MARGIN = 0.05
HUGE = 8e307
"""Beyond it the width of a range overflows."""
DRAWABLE = (1e-100, 1e100)
"""Ranges that matplotlib draws as they are; others are scaled."""
CATEGORIES = 30
"""How many categories an axis shows at the most."""
CANDIDATES, BASES, STEPS = 20, 10, 12
"""How many features, rows and values are tried to find the features that matter most."""
LIMITS = "limits"
"""What the name of the rows at the limits of what is accepted starts with."""

type Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Axis:
    """A feature, as a plot shows it: from `low` to `high`, both accepted, or the names of the only `values` it has."""

    name: str
    column: int
    low: float
    high: float
    categories: tuple[str, ...] | None = None
    values: tuple[float, ...] = ()

    def points(self, count: int) -> Rows:
        """Return (count,) values in equal steps, or (categories,) the only ones there are."""
        if self.categories is not None:
            return np.array(self.values)
        part = (np.arange(count) + 0.5) / count
        return self.low * (1 - part) + self.high * part

    @property
    def scale(self) -> float:
        """The power of ten that drawn numbers are divided by, 1 unless they are huge or tiny."""
        reach = max(abs(self.low), abs(self.high))
        return 1.0 if DRAWABLE[0] < reach < DRAWABLE[1] else float(10.0 ** np.floor(np.log10(reach)))

    @property
    def ends(self) -> tuple[float, float]:
        """Where the drawn axis starts and ends."""
        if self.categories is not None:
            return -0.5, len(self.categories) - 0.5
        return self.low / self.scale, self.high / self.scale

    def drawn(self, values: Rows) -> Rows:
        """Return (n,), where the values are drawn: categories in steps of 1."""
        if self.categories is not None:
            return np.where(np.isin(values, self.values), np.searchsorted(self.values, values), np.nan)
        return values / self.scale

    def shows(self, values: Rows) -> NDArray[np.bool_]:
        """Return (n,), whether the values lie within the axis; NaN does not."""
        low, high = self.ends
        drawn = self.drawn(values)
        return (drawn >= low) & (drawn <= high)


def check_features(card: Mapping[str, Any], features: tuple[str, str] | None) -> None:
    """Raise ConvertError, naming those there are, for a feature that is not in the card, or for one named twice."""
    names = [feature["name"] for feature in card["features"]]
    for name in features or ():
        if name not in names:
            raise ConvertError(f"there is no feature {name!r} to plot; the model takes {', '.join(names)}")
    if features is not None and features[0] == features[1]:
        raise ConvertError(f"a plot needs two features, {features[0]!r} was given twice")


def placed_rows(card: Mapping[str, Any], comparisons: Sequence[Comparison], sample: Sample | None) -> Rows:
    """Return (n, features), rows that tell what range is ordinary: training rows, else random ones.

    All are accepted; without any, it is one row of zeros.
    """
    accepts = list(accepts_of(card).values())
    tried = [each.rows for each in comparisons if not each.source.startswith(LIMITS)]
    for rows in ([] if sample is None else [sample.rows]) + tried:
        inside = accepted_rows(rows, accepts)
        if inside.any():
            return rows[inside]
    low, high = limits_of(accepts)
    return np.clip(np.zeros((1, len(accepts))), low, high)


def make_axes(card: Mapping[str, Any], rows: Rows) -> list[Axis]:
    """Return the axis of each feature: where all but a few of the `rows` (n, features) lie, and a little beyond."""
    accepts = accepts_of(card)
    axes = []
    for column, (feature, (lowest, highest)) in enumerate(
        zip(card["features"], zip(*limits_of(list(accepts.values())), strict=True), strict=True)
    ):
        values = tuple(value for value in accepts[feature["name"]].values if value >= 0 or feature["type"] != "str")
        low, high = _range(rows[:, column])
        low, high = max(low, float(lowest), -HUGE), min(high, float(highest), HUGE)
        names = tuple(shown_value(feature, value) for value in values[:CATEGORIES])
        axes.append(Axis(feature["name"], column, low, high, names or None, values[:CATEGORIES]))
    return axes


def shown_value(feature: Mapping[str, Any], value: float) -> str:
    """Return a value of a feature for a person."""
    categories = feature.get("categories") or ()
    if feature["type"] == "bool" and value == value:
        return "true" if value else "false"
    if value == value and 0 <= value < len(categories):
        return str(categories[int(value)])
    return "another" if feature["type"] == "str" and value == value else repr(value)


def spread(axis: Axis, comparisons: Sequence[Comparison]) -> Axis:
    """Return the axis from the lowest to the highest value that was tried, but for a few and those at the limits."""
    tried = [each.rows[:, axis.column] for each in comparisons if not each.source.startswith(LIMITS)]
    low, high = _range(np.concatenate([np.empty(0), *tried]))
    return replace(axis, low=max(low, -HUGE), high=min(high, HUGE))


def _range(values: Rows) -> tuple[float, float]:
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        return 0.0, 1.0
    cut = int(len(values) * OUTLIERS)
    low, high = float(values[cut]), float(values[-1 - cut])
    margin = MARGIN * (high / 2 - low / 2) * 2 or max(0.5, abs(low) * MARGIN)
    return low - margin, high + margin


def middle_row(rows: Rows) -> Rows:
    """Return (features,), the row of `rows` (n, features) that is nearest to their median, a real one of the sample."""
    with np.errstate(all="ignore"):
        known = np.where(np.isfinite(rows), rows, 0.0)
        middle = np.median(known / 2, axis=0)
        spread = np.median(np.abs(known / 2 - middle), axis=0)
        far = np.abs(known / 2 - middle) / np.where(spread > 0, spread, 1.0)
    distance: Rows = np.nan_to_num(far).clip(max=1e6).sum(axis=1) + np.isnan(rows).sum(axis=1)
    nearest: Rows = rows[int(np.argmin(distance))]
    return nearest


def choose_axes(
    axes: Sequence[Axis], rows: Rows, expected: Ask, thresholds: Sequence[Rows], features: tuple[str, str] | None
) -> list[Axis]:
    """Return the axes of the `features`; by default of the two, or the one there is, that change the answers most.

    Of features with thresholds, those with the most are tried.
    """
    if features is not None:
        by_name = {axis.name: axis for axis in axes}
        return [by_name[name] for name in features]
    if len(axes) <= 2:
        return list(axes)
    ranked = sorted(axes, key=lambda axis: -len(thresholds[axis.column]))
    if any(map(len, thresholds)):
        ranked = ranked[:CANDIDATES]
    bases = rows[np.linspace(0, len(rows) - 1, BASES).astype(int)]
    strongest = sorted(ranked, key=lambda axis: -_effect(axis, bases, expected))
    return sorted(strongest[:2], key=lambda axis: axis.column)


def _effect(axis: Axis, bases: Rows, expected: Ask) -> float:
    """Return how much the answer changes along the axis, on average over `bases` (n, features); 0 if it is refused."""
    points = axis.points(STEPS)
    rows = np.repeat(bases, len(points), axis=0)
    rows[:, axis.column] = np.tile(points, len(bases))
    try:
        answers = expected(rows)
    except ValueError:
        return 0.0
    numbers = answers.probabilities
    if numbers is None:
        kind = answers.prediction.dtype.kind
        values = answers.prediction if kind == "f" else np.unique(answers.prediction, return_inverse=True)[1]
        numbers = values.astype(np.float64)[:, np.newaxis]
    spread = np.ptp(numbers.reshape(len(bases), len(points), -1), axis=1)
    return float(np.nan_to_num(spread).max(axis=1).mean())
