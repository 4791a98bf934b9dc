"""The OpenAPI document of the service: what its routes take and answer, for the model that is loaded.

It is made of the path items in `paths.py`, of the schemas that the model's card leads to (`schemas.py`), and of the
service's errors (`parts.py`). Where no model is published, it tells of rows and answers of any model.

A dialect, which is a module, describes its own paths by a function ``describe(card, name, probabilities)``: `card` is
that of the model, `name` what its paths call it, and the last one whether it has probabilities. It returns path items
by path, made of the same parts:

    from lambda_fn.page.parts import answer, content, errors, operation
    from lambda_fn.page.sample import example_row
    from lambda_fn.page.schemas import ref

    def describe(card, name, probabilities):
        body = content(SCHEMA, {"row": {"instances": [example_row(card)]}})
        answers = answer("An answer for each row.", content(ANSWER)) | errors(400, 503, schema=ERROR)
        return {f"/v1/models/{name}:predict": {"post": operation("predictV1", "…", "TensorFlow", answers, body=body)}}

`document` puts them beside the service's own. ``ref("Row")``, ``ref("Label")``, ``ref("Prediction")`` and what else
`schemas.of_model` returns may be referred to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.etags import tagged
from lambda_fn.http.pages import PAGES
from lambda_fn.page.parts import error_responses, error_schemas, refusal_responses, refusals
from lambda_fn.page.paths import PATHS, PathItem
from lambda_fn.page.schemas import Schema, of_any_model, of_model
from lambda_fn.page.service import SERVICE

if TYPE_CHECKING:
    from lambda_fn.config import Settings
    from lambda_fn.http.request import Request, Response
    from lambda_fn.model.card import Card
    from lambda_fn.serving.loaded import Loaded

VERSION = "1.0.0"
"""Of what the routes take and answer, whichever model is served."""
IN_NO_PATH = frozenset("/:{}?#%")
"""What a name may not have to be called by in a dialect's path."""
SERVERS = [{"url": "."}]
"""Where the document itself is: so stage and base path are in front of the paths."""
UNKNOWN_MODEL = frozenset({Problem.NOT_CONFIGURED, Problem.MODEL_NOT_PUBLISHED})
"""Where there is no model to tell of. What else keeps one from being loaded passes: the document is to be asked for
again."""


SECURITY: Mapping[str, Mapping[str, str]] = {
    "iam": {
        "type": "apiKey",
        "in": "header",
        "name": "authorization",
        "x-amazon-apigateway-authtype": "awsSigv4",
        "description": "AWS Signature Version 4, of the service execute-api.",
    },
    "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}
"""What the gateway asks for; it answers 401 or 403 itself, with a `message`."""


class Described(Protocol):
    """A module that describes the paths of its dialect."""

    def describe(self, card: Card, name: str, probabilities: bool) -> Mapping[str, PathItem]:
        """Return path items by path, of the model that is called `name`."""


def respond(
    request: Request,
    current: Callable[[], Loaded],
    settings: Settings,
    routes: Collection[tuple[str, str]],
    dialects: Sequence[Described] = (),
) -> Response:
    """Answer the document; `current` returns the model that is served, or raises ServiceError."""
    try:
        model = current().model
    except ServiceError as error:
        if error.problem not in UNKNOWN_MODEL:
            raise
        return tagged(request, json.dumps(document(None, settings, routes)))
    made = document(model.card, settings, routes, dialects, probabilities=model.has_probabilities)
    return tagged(request, json.dumps(made))


def document(
    card: Card | None,
    settings: Settings,
    routes: Collection[tuple[str, str]],
    dialects: Sequence[Described] = (),
    *,
    probabilities: bool = False,
) -> dict[str, Any]:
    """Return the OpenAPI document, 3.1, of those of the `routes` that the settings have something for.

    card: what the model says of itself, None where none is published.
    dialects: what describes further paths of the model.
    probabilities: whether the model has them.
    """
    paths = {
        path: describe(card, probabilities, settings)
        for path, describe in PATHS.items()
        if path in {path for _, path in routes} and _is_served(path, settings)
    }
    name = _name(card)
    if card is not None and _is_served("/predict", settings) and not IN_NO_PATH & {*name}:
        for dialect in dialects:
            paths |= dialect.describe(card, name, probabilities)
    doors = sorted({settings.door, settings.docs_door})
    components = {"schemas": _schemas(card, settings, probabilities)}
    components["responses"] = error_responses() | refusal_responses(doors)
    schemes = {door: SECURITY[door] for door in doors if door in SECURITY}
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": VERSION, "description": _words(card)},
        "servers": SERVERS,
        "tags": [{"name": tag} for tag in _tags(paths)],
        "paths": {path: _behind(path, item, settings) for path, item in paths.items()},
        "components": components | ({"securitySchemes": schemes} if schemes else {}),
        **({"security": _security(settings.door)} if settings.door in SECURITY else {}),
    }


def _security(door: str) -> list[dict[str, list[str]]]:
    return [{door: []}] if door in SECURITY else []


def _behind(path: str, item: PathItem, settings: Settings) -> PathItem:
    """Return a path item with what its door answers, and what that asks for, where this is not what others do."""
    door = settings.docs_door if path in PAGES else settings.door
    added = {} if door == settings.door else {"security": _security(door)}
    return {
        name: told if name == "parameters" else told | {"responses": told["responses"] | refusals(door)} | added
        for name, told in item.items()
    }


def _is_served(path: str, settings: Settings) -> bool:
    if path.startswith("/models"):
        return settings.models_uri is not None
    return path not in {"/model", "/predict"} or settings.model_uri is not None


def _name(card: Card | None) -> str:
    name = None if card is None else card.document.get("name")
    return name if isinstance(name, str) and name else "Plume"


def _words(card: Card | None) -> str:
    """Return what the document says of the model in front."""
    if card is None:
        return "Scores rows with models of scikit-learn. No model is published yet, so rows of any model are described."
    count = len(card.features)
    what = f"one of {len(card.classes)} classes" if card.classes else "a number"
    return (
        f"Predicts {what} from {count} feature{'' if count == 1 else 's'}, as the {_estimator(card)} does that it was"
        " exported from. Ranges, categories and class labels are what the estimator itself takes and answers."
    )


def _estimator(card: Card) -> str:
    estimator = card.document.get("estimator")
    return estimator if isinstance(estimator, str) else "estimator"


def _tags(paths: Mapping[str, PathItem]) -> list[str]:
    """Return the tags of all operations, each once, in their order."""
    operations = [made for item in paths.values() for made in item.values() if isinstance(made, dict)]
    return list(dict.fromkeys(tag for made in operations for tag in made.get("tags", ())))


def _schemas(card: Card | None, settings: Settings, probabilities: bool) -> dict[str, Schema]:
    told = {} if card is None else of_model(card, probabilities=probabilities)
    if card is None or settings.models_uri is not None:
        told |= of_any_model()
    return told | SERVICE | error_schemas()
