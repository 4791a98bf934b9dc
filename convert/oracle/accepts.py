"""What an estimator accepts and what it refuses, asked of the estimator itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline

from convert.estimator.features import UNKNOWN, Feature, Floats
from convert.estimator.fitted import flat, steps_of
from convert.estimator.floats import from_ordinal, neighbours, ordinal
from convert.graph.tracing import Traced

LARGEST = float(np.finfo(np.float64).max)
LARGEST_AS_FLOAT32 = float(np.nextafter(2.0**128 - 2.0**103, 0))
"""The largest float64 that does not round to infinity in float32."""

ENDS = (1.0, 0.0, -1.0, 0.5, -0.5, 2.0, -2.0)
"""Where functions begin or end, such as a logarithm at 0, and numbers beside: they may be refused, and others not."""


@dataclass(frozen=True, slots=True)
class Accepts:
    """What a feature may be: NaN or not, and numbers from low to high; None where infinity is accepted, too.

    values: if there are any, only these numbers.
    apart: whether the estimator takes some numbers that are not between low and high, too.
    """

    nan: bool
    low: float | None
    high: float | None
    values: tuple[float, ...] = ()
    apart: bool = False

    def within(self, limit: float) -> Accepts:
        """Return what is accepted by this and by a graph that takes nothing beyond ± `limit`.

        >>> Accepts(nan=False, low=0.0, high=None).within(1e300)
        Accepts(nan=False, low=0.0, high=1e+300, values=(), apart=False)
        """
        low = -limit if self.low is None else max(self.low, -limit)
        high = limit if self.high is None else min(self.high, limit)
        return replace(self, low=low, high=high)


ANYTHING = Accepts(nan=True, low=None, high=None)
"""Of a feature that the estimator never looks at."""


type Guess = Callable[[float], float]


class Asked(Protocol):
    """What is asked: an oracle, of which only this much is used."""

    estimator: Any
    transformers: list[Any]
    traced: Traced
    features: tuple[Feature, ...]

    @property
    def row(self) -> Floats:
        """A row to start from, (features,)."""

    def predict(self, rows: Floats) -> NDArray[Any]:
        """Return the labels or values of rows, (n, features)."""

    def as_input(self, rows: Floats) -> Any:
        """Return rows as the estimator knows them."""

    def one_by_one(self, cells: int) -> int:
        """Return how many rows may be asked one by one that have about `cells` values in all."""

    def categories(self, column: int) -> Floats:
        """Return the categories that are known of a feature."""


def quick_one(estimator: Any) -> Any:
    """Return an estimator that accepts the same numbers, most likely, and answers sooner: with one of its trees."""
    *transformers, last = steps_of(estimator)
    members = getattr(last, "estimators_", None)
    if not isinstance(members, list | np.ndarray):
        return estimator
    return make_pipeline(*transformers, next(flat(members)))


def ask_feature(oracle: Asked, quick: Any, column: int, guess: Guess = lambda _: LARGEST) -> Accepts:
    """Return what is accepted of one feature, asked of the estimator, and of a `quick` one first.

    guess: of either sign, the number farthest from 0 that may be accepted; a right one saves some sixty questions.
    """
    feature = oracle.features[column]
    if feature.dropped:
        return ANYTHING

    def accepted(values: float | Floats, asked: Any = oracle.estimator) -> bool:
        rows = np.repeat(oracle.row[np.newaxis], np.size(values), axis=0)
        rows[:, column] = values
        try:
            asked.predict(oracle.as_input(rows))
        except Exception:  # whatever is raised: TypeError for None among strings, IndexError beyond the categories
            return False
        return True

    nan, kind, known = accepted(np.nan), feature.type, oracle.categories(column)
    if kind == "str":
        return _among(np.array([UNKNOWN, *known] if accepted(UNKNOWN) or not len(known) else known), accepted, nan)
    if kind == "bool":
        return _among(np.array([0.0, 1.0]), accepted, nan)
    if len(known) and not accepted(other_than(known, feature)):
        return _among(known, accepted, nan)
    low, high = _interval(accepted, quick, float(oracle.row[column]), guess)
    return Accepts(nan, low, high, apart=_takes_others(accepted, low, high))


def _takes_others(accepted: Callable[[float], bool], low: float | None, high: float | None) -> bool:
    """Whether a number is accepted that is not between `low` and `high`, of those that are looked at."""
    others = [-np.inf] * (low is not None) + [np.inf] * (high is not None)
    others += [number for number in ENDS if not (-np.inf if low is None else low) <= number <= (high or np.inf)]
    return any(accepted(number) for number in others)


def _among(values: Floats, accepted: Callable[[float | Floats], bool], nan: bool) -> Accepts:
    """Return that only some of the sorted `values` are accepted; those that are."""
    if not accepted(values):
        values = np.array([value for value in values.tolist() if accepted(value)])
    return Accepts(nan, float(values[0]), float(values[-1]), tuple(values.tolist()))


def other_than(known: Floats, feature: Feature) -> float:
    """Return a number of the feature's precision, within the range of `known` or next to it, that is none of them."""
    low, high = float(known[0]), float(known[-1])
    beyond = float(neighbours(high, np.inf, feature.dtype))
    numbers = feature.rounded(np.array([(low + high) / 2, low + 0.5, low + 0.25, high + 1.0, beyond]))
    return next(float(number) for number in numbers if number not in known)


