"""The card: what a model file says of itself. docs/card.schema.json is its schema, convert/ writes it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.record import Record

FORMAT_VERSION = 1
DTYPES = ("float64", "float32", "float16")
UNKNOWN = -1.0
"""The number of a string that is none of a feature's categories."""


class Accepts(Record):
    """What a feature may be: NaN or not, and numbers from low to high, infinities where they are accepted.

    values: if there are any, only these numbers.
    """

    nan: bool
    low: float
    high: float
    values: tuple[float, ...] = ()


class Feature(Record):
    """A column of the model's input, which is numbers.

    type: ``float``; ``bool``, which is 0 or 1 there; or ``str``, which is the number of its category.
    categories: of a string feature, the number of each; -1 is that of any other string.
    dtype: what its numbers are rounded to before anything looks at them; float64 as they come.
    dropped: whether the model never looks at it. It need not be sent, and is 0 in the model's input, whatever is sent.
    """

    name: str
    type: str
    accepts: Accepts
    categories: Mapping[str, float]
    dtype: str = "float64"
    dropped: bool = False

    @property
    def takes_unknown(self) -> bool:
        """Whether a string may be none of the categories."""
        return self.accepts.low <= UNKNOWN


class Card(Record):
    """The members of the card that scoring needs; `document` is the whole of it.

    task: ``classification`` or ``regression``.
    features: what the model takes, in the order of its columns; `names` are theirs.
    numeric: whether all of them are floats.
    classes: the class labels in the order of the probabilities' columns; empty for a regression.
    """

    task: str
    features: tuple[Feature, ...]
    names: tuple[str, ...]
    numeric: bool
    classes: tuple[bool | int | float | str, ...]
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
        features = tuple(_feature(member) for member in document["features"])
        return cls(
            task=document["task"],
            features=features,
            names=tuple(feature.name for feature in features),
            numeric=all(feature.type == "float" for feature in features),
            classes=tuple(document["classes"]["labels"]) if document["task"] == "classification" else (),
            document=document,
        )


def _feature(member: Mapping[str, Any]) -> Feature:
    """Read a feature's member; JSON has no infinities, the card has null for them."""
    accepts = member["accepts"]
    low, high = accepts["low"], accepts["high"]
    dtype = member.get("dtype", "float64")
    if dtype not in DTYPES:
        detail = f"the card's dtype of {member['name']!r} is {str(dtype)[:50]!r}, expected {' or '.join(DTYPES)}"
        raise ServiceError(Problem.MODEL_INVALID, detail)
    return Feature(
        name=member["name"],
        type=member["type"],
        accepts=Accepts(
            accepts["nan"],
            -math.inf if low is None else low,
            math.inf if high is None else high,
            tuple(accepts.get("values", ())),
        ),
        categories={category: float(number) for number, category in enumerate(member.get("categories", ()))},
        dtype=dtype,
        dropped=member.get("dropped", False) is True,
    )
