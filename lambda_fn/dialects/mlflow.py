"""MLflow's scoring protocol: ``POST /invocations``, as `mlflow models serve` of version 2.0 and later answers it.

The model is that of `/predict`. ``params`` may ask for probabilities, a row of them for each row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambda_fn import VERSION
from lambda_fn.codecs.json_document import decode, parse_document
from lambda_fn.dialects.rows import asked, by_feature, form_of, row_by_row
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http import media
from lambda_fn.http.json_body import check_media_type
from lambda_fn.http.request import Request, Response
from lambda_fn.predicting import Asked

if TYPE_CHECKING:
    from lambda_fn.dialects.dialect import Service
    from lambda_fn.model.card import Card
    from lambda_fn.model.rows import Rows
    from lambda_fn.serving.loaded import Loaded

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
CODES: Mapping[int, str] = {404: "RESOURCE_DOES_NOT_EXIST", 500: "INTERNAL_ERROR", 503: "TEMPORARILY_UNAVAILABLE"}
"""MLflow's codes of errors by status; of the others it is BAD_REQUEST."""
ROW_DEPTH = 4
"""How deep a row stands: in a data frame's ``data``."""
TAG = "MLflow"
TEXT = {"content-type": "text/plain; charset=utf-8"}


def error(error: ServiceError) -> dict[str, Any]:
    """Return the body that tells of an error as MLflow does."""
    return {"error_code": CODES.get(error.problem.status, "BAD_REQUEST"), "message": error.text}


def ping(service: Service, request: Request) -> Response:
    """Answer 200 if the model is there to score."""
    service.find(request, "")
    return Response(200, "\n", TEXT)


def version(service: Service, request: Request) -> Response:
    """Answer the version of the service, as text."""
    return Response(200, VERSION, TEXT)


def invocations(service: Service, request: Request) -> Response:
    """Answer ``{"predictions": […]}`` for the rows of a data frame."""
    return service.predict_asked(request, "", "", _decode)


ROUTES = {
    ("POST", "/invocations"): invocations,
    ("GET", "/ping"): ping,
    ("GET", "/health"): ping,
    ("GET", "/version"): version,
}


def describe(card: Card, name: str, probabilities: bool) -> dict[str, Any]:
    """Return the path items of the dialect."""
    from lambda_fn.page import parts  # here: few calls ask for the document
    from lambda_fn.page.sample import example_object, example_row
    from lambda_fn.page.schemas import FLAG, ref

    rows = {"type": "array", "minItems": 1, "items": ref("Row")}
    inputs = {"anyOf": [rows, {"type": "object", "additionalProperties": {"type": "array"}}]}
    records = {"type": "array", "minItems": 1, "items": ref("RowObject")}
    forms = {"dataframe_split": {"type": "object"}, "dataframe_records": records, "instances": rows, "inputs": inputs}
    asked = {"probabilities": FLAG} if probabilities else {}
    params = {"params": {"type": ["object", "null"], "properties": asked, "additionalProperties": False}}
    bodies = [
        {"type": "object", "properties": {form: schema, **params}, "required": [form], "additionalProperties": False}
        for form, schema in forms.items()
    ]
    examples = {
        "instances": {"instances": [example_row(card)]},
        "records": {"dataframe_records": [example_object(card)]},
    }
    predictions = {"type": "array", "description": "Labels or values, or rows of probabilities."}
    failure = parts.object_of(error_code={"type": "string"}, message={"type": "string"})
    text = parts.content({"type": "string"}, media_type="text/plain")
    bad = parts.errors(500, 503, schema=failure)
    scored = parts.answer(
        "The predictions.", parts.content({"type": "object", "properties": {"predictions": predictions}})
    )
    scored |= parts.errors(400, 413, 415, schema=failure) | bad
    body = parts.content({"anyOf": bodies}, examples) | parts.content({"type": "string"}, media_type="text/csv")
    up = parts.answer("The model is there.", text) | bad
    return {
        "/invocations": {"post": parts.operation("invocations", "Score a data frame", TAG, scored, body=body)},
        "/ping": {"get": parts.operation("ping", "Whether the model is there", TAG, up)},
        "/health": {"get": parts.operation("health", "Whether the model is there", TAG, up)},
        "/version": {"get": parts.operation("version", "The service's version", TAG, parts.answer("It.", text))},
    }


def _decode(request: Request, loaded: Loaded) -> Asked:
    card = loaded.model.card
    content_type, parameters = media.parse(request.headers.get("content-type"))
    if content_type == "text/csv":
        from lambda_fn.codecs.csv_rows import decode_request  # here: most bodies are JSON

        table = decode_request(request, {**parameters, "header": "present"}, card)[0]  # as pandas reads it
        return asked(table, False, "predictions", card)
    check_media_type(request)
    document = parse_document(request.body, ROW_DEPTH)
    form = form_of(document, FORMS, ("params",))
    probabilities = _wants_probabilities(document.get("params"))
    return asked(_rows(document[form], form, card), probabilities, "predictions", card)


def _rows(value: Any, form: str, card: Card) -> Rows:
    if form == "inputs":
        return by_feature(value, form, card)
    return _of_frame(value, card) if form == "dataframe_split" else row_by_row(value, form, card)


def _of_frame(frame: Any, card: Card) -> Rows:
    """Return the rows of a data frame as pandas splits it; without names of its own they are in the model's order."""
    form_of(frame, ("data",), ("columns", "index"), "`dataframe_split`")
    columns = frame.get("columns")
    numbered = columns == list(range(len(card.names))) and {*map(type, columns)} == {int}
    unnamed = columns is None or (numbered and "0" not in card.columns)
    if unnamed:
        return row_by_row(frame["data"], "dataframe_split.data", card)
    return decode({"data": frame["data"], "columns": columns}, card)


def _wants_probabilities(params: Any) -> bool:
    if params is None:
        return False
    wanted = params.get("probabilities", False) if isinstance(params, dict) else None
    if not isinstance(wanted, bool) or not params.keys() <= {"probabilities"}:
        raise ServiceError(Problem.INVALID_MEMBER, '`params` is expected to be {"probabilities": true or false}')
    return wanted