def _interval(
    accepted: Callable[..., bool], quick: Any, value: float, guess: Guess
) -> tuple[float | None, float | None]:
    """Return the lowest and the highest number that is accepted, around `value`; None where infinity is."""
    start = value if not np.isnan(value) else next((number for number in ENDS if accepted(number)), 0.0)
    everywhere = accepted(np.array(ENDS))

    def largest(sign: float) -> float | None:
        known = sorted(sign * number for number in ENDS if sign * number > sign * start)
        if not everywhere and known and not accepted(sign * np.array(known)):
            inside, outside = _first_refused(lambda number: accepted(sign * number), [sign * start, *known])
            return sign * _last_accepted(lambda number: accepted(sign * number), inside, outside)
        begin = max(sign * start, 0.0)
        likely = _largest(lambda number: accepted(sign * number, quick), begin, lambda: sign * guess(sign))
        beyond = np.inf if likely is None else float(np.nextafter(likely, np.inf))
        if likely is not None and accepted(sign * likely) and not accepted(sign * beyond):
            return sign * likely
        limit = _largest(lambda number: accepted(sign * number), begin, lambda: LARGEST)
        return None if limit is None else sign * limit

    return largest(-1.0), largest(1.0)


def _first_refused(accepted: Callable[[float], bool], rising: Sequence[float]) -> tuple[float, float]:
    """Return the last of some rising numbers that is accepted, as the first is, and the next one, which is not."""
    place = next(place for place, number in enumerate(rising) if place and not accepted(number))
    return rising[place - 1], rising[place]


def _largest(accepted: Callable[[float], bool], start: float, guess: Callable[[], float]) -> float | None:
    """Return the largest number at or above `start` that is accepted; None if infinity is."""
    start = abs(start)  # the bits of -0.0 are those of the lowest integer
    if accepted(np.inf):
        return None
    for candidate in (LARGEST, LARGEST_AS_FLOAT32, guess):
        number = candidate() if callable(candidate) else candidate
        if accepted(number) and not accepted(float(np.nextafter(number, np.inf))):
            return number
    return _last_accepted(accepted, start, LARGEST)


def _last_accepted(accepted: Callable[[float], bool], inside: float, outside: float) -> float:
    """Return the largest number at or above `inside` that is accepted, where `outside` is not."""
    low, high = (int(ordinal(np.float64(number))) for number in (inside, outside))
    while high - low > 1:
        middle = (low + high) // 2
        if accepted(float(from_ordinal(np.int64(middle)))):
            low = middle
        else:
            high = middle
    return float(from_ordinal(np.int64(low)))
