import json
import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from lambda_fn.codecs.json_document import decode_body
from lambda_fn.errors import Kind, Problem, ServiceError
from lambda_fn.model.card import Accepts, Card, Feature
from tests.conftest import FEATURES
from tests.lambda_fn.codecs.cards import EXAMPLE, WHOLE
from tests.lambda_fn.model.guard.draws import pick
from tests.lambda_fn.model.guard.mutants import altered_json

LIMIT = 3.4028235677973362e38


def test_the_example_card_is_read() -> None:
    assert Card.parse(json.dumps(WHOLE)) == Card(
        task="classification",
        features=tuple(Feature(name, "float", Accepts(False, -LIMIT, LIMIT), {}) for name in FEATURES),
        names=FEATURES,
        numeric=True,
        classes=(0, 1, 2),
        document=WHOLE,
        examples=((5.8, 3.0), (5.1, 2.8), (6.4, 3.3)),
    )


@pytest.mark.parametrize(
    ("kind", "values", "numbers"),
    [
        ({"type": "float"}, [1, 2.5, None], [1.0, 2.5, math.nan]),
        ({"type": "bool"}, [True, False, None], [1.0, 0.0, math.nan]),
        ({"type": "str", "categories": ["x", "y"]}, ["y", "z", None], [1.0, -1.0, math.nan]),
        ({"type": "str", "categories": ["x"], "dropped": True}, ["y", 2, None], [0.0, 0.0, 0.0]),
    ],
)
def test_examples_are_rows_as_the_model_takes_them(
    kind: dict[str, Any], values: list[Any], numbers: list[float]
) -> None:
    feature = {"name": "a", **kind, "accepts": {"nan": True, "low": -1, "high": 3}}
    card = Card.parse(json.dumps(EXAMPLE | {"features": [feature], "examples": [[value] for value in values]}))
    np.testing.assert_array_equal(card.examples, np.array(numbers)[:, np.newaxis])
    assert len(Card.parse(json.dumps(EXAMPLE | {"features": [feature], "examples": [[values[0]]]})).examples) == 2


@pytest.mark.parametrize(
    "examples",
    [None, {}, [], [1], [[1]], [[1, 2, 3]], [[1, "2"]], [[1, True]], [[1, []]], [[1, 2]] * 101, [[1, 10**400]]],
)
def test_examples_that_are_none_are_refused(examples: Any) -> None:
    with pytest.raises(ServiceError, match="example") as raised:
        Card.parse(json.dumps(EXAMPLE | {"examples": examples}))
    assert raised.value.problem is Problem.MODEL_INVALID


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
        with pytest.raises(
            ServiceError, match="feature 0's dtype: expected float64 or float32 or float16, got "
        ) as raised:
            Card.parse(json.dumps(EXAMPLE | {"features": [rounded | {"dtype": dtype}]}))
        assert raised.value.problem is Problem.MODEL_INVALID


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (None, "carries no card"),
        (
            json.dumps(EXAMPLE | {"format_version": 2}),
            "has format version 2, this service reads 1: deploy the service that came with it",
        ),
        (json.dumps(EXAMPLE | {"format_version": 0}), "has format version 0, this service reads 1: export it again"),
    ],
)
def test_a_card_that_is_not_there_or_of_another_version_is_refused(text: str | None, detail: str) -> None:
    with pytest.raises(ServiceError, match=detail) as raised:
        Card.parse(text)
    assert raised.value.problem is Problem.MODEL_INVALID


def changed(path: str, value: Any) -> str:
    """Return the text of the example card with one member changed, added or, by `GONE`, removed."""
    card = json.loads(json.dumps(EXAMPLE))
    *parents, last = (int(key) if key.isdecimal() else key for key in path.split("."))
    member = card
    for key in parents:
        member = member[key]
    if value is GONE:
        del member[last]
    else:
        member[last] = value
    return json.dumps(card)


class Gone:
    """The value of a member that is not there."""

    def __repr__(self) -> str:
        return "gone"


