"""Cards that were altered: read, or refused; and what is read is told of in a document that is JSON."""

from __future__ import annotations

import json
from functools import cache

import onnx

from lambda_fn.dialects.dialect import all_of_them
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.card import Card
from lambda_fn.page.openapi import document
from tests.fuzz import values
from tests.fuzz.draws import Draws
from tests.fuzz.finds import ROOT, FindError
from tests.fuzz.grounds import grounds

SHARE = 3


def make(draws: Draws) -> str:
    """Return the text of a card with something in it altered."""
    text = draws.pick(_cards())
    if draws.once_in(4):
        return values.altered_bytes(draws, text.encode()).decode(errors="replace")
    card = json.loads(text)
    for _ in range(1 + draws.below(3)):
        card = values.altered(draws, card)
    return json.dumps(card)


def check(made: str) -> None:
    """Read it, and tell of it."""
    try:
        card = Card.parse(made)
    except ServiceError as error:
        if error.problem is not Problem.MODEL_INVALID:
            raise FindError(f"a card that is {error.problem}", error.told) from error
        return
    handler = grounds().services["several"]
    told = document(card, handler.SETTINGS, handler.scoring().routes, all_of_them(), probabilities=bool(card.classes))
    for each in (told, card.document):
        try:
            json.dumps(each, allow_nan=False)
        except ValueError as error:
            raise FindError("a document that is no JSON", str(error)) from error


def size(made: str) -> int:
    """Return its characters, counted for each time that they are told."""
    return 20 * len(made)


@cache
def _cards() -> list[str]:
    """Return the cards of the files that are kept, and the one that both halves are tested against."""
    models = [onnx.load(path) for path in sorted((ROOT / "tests" / "files").glob("*.onnx"))]
    cards = [entry.value for model in models for entry in model.metadata_props if entry.key == "card"]
    return [(ROOT / "tests" / "card.json").read_text(), *cards]
