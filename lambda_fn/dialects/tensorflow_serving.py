"""TensorFlow Serving's REST API (tensorflow.org/tfx/serving/api_rest), which is KServe's first protocol, too.

Signatures are ``serving_default``, the labels or values, and ``predict_proba``, a row of probabilities for each row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lambda_fn.codecs.json_document import parse_document
from lambda_fn.dialects.rows import asked, by_feature, form_of, row_by_row
from lambda_fn.errors import Problem, ServiceError, listed
from lambda_fn.http.request import Request, Response
from lambda_fn.predicting import Asked

if TYPE_CHECKING:
    from lambda_fn.dialects.dialect import Service
    from lambda_fn.model.card import Card
    from lambda_fn.serving.loaded import Loaded

ROW_DEPTH = 4
"""How deep a value stands, if each of a feature's is in a list of its own."""
SIGNATURES = ("serving_default", "predict_proba")
ANSWERS = {"instances": "predictions", "inputs": "outputs"}
"""What the answer has its rows under, by what the body has them."""


def error(error: ServiceError) -> dict[str, Any]:
    """Return the body that tells of an error."""
    return {"error": error.text}


def status(service: Service, request: Request, name: str, version: str = "") -> Response:
    """Answer which version of a model is served, and in KServe's words that it is ready."""
    loaded = service.find(request, name, version)
    state = {"version": loaded.version, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    return Response(200, json.dumps({"model_version_status": [state], "name": name, "ready": True}))


def predict(service: Service, request: Request, name: str, version: str = "") -> Response:
    """Answer the predictions for ``instances``, row by row, or for ``inputs``, by feature."""
    return service.predict_asked(request, name, version, _decode)


ROUTES = {
    ("POST", "/v1/models/{name}:predict"): predict,
    ("POST", "/v1/models/{name}/versions/{version}:predict"): predict,
    ("GET", "/v1/models/{name}"): status,
    ("GET", "/v1/models/{name}/versions/{version}"): status,
}


def describe(card: Card, name: str, probabilities: bool) -> dict[str, Any]:
    """Return the path items of the dialect."""
    from lambda_fn.page import parts  # here: few calls ask for the document
    from lambda_fn.page.sample import example_row
    from lambda_fn.page.schemas import ref

    signature = {"type": ["string", "null"], "enum": [*SIGNATURES[: 1 + probabilities], "", None]}
    rows = {"type": "array", "minItems": 1, "items": ref("Row")}
    columns = {"type": "object", "additionalProperties": {"type": "array"}}
    bodies = [
        {
            "type": "object",
            "properties": {member: schema, "signature_name": signature},
            "required": [member],
            "additionalProperties": False,
        }
        for member, schema in (("instances", rows), ("inputs", {"anyOf": [rows, columns]}))
    ]
    failure = parts.object_of(error={"type": "string"})
    predictions = {"type": "array", "description": "Labels or values, or rows of probabilities."}
    answer = {"type": "object", "properties": {"predictions": predictions, "outputs": predictions}}
    answers = parts.answer("The predictions.", parts.content(answer), parts.VERSION_HEADERS)
    answers |= parts.errors(400, 404, 413, 415, 500, 503, schema=failure)
    body = parts.content({"anyOf": bodies}, {"row": {"instances": [example_row(card)]}})
    states = {"type": "array", "items": {"type": "object"}}
    state = parts.object_of(model_version_status=states, name={"type": "string"}, ready={"type": "boolean"})
    found = parts.answer("Which version is served.", parts.content(state)) | parts.errors(404, 500, 503, schema=failure)
    tag = "TensorFlow Serving"
    items = {
        f"/v1/models/{name}": {"get": parts.operation("getModelV1", "Whether the model is served", tag, found)},
        f"/v1/models/{name}:predict": {"post": parts.operation("predictV1", "Score rows", tag, answers, body=body)},
    }
    return parts.with_versions(items, f"/v1/models/{name}")


def _decode(request: Request, loaded: Loaded) -> Asked:
    """Read the body, which is JSON whatever its type is said to be, as there."""
    card, document = loaded.model.card, parse_document(request.body, ROW_DEPTH)
    form = form_of(document, ANSWERS, ("signature_name",))
    signature = document.get("signature_name", "")
    if signature in ("", None):
        signature = SIGNATURES[0]
    if signature not in SIGNATURES:
        raise ServiceError(Problem.INVALID_MEMBER, f"`signature_name` is expected to be one of {listed(SIGNATURES)}")
    read = row_by_row if form == "instances" else by_feature
    return asked(read(document[form], form, card), signature == "predict_proba", ANSWERS[form], card)