GONE = Gone()
ACCEPTS = {"nan": False, "low": 0, "high": 1}
TEXT = {"name": "a", "type": "str", "accepts": ACCEPTS}
MALFORMED: list[tuple[str, Any, str]] = [
    ("format_version", True, "has format version true"),
    ("format_version", 1.0, "has format version 1.0"),
    ("format_version", GONE, "has format version null"),
    ("task", "clustering", 'task: expected classification or regression, got "clustering"'),
    ("task", ["classification"], "task: expected"),
    ("task", GONE, "task: expected"),
    ("features", [], "features: expected a list of one or more"),
    ("features", {}, "features: expected a list"),
    ("features", GONE, "features: expected a list"),
    ("features.0", None, "feature 0: expected an object"),
    ("features.1.name", 1, "feature 1's name: expected a string, got 1"),
    ("features.1.name", FEATURES[0], f'features: expected names that differ, got "{FEATURES[0]}"'),
    ("features.1.name", GONE, "feature 1's name: expected a string, got null"),
    ("features.1.type", "date", 'feature 1\'s type: expected float, bool or str, got "date"'),
    ("features.1.type", ["float"], "feature 1's type: expected float, bool or str"),
    ("features.1.type", "str", "feature 1's categories: expected a list of strings, got null"),
    ("features.0", TEXT | {"categories": "ab"}, "feature 0's categories: expected a list of strings"),
    ("features.0", TEXT | {"categories": ["a", None]}, "feature 0's categories: expected a list of strings"),
    ("features.0", TEXT | {"categories": ["a", "a"]}, 'feature 0\'s categories: expected strings that differ, got "a"'),
    ("features.0.accepts", GONE, "what feature 0 accepts: expected an object"),
    ("features.0.accepts.nan", 0, "nan of feature 0: expected true or false, got 0"),
    ("features.0.accepts.nan", GONE, "nan of feature 0: expected true or false"),
    ("features.0.accepts.low", "0", "low of feature 0: expected a number"),
    ("features.0.accepts.low", True, "low of feature 0: expected a number, got true"),
    ("features.0.accepts.low", GONE, "low of feature 0: expected a number"),
    ("features.0.accepts.low", 1e39, "low of feature 0: expected at most its high"),
    ("features.0.accepts.high", 10**400, "high of feature 0: expected a number"),
    ("features.0.accepts.high", float("nan"), "is no JSON: NaN is no finite number"),
    ("features.0.accepts.high", float("inf"), "is no JSON: Infinity is no finite number"),
    ("features.0.accepts.values", [], "values of feature 0: expected a list of one number or more"),
    ("features.0.accepts.values", {"a": 1}, "values of feature 0: expected a list"),
    ("features.0.accepts.values", [1, "2"], "a value of feature 0: expected a number"),
    ("features.0.accepts.values", [False], "a value of feature 0: expected a number, got false"),
    ("classes", GONE, "classes: expected an object"),
    ("classes", [0, 1], "classes: expected an object"),
    ("classes.type", "complex", "the classes' type: expected bool, int, float, str"),
    ("classes.type", ["int"], "the classes' type: expected"),
    ("classes.type", "str", "the classes' labels: expected a list of str"),
    ("classes.labels", [], "the classes' labels: expected a list of int"),
    ("classes.labels", [0, 1, True], "the classes' labels: expected a list of int"),
    ("classes.labels", [0, 1, 2.0], "the classes' labels: expected a list of int"),
    ("classes.labels", [0, 1, 1], "the classes' labels: expected labels that differ"),
    ("classes", {"type": "str", "labels": ["a", "\ud800"]}, "the classes' labels: expected a list of str"),
    ("certificate", {"tolerance": float("-inf")}, "is no JSON: -Infinity is no finite number"),
]


@pytest.mark.parametrize(("path", "value", "detail"), MALFORMED, ids=str)
def test_a_card_that_is_malformed_is_refused(path: str, value: Any, detail: str) -> None:
    with pytest.raises(ServiceError) as raised:
        Card.parse(changed(path, value))
    assert raised.value.problem is Problem.MODEL_INVALID
    assert detail in raised.value.detail


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", "{} {}", "]" * 16 + "[" * 16, "[" * 9990 + "]" * 9990])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="the model's card is ") as raised:
        Card.parse(text)
    assert raised.value.problem is Problem.MODEL_INVALID


@pytest.mark.parametrize("path", ["more", "features.0.more", "features.0.accepts.more", "classes.more"])
def test_members_that_it_does_not_know_are_left_alone(path: str) -> None:
    card = Card.parse(changed(path, [{"a": 1}]))
    assert card.features == Card.parse(json.dumps(EXAMPLE)).features
    assert json.dumps(card.document) == changed(path, [{"a": 1}])


def test_what_is_read_can_be_said_again_however_deep_it_is() -> None:
    depths = []
    for depth in range(9900, 10_050):
        text = json.dumps(EXAMPLE)[:-1] + f', "more": {"[" * depth}{"]" * depth}}}'
        with suppress(ServiceError):
            json.dumps({**Card.parse(text).document, "version_id": None})
            depths.append(depth)
    assert 0 < len(depths) < 150


MIXED = EXAMPLE | {
    "features": [
        *EXAMPLE["features"],
        {"name": "b", "type": "bool", "accepts": {"nan": True, "low": 0, "high": 1, "values": [0, 1]}},
        {"name": "s", "type": "str", "categories": ["x", "y"], "accepts": {"nan": False, "low": -1, "high": 1}},
    ]
}


@pytest.mark.parametrize("seed", range(5))
def test_altered_cards_are_read_or_refused(seed: int) -> None:
    random = np.random.default_rng(seed)
    outcomes: set[Kind | None] = set()
    for _ in range(1000):
        altered = json.loads(json.dumps(pick(random, [EXAMPLE, MIXED])))
        for _ in range(random.integers(1, 4)):
            altered = altered_json(random, altered)
        try:
            card = Card.parse(json.dumps(altered))
        except ServiceError as error:
            outcomes.add(error.problem)
            continue
        json.dumps(card.document, allow_nan=False)
        np.array([(each.accepts.low, each.accepts.high) for each in card.features], float)
        for rows in ([[1.0] * len(card.names)], [dict.fromkeys(card.names)], [["x", True] * 2]):
            with suppress(ServiceError):  # what a client may be told
                decode_body(json.dumps({"data": rows}).encode(), card)
        outcomes.add(None)
    assert outcomes == {None, Problem.MODEL_INVALID}
