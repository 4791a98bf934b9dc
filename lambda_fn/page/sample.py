"""A row to show: values that the model takes, and nobody's. The card's ``examples`` are of the training rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from lambda_fn.model.card import Card, Feature
from lambda_fn.page.schemas import takes

type Value = bool | int | float | str | None


def example_row(card: Card) -> list[Value]:
    """Return a value for each feature, in their order, as JSON has it: of several that the model takes a plain one.

    It is the median, or what is most frequent, where the card has ``statistics``; else 1, if that is taken, or the
    first category.
    """
    return [_value(feature, told) for feature, told in zip(card.features, _statistics(card), strict=True)]


def example_object(card: Card) -> dict[str, Value]:
    """Return the same values by name, but for features that are dropped."""
    values = zip(card.features, example_row(card), strict=True)
    return {feature.name: value for feature, value in values if not feature.dropped}


def _statistics(card: Card) -> list[Mapping[str, Any]]:
    """Return what the card tells of each feature's values, nothing where it does not."""
    told = card.document.get("statistics")
    members = told.get("features") if isinstance(told, dict) else None
    if not isinstance(members, list) or len(members) != len(card.features):
        return [{}] * len(card.features)
    return [each if isinstance(each, dict) else {} for each in members]


def _value(feature: Feature, statistics: Mapping[str, Any]) -> Value:
    if feature.dropped:
        return None
    if feature.type == "str":
        return _category(feature, statistics)
    if feature.type == "bool":
        frequent = _most_frequent(statistics)
        return takes(feature.accepts, 1) and (frequent != 0 or not takes(feature.accepts, 0))
    return next((number for number in _numbers(feature, statistics) if takes(feature.accepts, number)), None)


def _category(feature: Feature, statistics: Mapping[str, Any]) -> Value:
    """Return a category that is taken; any string if only those are that the model does not know."""
    texts, frequent = list(feature.categories), _most_frequent(statistics)
    typical = texts[frequent] if frequent is not None and frequent < len(texts) else statistics.get("most")
    known = [category for category, number in feature.categories.items() if takes(feature.accepts, number)]
    return typical if typical in known else known[0] if known else "other"


def _most_frequent(statistics: Mapping[str, Any]) -> int | None:
    """Return which of the ``counts``, one for each category, is the largest; None if there are none."""
    counts = statistics.get("counts")
    if not isinstance(counts, list) or not counts or not all(isinstance(count, int) for count in counts):
        return None
    return counts.index(max(counts))


def _numbers(feature: Feature, statistics: Mapping[str, Any]) -> Iterator[float | int]:
    """Yield numbers to try, the nicest first; the median is the middle one of ``quantiles``."""
    quantiles = statistics.get("quantiles")
    if isinstance(quantiles, list) and quantiles:
        median = quantiles[len(quantiles) // 2]
        yield from [median] if type(median) in (int, float) else []
    accepts = feature.accepts
    yield from (int(value) if value == int(value) else value for value in accepts.values if math.isfinite(value))
    yield from (1, 0)
    ends = [end for end in (accepts.low, accepts.high) if math.isfinite(end)]
    yield from (whole for end in ends for whole in (math.ceil(end), math.floor(end)))
    yield from (sum(end / len(ends) for end in ends) if ends else 0, *ends)
