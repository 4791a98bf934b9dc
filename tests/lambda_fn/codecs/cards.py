"""Cards to decode by."""

import json
from typing import Any

from lambda_fn.model.card import Card
from tests.conftest import TESTS

WHOLE = json.loads((TESTS / "card.json").read_text())
EXAMPLE = {name: each for name, each in WHOLE.items() if name != "examples"}
"""The card in tests/card.json but for its rows, which are not those of other features."""


def card(*features: tuple[str, str, bool], categories: tuple[str, ...] = (), unknown: bool = False) -> Card:
    """Return a card with features of a name, a type, and whether they take NaN."""
    document = {**EXAMPLE, "features": [member(*feature, categories, unknown) for feature in features]}
    return Card.parse(json.dumps(document))


def dropping(*features: tuple[str, str, bool], dropped: set[str]) -> Card:
    """Return a card of which some features are dropped."""
    members = [member(*feature, ("Oslo",), False) for feature in features]
    members = [each | {"dropped": True} if each["name"] in dropped else each for each in members]
    return Card.parse(json.dumps({**EXAMPLE, "features": members}))


def member(name: str, kind: str, nan: bool, categories: tuple[str, ...], unknown: bool) -> dict[str, Any]:
    high = len(categories) - 1 if kind == "str" else 1e38
    low = -int(unknown) if kind == "str" else -1e38
    texts = {"categories": list(categories)} if kind == "str" else {}
    return {"name": name, "type": kind, **texts, "accepts": {"nan": nan, "low": low, "high": high}}
