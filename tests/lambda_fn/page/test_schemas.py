"""What a feature takes, and what is answered, as JSON Schema: it takes what the service takes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from lambda_fn.codecs.json_values import numbers
from lambda_fn.errors import ServiceError
from lambda_fn.model.card import Card
from lambda_fn.page.schemas import label, of_model, takes, value
from tests.lambda_fn.codecs.cards import EXAMPLE
from tests.lambda_fn.page.test_sample import CATEGORIES, card_of, flag, number, text

FEATURES = [
    number(),
    number(nan=True),
    number(low=-2, high=2.5),
    number(low=0.5, nan=True),
    number(values=[0.0, 1.0, 2.0]),
    number(values=[0.5, 1.0], nan=True),
    number(values=[-3.0, 1.0], low=0),
    flag(),
    flag(nan=True),
    flag(high=0),
    flag(values=[1.0], nan=True),
    text(0, 2, *CATEGORIES),
    text(1, 2, *CATEGORIES),
    text(-1, 2, *CATEGORIES),
    text(0, 1, "yes", "Yes") | {"accepts": {"nan": True, "low": 0, "high": 1}},
    number() | {"dropped": True},
]
VALUES: list[Any] = [
    *[None, True, False, -3, -1, 0, 1, 2, 3, 0.5, 1.0, 2.5, 1e39],
    *["", "Oslo", "Rome", "yes", "no", [], {}],
]


def taken(value: Any, card: Card) -> bool:
    """Whether the service takes a value: whether its codec does, and the estimator."""
    [feature] = card.features
    try:
        [[sent]] = numbers([[value]], card)
    except ServiceError:
        return False
    return bool(np.isnan(sent) and feature.accepts.nan) or takes(feature.accepts, sent)


@pytest.mark.parametrize("feature", FEATURES, ids=json.dumps)
def test_a_value_validates_if_the_service_takes_it(feature: dict[str, Any]) -> None:
    card = card_of(feature)
    schema = value(card.features[0])
    Draft202012Validator.check_schema(schema)
    validates = {repr(each): Draft202012Validator(schema).is_valid(each) for each in VALUES}
    assert validates == {repr(each): taken(each, card) for each in VALUES}


@pytest.mark.parametrize(
    ("kind", "labels", "schema"),
    [
        ("int", [-1, 1], {"type": "integer", "enum": [-1, 1]}),
        ("bool", [False, True], {"type": "boolean"}),
        ("float", [0.0, 1.0], {"type": "number", "enum": [0, 1]}),
        ("float", [0.5, 1.0], {"anyOf": [{"const": 0.5}, {"const": 1}]}),
        ("str", ["no", "yes"], {"type": "string", "enum": ["no", "yes"]}),
        ("str", ["a-b", "A b"], {"type": "string", "enum": ["a-b", "A b"], "x-enum-varnames": ["VALUE_0", "VALUE_1"]}),
    ],
)
def test_a_label_is_one_of_the_card_s(kind: str, labels: list[Any], schema: Any) -> None:
    told = label(Card.parse(json.dumps({**EXAMPLE, "classes": {"type": kind, "labels": labels}})))
    assert told == schema
    assert all(Draft202012Validator(told).is_valid(each) for each in labels)


def test_a_list_of_values_that_are_alike_tells_of_one() -> None:
    alike = of_model(card_of(number(), number()), probabilities=False)["RowList"]
    assert (alike["items"], alike["minItems"], alike["maxItems"]) == ({"type": "number"}, 2, 2)
    others = of_model(card_of(number(), flag()), probabilities=False)["RowList"]
    assert others["prefixItems"] == [{"type": "number"}, value(card_of(flag()).features[0])]


def test_probabilities_are_told_of_where_there_are_some() -> None:
    without, with_them = (of_model(card_of(number()), probabilities=each) for each in (False, True))
    for name in ("Rows", "Table", "Prediction"):
        told = with_them[name]["properties"].keys() - without[name]["properties"].keys()
        assert told == ({"probabilities", "classes"} if name == "Prediction" else {"probabilities"})
