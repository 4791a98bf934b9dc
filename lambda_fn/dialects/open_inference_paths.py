"""What the OpenAPI document tells of the Open Inference Protocol."""

from __future__ import annotations

from typing import Any

from lambda_fn.dialects.tensors import BYTES, DTYPES, OF_FEATURES
from lambda_fn.model.card import Card
from lambda_fn.page import parts
from lambda_fn.page.sample import example_row

TAG = "Open Inference Protocol"
TEXT: dict[str, Any] = {"type": "string"}
FLAG: dict[str, Any] = {"type": "boolean"}
PARAMETERS: dict[str, Any] = {"type": ["object", "null"]}


def paths(card: Card, name: str) -> dict[str, Any]:
    """Return the path items, for the model of that name."""
    bad = parts.errors(500, 503, schema=parts.object_of(error=TEXT))
    unknown = parts.errors(404, schema=parts.object_of(error=TEXT)) | bad
    live = parts.answer("It is.", parts.content(parts.object_of(live=FLAG))) | bad
    ready = parts.answer("It is.", parts.content(parts.object_of(ready=FLAG))) | bad
    named = parts.answer("It is.", parts.content(parts.object_of(name=TEXT, ready=FLAG))) | unknown
    names = {"type": "array", "items": TEXT}
    server = (
        parts.answer("The metadata.", parts.content(parts.object_of(name=TEXT, version=TEXT, extensions=names))) | bad
    )
    tensors = {"type": "array", "items": parts.object_of(name=TEXT, datatype=TEXT, shape=_shape(-1))}
    told = parts.object_of(name=TEXT, versions=names, platform=TEXT, inputs=tensors, outputs=tensors)
    metadata = parts.answer("The metadata.", parts.content(told)) | unknown
    items = {
        "/v2": {"get": parts.operation("serverMetadata", "The server", TAG, server)},
        "/v2/health/live": {"get": parts.operation("serverLive", "Whether the service is up", TAG, live)},
        "/v2/health/ready": {"get": parts.operation("serverReady", "Whether the model is there", TAG, ready)},
        f"/v2/models/{name}": {"get": parts.operation("modelMetadata", "What the model takes", TAG, metadata)},
        f"/v2/models/{name}/ready": {"get": parts.operation("modelReady", "Whether the model is there", TAG, named)},
        f"/v2/models/{name}/infer": {"post": _infer(card)},
    }
    return parts.with_versions(items, f"/v2/models/{name}")


def _infer(card: Card) -> dict[str, Any]:
    """Return the operation that scores: in JSON, or with tensors as bytes behind the JSON."""
    datatype = {"type": "string", "enum": [*DTYPES, BYTES]}
    tensor = parts.object_of(name=TEXT, datatype=datatype, shape=_shape(0))
    tensor["properties"] |= {"data": {"type": "array"}, "parameters": PARAMETERS}
    wanted = parts.object_of(name=TEXT)
    wanted["properties"] |= {"parameters": PARAMETERS}
    body = parts.object_of(inputs={"type": "array", "items": tensor, "minItems": 1})
    body["properties"] |= {
        "id": {"type": ["string", "null"]},
        "parameters": PARAMETERS,
        "outputs": {"type": ["array", "null"], "items": wanted},
    }
    output = parts.object_of(name=TEXT, datatype=datatype, shape=_shape(0))
    answered = parts.object_of(model_name=TEXT, model_version=TEXT, outputs={"type": "array", "items": output})
    bytes_too = parts.content(parts.BINARY, media_type="application/octet-stream")
    answers = parts.answer("The tensors.", parts.content(answered) | bytes_too, parts.VERSION_HEADERS)
    answers |= parts.errors(400, 404, 413, 415, 500, 503, schema=parts.object_of(error=TEXT))
    sent = parts.content(body, {"row": {"inputs": _example(card)}}) | bytes_too
    return parts.operation("infer", "Score tensors", TAG, answers, body=sent)


def _example(card: Card) -> list[dict[str, Any]]:
    """Return a row: a tensor for each feature."""
    values = zip(card.features, example_row(card), strict=True)
    return [
        {
            "name": feature.name,
            "datatype": OF_FEATURES[feature.type],
            "shape": [1, 1],
            "data": [bool(value) if feature.type == "bool" and value is not None else value],
        }
        for feature, value in values
        if not feature.dropped
    ]


def _shape(least: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "integer", "minimum": least}, "minItems": 1, "maxItems": 2}
