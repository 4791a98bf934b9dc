"""The row that a document shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambda_fn.model.card import Card
from lambda_fn.page.sample import example_object, example_row
from tests.lambda_fn.codecs.cards import EXAMPLE, WHOLE

SMALL = {"nan": False, "low": 0.25, "high": 0.75}
CATEGORIES = ["Bodø", "Oslo", "Rome"]


def number(**accepts: Any) -> dict[str, Any]:
    return {"type": "float", "accepts": {"nan": False, "low": None, "high": None} | accepts}


def text(low: float, high: float, *categories: str) -> dict[str, Any]:
    return {"type": "str", "categories": list(categories), "accepts": {"nan": False, "low": low, "high": high}}


def flag(**accepts: Any) -> dict[str, Any]:
    return {"type": "bool", "accepts": {"nan": False, "low": 0, "high": 1} | accepts}


def card_of(*features: dict[str, Any], statistics: Any = None) -> Card:
    """Return a card with these features, named by number."""
    members = [{"name": f"x{place}"} | feature for place, feature in enumerate(features)]
    return Card.parse(json.dumps({**EXAMPLE, "features": members, "statistics": statistics}))


@pytest.mark.parametrize(
    ("feature", "shown"),
    [
        (number(), 1),
        (number(low=2.5), 3),
        (number(high=-7), -7),
        (number(low=-0.5, high=0.5), 0),
        (number(**SMALL), 0.5),
        (number(low=0.1, high=0.1), 0.1),
        (number(values=[3.0, 4.0]), 3),
        (number(values=[0.5]), 0.5),
        (flag(), True),
        (flag(high=0), False),
        (flag(values=[1.0]), True),
        (text(0, 2, *CATEGORIES), "Bodø"),
        (text(1, 2, *CATEGORIES), "Oslo"),
        (text(-1, -1, *CATEGORIES), "other"),
        (text(-1, 0), "other"),
        (number() | {"dropped": True}, None),
    ],
)
def test_it_has_a_plain_value_that_is_taken(feature: dict[str, Any], shown: Any) -> None:
    assert example_row(card_of(feature)) == [shown]


def test_it_has_what_is_typical_where_the_card_tells() -> None:
    told = [
        {"quantiles": [4, 4.5, 5, 5.8, 6, 7, 9], "missing": 0.1},
        {"counts": [2, 9, 1]},
        {"counts": [5, 1]},
        {"most": "Rome"},
        {},
    ]
    features = (number(), text(0, 2, *CATEGORIES), flag(), text(0, 2, *CATEGORIES), number() | {"dropped": True})
    card = card_of(*features, statistics={"rows": 12, "features": told})
    assert example_row(card) == [5.8, "Oslo", False, "Rome", None]
    assert example_object(card) == {"x0": 5.8, "x1": "Oslo", "x2": False, "x3": "Rome"}


@pytest.mark.parametrize(
    "statistics",
    [
        *[None, 3, [], {}, {"features": {}}, {"features": [1, 2]}, {"features": [{}]}],
        {"features": [{"quantiles": ["a"]}, {"quantiles": []}]},
        {"features": [{"quantiles": [1e300]}, {"quantiles": [True], "counts": ["a"], "most": []}]},
    ],
)
def test_what_a_card_tells_otherwise_is_left_alone(statistics: Any) -> None:
    assert example_row(Card.parse(json.dumps(WHOLE | {"statistics": statistics}))) == [1, 1]
