"""A feature, or the answer: how values as they were captured spread over the bins that the card has of the sample."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.drift.stability import Counts
from convert.errors import ConvertError

type Floats = NDArray[np.float64]

MISSING, UNKNOWN, OUTSIDE = range(3)
"""What is counted behind the bins, beside them: OUTSIDE is in one of them, too."""
BESIDE = 3
NONE_OF_THEM = -1.0
"""The number of a string that is none of the categories."""
LARGEST = int(sys.float_info.max)
INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}
OTHERS = "another"
"""The last bin of strings, and of labels; in quotes if one of them is called so."""
ROUNDED = 1e-8
"""How far, as part of it, the card's least and greatest value may be from what they were."""
ADVICE = "export it again with --sample, and publish it"


@dataclass(frozen=True, slots=True)
class Column:
    """What is compared: its name, its type, its bins by name, and how many rows of the sample are in each.

    edges: upper ends of a number's bins. numbers: which bin a category is in, by its number; others are in the last.
    texts: the numbers of strings, or of labels as JSON spells them.
    """

    name: str
    type: str
    bins: Sequence[str]
    reference: Counts
    missing: float = 0.0
    unknown: float = 0.0
    edges: Floats | None = None
    numbers: Mapping[int, int] = field(default_factory=dict)
    texts: Mapping[str, float] = field(default_factory=dict)
    ends: tuple[float, float] = (-math.inf, math.inf)
    dtype: str = "float64"

    def count(self, values: Sequence[Any], unknown: Sequence[bool]) -> Counts:
        """Return how many of the values are in each bin, and missing, unknown, outside; of another type are none.

        unknown: of each value, whether it is a string that is no category.
        """
        found = self._numbers(values, unknown)
        known = found[~np.isnan(found)]
        counts = np.zeros(len(self.bins) + BESIDE, np.int64)
        counts[len(self.bins) + MISSING] = len(found) - len(known)
        if self.edges is not None:
            known = _rounded(known, self.dtype)
            narrow = known == _rounded(known, "float32")  # of float32, 0.1 is above that of a sample in decimals
            pairs = zip(self._places(known, "float32"), self._places(known, "float64"), strict=True)
            places, outside = (np.where(narrow, *pair) for pair in pairs)
            counts[len(self.bins) + OUTSIDE] = outside.sum()
        else:
            last = len(self.bins) - 1
            places = np.array([self.numbers.get(int(number), last) for number in known.tolist()], np.int64)
            counts[len(self.bins) + UNKNOWN] = (known == NONE_OF_THEM).sum()
        counts[: len(self.bins)] = np.bincount(places, minlength=len(self.bins))
        return counts

    def _places(self, known: Floats, dtype: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return which bin each number is in, of bins whose ends are rounded, and whether it is outside."""
        low, high = _rounded(np.array(self.ends), dtype)
        edges = _rounded(np.array(self.edges), dtype)
        return np.searchsorted(edges, known, side="left"), (known < low) | (known > high)

    def _numbers(self, values: Sequence[Any], unknown: Sequence[bool]) -> Floats:
        """Return a number for each value: NaN for one that is missing, nothing for one that has another type."""
        read = self._number if self.edges is not None else self._category
        pairs = zip(values, unknown, strict=True)
        found = (NONE_OF_THEM if odd and self.type == "str" else read(value) for value, odd in pairs)
        return np.array([number for number in found if number is not None], np.float64)

    def _number(self, value: Any) -> float | None:
        if type(value) is float or (type(value) is int and abs(value) <= LARGEST):
            return float(value)
        return math.nan if value is None else INFINITIES.get(value) if isinstance(value, str) else None

    def _category(self, value: Any) -> float | None:
        if value is None:
            return math.nan
        if self.type == "str":
            return self.texts.get(value, NONE_OF_THEM) if isinstance(value, str) else None
        if self.type == "bool":
            return float(value) if isinstance(value, bool) else None
        return self.texts.get(json.dumps(value), NONE_OF_THEM)


def _rounded(numbers: Floats, dtype: str) -> Floats:
    """Return the numbers as another type has them; what is beyond it is infinite."""
    with np.errstate(over="ignore"):
        return numbers.astype(dtype).astype(np.float64)


def columns_of(card: Mapping[str, Any], source: str) -> list[Column]:
    """Return what is compared of each feature that the model looks at; raise ConvertError if the card has not enough.

    source: where the card is from.
    """
    statistics = card.get("statistics")
    if statistics is None or "reference" not in card:
        what = "no statistics" if statistics is None else "statistics without bins, as older exports wrote them"
        raise ConvertError(f"{source}: the model's card has {what}, with which rows could be compared: {ADVICE}")
    bins = json.loads(card["reference"]["features"])
    return list(_columns(card["features"], statistics, bins))


def answer_of(card: Mapping[str, Any]) -> Column | None:
    """Return what is compared of the answers; None where the card does not tell how the sample was answered."""
    told = card.get("reference", {}).get("prediction")
    if told is None:
        return None
    counts = json.loads(told)
    if card["task"] == "regression":
        return _of_numbers("prediction", {}, counts, {})
    labels = card["classes"]["labels"]
    texts = {json.dumps(label): float(number) for number, label in enumerate(labels)}
    return Column(
        name="prediction",
        type="label",
        bins=_with_others([*map(str, labels)]),
        reference=np.array([*counts, 0], np.int64),
        numbers={number: number for number in range(len(labels))},
        texts=texts,
    )


def _columns(
    features: Sequence[Mapping[str, Any]], statistics: Mapping[str, Any], bins: Sequence[Any]
) -> Iterator[Column]:
    for feature, told, pair in zip(features, statistics["features"], bins, strict=True):
        if feature.get("dropped"):
            continue
        name, missing = feature["name"], float(told.get("missing", 0.0))
        if feature["type"] == "float":
            if pair is not None:
                yield _of_numbers(name, feature, pair, told)
            continue
        categories = feature.get("categories", ["false", "true"])
        texts = {text: float(number) for number, text in enumerate(categories)}
        shown, counts, rest = _categories(categories, told, pair)
        if not counts:
            continue
        unknown = max(0.0, 1 - missing - sum([*counts, rest]) / statistics["rows"])
        others = [rest + round(unknown * statistics["rows"])] if feature["type"] == "str" else []
        bins = [categories[number] for number in shown]
        yield Column(
            name=name,
            type=feature["type"],
            bins=_with_others(bins) if others else bins,
            reference=np.array([*counts, *others], np.int64),
            missing=missing,
            unknown=unknown if unknown > ROUNDED else 0.0,
            numbers={number: place for place, number in enumerate(shown)},
            texts=texts,
        )


def _with_others(bins: Sequence[str]) -> Sequence[str]:
    """Return the bins, and one for all else, which no other one is called like."""
    name = OTHERS
    while name in bins:
        name = f"“{name}”"
    return [*bins, name]


def _categories(
    categories: Sequence[str], told: Mapping[str, Any], pair: Any
) -> tuple[Sequence[int], Sequence[int], int]:
    """Return the numbers of the categories with a bin of their own, how many rows each has, and all others have."""
    if pair is not None:
        numbers, counts = pair
        return numbers, counts[:-1], counts[-1]
    return range(len(categories)), told.get("counts", ()), 0


def _of_numbers(
    name: str, feature: Mapping[str, Any], bins: Sequence[Sequence[Any]], told: Mapping[str, Any]
) -> Column:
    edges, counts = bins
    low, *_, high = told.get("quantiles", (-math.inf, math.inf))
    ends = (low - ROUNDED * abs(low), high + ROUNDED * abs(high)) if told else (low, high)
    names = [*(f"≤ {_text(edge)}" for edge in edges), f"> {_text(edges[-1])}" if edges else "all"]
    if told and not edges:  # one value, beside which all else is a shift
        below = np.nextafter(_rounded(np.array([low]), "float32"), -math.inf, dtype=np.float32)
        edges, counts = [float(below[0]), ends[1]], [0, *counts, 0]
        names = [f"< {_text(low)}", _text(low), f"> {_text(low)}"]
    return Column(
        name=name,
        type="float",
        bins=names,
        reference=np.array(counts, np.int64),
        missing=float(told.get("missing", 0.0)),
        edges=np.array(edges, np.float64),
        ends=ends,
        dtype=feature.get("dtype", "float64"),
    )


def _text(number: float) -> str:
    """Return a number in four digits or so.

    >>> _text(0.12345), _text(12345.678), _text(1e9)
    ('0.1235', '12,346', '1e+09')
    """
    return f"{number:,.0f}" if 1e4 <= abs(number) < 1e7 else f"{number:.4g}"
