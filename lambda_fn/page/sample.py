"""A row to show: values that the model takes, and nobody's. The card's ``examples`` are of the training rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from lambda_fn.model.card import Card, Feature
from lambda_fn.page.schemas import takes

type Value = bool | int | float | str | None

TYPICAL = ("median", "typical", "most_frequent", "mode")
"""What the card's ``statistics`` may call the value of a feature that is in the middle of all, or the most frequent."""


def example_row(card: Card) -> list[Value]:
    """Return a value for each feature, in their order, as JSON has it: of several that the model takes a plain one.

    It is the median where the card tells of it, else the least whole number that is taken, or a category.
    """
    return [_value(feature, told) for feature, told in zip(card.features, _statistics(card), strict=True)]


def example_object(card: Card) -> dict[str, Value]:
    """Return the same values by name, but for features that are dropped."""
    values = zip(card.features, example_row(card), strict=True)
    return {feature.name: value for feature, value in values if not feature.dropped}


def _statistics(card: Card) -> list[Mapping[str, Any]]:
    """Return what the card tells of each feature's values, nothing where it does not."""
    told = card.document.get("statistics")
    if isinstance(told, dict) and "features" in told:
        told = told["features"]
    if isinstance(told, dict):
        told = [told.get(name) for name in card.names]
    if not isinstance(told, list) or len(told) != len(card.names):
        return [{}] * len(card.names)
    return [each if isinstance(each, dict) else {} for each in told]


def _value(feature: Feature, statistics: Mapping[str, Any]) -> Value:
    if feature.dropped:
        return None
    typical = next((statistics[name] for name in TYPICAL if name in statistics), None)
    if feature.type == "str":
        return _category(feature, typical)
    if feature.type == "bool":
        return takes(feature.accepts, 1 if typical is None or (typical in (True, False) and typical) else 0)
    return next((number for number in _numbers(feature, typical) if takes(feature.accepts, number)), None)


def _category(feature: Feature, typical: Any) -> Value:
    """Return a category that is taken; any string if only those are that the model does not know."""
    known = [category for category, number in feature.categories.items() if takes(feature.accepts, number)]
    return typical if typical in known else known[0] if known else "other"


def _numbers(feature: Feature, typical: Any) -> Iterator[float | int]:
    """Yield numbers to try, the nicest first."""
    if isinstance(typical, float | int) and not isinstance(typical, bool):
        yield typical
    accepts = feature.accepts
    yield from (int(value) if value == int(value) else value for value in accepts.values if math.isfinite(value))
    yield from (1, 0)
    low, high = max(accepts.low, -1e300), min(accepts.high, 1e300)
    middle = low / 2 + high / 2
    yield from (math.ceil(low), math.floor(high), middle, low, high)
