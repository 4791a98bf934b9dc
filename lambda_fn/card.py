"""The card: what a model file says of itself. docs/card.schema.json is its schema, convert/ writes it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lambda_fn.errors import Problem, ServiceError

FORMAT_VERSION = 1


class Accepts(NamedTuple):
    """What a feature may be: NaN or not, and numbers from low to high, infinities where they are accepted."""

    nan: bool
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Card:
    """The members of the card that scoring needs; `document` is the whole of it.

    task: ``classification`` or ``regression``.
    features: the names of the features, in the order of the model's columns.
    classes: the class labels in the order of the probabilities' columns; empty for a regression.
    accepts: for each feature, what the estimator accepts: NaN or not, and numbers from low to high.
    """

    task: str
    features: tuple[str, ...]
    classes: tuple[bool | int | float | str, ...]
    accepts: tuple[Accepts, ...]
    document: Mapping[str, Any]

    @property
    def nullable(self) -> tuple[bool, ...]:
        """Whether each feature may be NaN, which JSON spells null."""
        return tuple(accepts.nan for accepts in self.accepts)

    @classmethod
    def parse(cls, text: str | None) -> Card:
        """Read the card from its JSON `text`; raise ServiceError for one this service does not read."""
        if text is None:
            raise ServiceError(
                Problem.MODEL_INVALID, "the model file carries no card: export it with `python -m convert export`"
            )
        document = json.loads(text)
        version = document.get("format_version")
        if version != FORMAT_VERSION:
            raise ServiceError(
                Problem.MODEL_INVALID,
                f"the model's card has format version {version}, this service reads {FORMAT_VERSION}",
            )
        return cls(
            task=document["task"],
            features=tuple(feature["name"] for feature in document["features"]),
            classes=tuple(document["classes"]["labels"]) if document["task"] == "classification" else (),
            accepts=tuple(_accepts(feature["accepts"]) for feature in document["features"]),
            document=document,
        )


def _accepts(member: Mapping[str, Any]) -> Accepts:
    """Read a feature's member; JSON has no infinities, the card has null for them."""
    low, high = member["low"], member["high"]
    return Accepts(member["nan"], -math.inf if low is None else low, math.inf if high is None else high)
