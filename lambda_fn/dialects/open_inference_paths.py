"""What the OpenAPI document tells of the Open Inference Protocol."""

from __future__ import annotations

from typing import Any

from lambda_fn.dialects.tensors import BYTES, DTYPES
from lambda_fn.model.card import Card
from lambda_fn.page import parts
from lambda_fn.page.sample import example_row

TAG = "Open Inference Protocol"
TEXT: dict[str, Any] = {"type": "string"}
FLAG: dict[str, Any] = {"type": "boolean"}
PARAMETERS: dict[str, Any] = {"type": ["object", "null"]}
DATATYPES = {"float": "FP64", "bool": "BOOL", "str": BYTES}


def paths(card: Card, name: str) -> dict[str, Any]:
    """Return the path items, for the model of that name."""
    bad = parts.errors(500, 503, schema=_object(error=TEXT))
    unknown = parts.errors(404, schema=_object(error=TEXT)) | bad
    live = parts.answer("It is.", parts.content(_object(live=FLAG))) | bad
    ready = parts.answer("It is.", parts.content(_object(ready=FLAG))) | bad
    named = parts.answer("It is.", parts.content(_object(name=TEXT, ready=FLAG))) | unknown
    names = {"type": "array", "items": TEXT}
    server = parts.answer("The metadata.", parts.content(_object(name=TEXT, version=TEXT, extensions=names))) | bad
    tensors = {"type": "array", "items": _object(name=TEXT, datatype=TEXT, shape=_shape(-1))}
    told = _object(name=TEXT, versions=names, platform=TEXT, inputs=tensors, outputs=tensors)
    metadata = parts.answer("The metadata.", parts.content(told)) | unknown
    return {
        "/v2": {"get": parts.operation("serverMetadata", "The server", TAG, server)},
        "/v2/health/live": {"get": parts.operation("serverLive", "Whether the service is up", TAG, live)},
        "/v2/health/ready": {"get": parts.operation("serverReady", "Whether the model is there", TAG, ready)},
        f"/v2/models/{name}": {"get": parts.operation("modelMetadata", "What the model takes", TAG, metadata)},
        f"/v2/models/{name}/ready": {"get": parts.operation("modelReady", "Whether the model is there", TAG, named)},
        f"/v2/models/{name}/infer": {"post": _infer(card)},
    }


def _infer(card: Card) -> dict[str, Any]:
    """Return the operation that scores: in JSON, or with tensors as bytes behind the JSON."""
    datatype = {"type": "string", "enum": [*DTYPES, BYTES]}
    tensor = _object(name=TEXT, datatype=datatype, shape=_shape(0))
    tensor["properties"] |= {"data": {"type": "array"}, "parameters": PARAMETERS}
    wanted = _object(name=TEXT)
    wanted["properties"] |= {"parameters": PARAMETERS}
    body = _object(inputs={"type": "array", "items": tensor, "minItems": 1})
    body["properties"] |= {
        "id": {"type": ["string", "null"]},
        "parameters": PARAMETERS,
        "outputs": {"type": ["array", "null"], "items": wanted},
    }
    output = _object(name=TEXT, datatype=datatype, shape=_shape(0))
    answered = _object(model_name=TEXT, model_version=TEXT, outputs={"type": "array", "items": output})
    bytes_too = parts.content(parts.BINARY, media_type="application/octet-stream")
    answers = parts.answer("The tensors.", parts.content(answered) | bytes_too, parts.VERSION_HEADERS)
    answers |= parts.errors(400, 404, 413, 415, 500, 503, schema=_object(error=TEXT))
    sent = parts.content(body, {"row": {"inputs": _example(card)}}) | bytes_too
    return parts.operation("infer", "Score tensors", TAG, answers, body=sent)


def _example(card: Card) -> list[dict[str, Any]]:
    """Return a row: a tensor for each feature."""
    values = zip(card.features, example_row(card), strict=True)
    return [
        {
            "name": feature.name,
            "datatype": DATATYPES[feature.type],
            "shape": [1, 1],
            "data": [bool(value) if feature.type == "bool" and value is not None else value],
        }
        for feature, value in values
        if not feature.dropped
    ]


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has these members at the least."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _shape(least: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "integer", "minimum": least}, "minItems": 1, "maxItems": 2}
