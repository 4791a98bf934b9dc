import json
import math

import pytest

from lambda_fn.card import Accepts, Card, Feature
from lambda_fn.errors import Problem, ServiceError
from tests.conftest import FEATURES, TESTS

LIMIT = 3.4028235677973362e38
EXAMPLE = json.loads((TESTS / "card.json").read_text())


def test_the_example_card_is_read() -> None:
    assert Card.parse(json.dumps(EXAMPLE)) == Card(
        task="classification",
        features=tuple(Feature(name, "float", Accepts(False, -LIMIT, LIMIT), {}) for name in FEATURES),
        names=FEATURES,
        numeric=True,
        classes=(0, 1, 2),
        document=EXAMPLE,
    )


def test_null_stands_for_infinity() -> None:
    feature = {"name": "a", "type": "float", "accepts": {"nan": True, "low": None, "high": None}}
    card = Card.parse(json.dumps(EXAMPLE | {"features": [feature]}))
    assert card.features[0].accepts == Accepts(True, -math.inf, math.inf)


def test_a_string_has_the_numbers_of_its_categories() -> None:
    accepts = {"nan": False, "low": -1, "high": 1}
    feature = {"name": "a", "type": "str", "categories": ["x", "y"], "accepts": accepts}
    card = Card.parse(json.dumps(EXAMPLE | {"features": [feature]}))
    assert card.features[0].categories == {"x": 0.0, "y": 1.0}
    assert card.features[0].takes_unknown
    assert not card.numeric


def test_what_is_rounded_or_dropped_is_told() -> None:
    accepts = {"nan": True, "low": None, "high": None}
    rounded = {"name": "a", "type": "float", "dtype": "float32", "accepts": accepts}
    dropped = {"name": "b", "type": "float", "dropped": True, "accepts": accepts}
    card = Card.parse(json.dumps(EXAMPLE | {"features": [rounded, dropped]}))
    assert [feature.dtype for feature in card.features] == ["float32", "float64"]
    assert [feature.dropped for feature in card.features] == [False, True]
    for dtype in ("int8", "float128", "?", 1, None):
        with pytest.raises(ServiceError, match="the card's dtype of 'a' is") as raised:
            Card.parse(json.dumps(EXAMPLE | {"features": [rounded | {"dtype": dtype}]}))
        assert raised.value.problem is Problem.MODEL_INVALID


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (None, "carries no card"),
        (json.dumps(EXAMPLE | {"format_version": 2}), "has format version 2, this service reads 1"),
    ],
)
def test_a_card_that_is_not_there_or_of_another_version_is_refused(text: str | None, detail: str) -> None:
    with pytest.raises(ServiceError, match=detail) as raised:
        Card.parse(text)
    assert raised.value.problem is Problem.MODEL_INVALID
