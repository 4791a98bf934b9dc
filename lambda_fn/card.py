"""The card: what a model file says of itself. docs/card.schema.json is its schema, convert/ writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambda_fn.errors import Problem, ServiceError

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Card:
    """The members of the card that scoring needs; `document` is the whole of it.

    task: ``classification`` or ``regression``.
    features: the names of the features, in the order of the model's columns.
    classes: the class labels in the order of the probabilities' columns; empty for a regression.
    refuses: what the estimator refuses to score: ``nan``, ``infinity``, ``beyond_float32``.
    """

    task: str
    features: tuple[str, ...]
    classes: tuple[bool | int | float | str, ...]
    refuses: frozenset[str]
    document: Mapping[str, Any]

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
            refuses=frozenset(document["refuses"]),
            document=document,
        )
