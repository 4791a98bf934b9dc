"""The path items of the service's own routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lambda_fn.config import KEY
from lambda_fn.page.parts import BINARY, CSV, NPY, UNCHANGED, VERSION_HEADERS, answer, content, errors, operation
from lambda_fn.page.sample import example_object, example_row
from lambda_fn.page.schemas import FLAG, Schema, ref

if TYPE_CHECKING:
    from lambda_fn.config import Settings
    from lambda_fn.model.card import Card

type PathItem = Mapping[str, Any]
type Describe = Callable[["Card | None", bool, "Settings"], PathItem]
"""Makes a path item, given the model's card, None where it is not known, and whether the model has probabilities."""

TEXT: Schema = {"type": "string"}
NAME: Mapping[str, Any] = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The name of a model; `GET /models` lists them.",
    "schema": {"type": "string", "pattern": f"^{KEY}$"},
}


def status(card: Card | None, probabilities: bool, settings: Settings) -> PathItem:
    """``GET /``."""
    answers = answer("It is up.", content(ref("Status"))) | errors(500)
    return {"get": operation("getStatus", "Whether the service is up", "service", answers)}


def document(card: Card | None, probabilities: bool, settings: Settings) -> PathItem:
    """``GET /openapi.json``."""
    answers = answer("The document.", content({"type": "object"})) | UNCHANGED | errors(413, 500, 503)
    return {"get": operation("getOpenapi", "This document", "service", answers)}


def page(card: Card | None, probabilities: bool, settings: Settings) -> PathItem:
    """``GET /docs``."""
    answers = answer("The page, in HTML.", content(TEXT, media_type="text/html")) | UNCHANGED | errors(500)
    return {"get": operation("getDocs", "A page to try the model on", "service", answers)}


def model(card: Card | None, probabilities: bool, settings: Settings) -> PathItem:
    """``GET /model``."""
    answers = answer("The model's card, and which version is served.", content(ref("Model"))) | UNCHANGED
    answers |= errors(413, 500, 503)
    return {"get": operation("getModel", "What the model is, and what it takes", "model", answers)}


def models(card: Card | None, probabilities: bool, settings: Settings) -> PathItem:
    """``GET /models``."""
    answers = answer("The models by name.", content(ref("Models"))) | errors(500, 503)
    return {"get": operation("listModels", "Which models there are", "models", answers)}


def named_model(card: Card | None, probabilities: bool, settings: Settings) -> PathItem:
    """``GET /models/{name}``."""
    answers = answer("The model's card, and which version is served.", content(ref("Model")))
    answers |= UNCHANGED | errors(404, 413, 500, 503)
    return {
        "parameters": [NAME],
        "get": operation("getModelByName", "What one of the models is, and what it takes", "models", answers),
    }


def predict(card: Card | None, probabilities: bool, settings: Settings) -> PathItem:
    """``POST /predict``."""
    prefix = "Any" if card is None else ""
    answers = _scored(prefix) | errors(400, 406, 413, 415, 500, 503)
    made = operation(
        "predict",
        "Score rows",
        "model",
        answers,
        description=_limits(settings),
        parameters=[_flag()] if probabilities or card is None else [],
        body=_bodies(prefix, card),
    )
    return {"post": made}


def named_predict(card: Card | None, probabilities: bool, settings: Settings) -> PathItem:
    """``POST /models/{name}/predict``."""
    made = operation(
        "predictByName",
        "Score rows with one of the models",
        "models",
        _scored("Any") | errors(400, 404, 406, 413, 415, 500, 503),
        description=_limits(settings),
        parameters=[_flag()],
        body=_bodies("Any", None),
    )
    return {"parameters": [NAME], "post": made}


PATHS: Mapping[str, Describe] = {
    "/": status,
    "/model": model,
    "/predict": predict,
    "/models": models,
    "/models/{name}": named_model,
    "/models/{name}/predict": named_predict,
    "/openapi.json": document,
    "/docs": page,
}
"""What describes each path that the function `predict` answers."""


def _flag() -> dict[str, Any]:
    told = "Whether the answer is to have the probabilities of the classes; the body may say it instead."
    return {"name": "probabilities", "in": "query", "description": told, "schema": FLAG}


def _limits(settings: Settings) -> str:
    return (
        "Rows are lists of values, or objects keyed by the names of the features; CSV has a header that names them, or"
        " none; NPY is what `numpy.save` writes of an array of numbers, (rows, features). The answer is of the body's"
        " own type, or of one that `Accept` prefers. A body has at most"
        f" {settings.max_body_bytes:,} bytes; Lambda takes 6 MB with the event around it, and returns as much."
    )


def _bodies(prefix: str, card: Card | None) -> dict[str, Any]:
    """Return the bodies that are taken, by media type. NPY has no strings."""
    rows = {"anyOf": [ref(f"{prefix}Rows"), ref(f"{prefix}Table")]}
    bodies = content(rows, None if card is None else _json_examples(card))
    bodies |= content(TEXT, None if card is None else {"table": _csv_example(card)}, CSV)
    numbers = card is None or all(feature.type != "str" or feature.dropped for feature in card.features)
    return bodies | content(BINARY, media_type=NPY) if numbers else bodies


def _scored(prefix: str) -> dict[str, Any]:
    scores = content(ref(f"{prefix}Prediction")) | content(TEXT, media_type=CSV) | content(BINARY, media_type=NPY)
    return answer("An answer for each row.", scores, VERSION_HEADERS)


def _json_examples(card: Card) -> dict[str, Any]:
    return {"objects": {"data": [example_object(card)]}, "lists": {"data": [example_row(card)]}}


def _csv_example(card: Card) -> str:
    """Return a header and a row."""
    import csv
    import io

    text = io.StringIO()
    row = example_object(card)
    values = [str(value).lower() if isinstance(value, bool) else value for value in row.values()]
    csv.writer(text, lineterminator="\n").writerows([row.keys(), values])
    return text.getvalue()
