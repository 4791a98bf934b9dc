"""What path items are made of: operations, bodies, answers, errors. Dialects make theirs of these, too.

An operation's errors are named by status. The service's own form of them is RFC 9457; a dialect that has another passes
its schema:

>>> errors(503)
{'503': {'$ref': '#/components/responses/ServiceUnavailable'}}
>>> told = errors(503, schema={"type": "object"})["503"]
>>> told["content"]
{'application/json': {'schema': {'type': 'object'}}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lambda_fn.errors import Kind, Problem
from lambda_fn.page.schemas import Schema, ref

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
PROBLEM_JSON = "application/problem+json"
RESPONSES: Mapping[int, str] = {
    400: "BadRequest",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    413: "ContentTooLarge",
    415: "UnsupportedMediaType",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
"""The component that tells of the errors of a status."""
REFUSALS: Mapping[str, Mapping[int, str]] = {
    "open": {},
    "iam": {403: "Forbidden"},
    "jwt": {401: "Unauthorized", 403: "Forbidden"},
    "key": {401: "Unauthorized", 403: "Forbidden"},
}
"""The components that tell, by status, of what the gateway answers to whom a door does not let in."""
ELSEWHERE = frozenset({Problem.INVALID_KEY, Problem.OBJECT_NOT_FOUND})
"""What another function answers."""
VERSION: Mapping[str, Any] = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "What `x-model-version` says.",
    "schema": {"type": "string", "pattern": "^[^/:]+$"},
}
BINARY: Schema = {"type": "string", "format": "binary"}
VERSION_HEADERS: Mapping[str, Any] = {
    "x-model-version": {"description": "The version of the model that answers.", "schema": {"type": "string"}},
    "x-model-sha256": {"description": "The digest of its file.", "schema": {"type": "string"}},
}
UNCHANGED: dict[str, Any] = {"304": {"description": "Who asks has it already, as `If-None-Match` says."}}
"""The response where there is an ETag."""


def operation(
    name: str,
    summary: str,
    tag: str,
    answers: Mapping[str, Any],
    *,
    description: str = "",
    parameters: Sequence[Mapping[str, Any]] = (),
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an operation: `name` is what a generated client's function is called, `body` by media type what it takes.

    answers: the responses by status; `answer` and `errors` make them.
    """
    made: dict[str, Any] = {"operationId": name, "summary": summary, "tags": [tag]}
    if description:
        made["description"] = description
    if parameters:
        made["parameters"] = list(parameters)
    if body is not None:
        made["requestBody"] = {"required": True, "content": body}
    return made | {"responses": answers}


def answer(
    description: str, content: Mapping[str, Any], headers: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the response of status 200, whose `content` is by media type."""
    told = {"description": description, "content": content}
    return {"200": told | {"headers": headers} if headers else told}


def content(schema: Schema, examples: Mapping[str, Any] | None = None, media_type: str = JSON) -> dict[str, Any]:
    """Return what a body of a media type is like; `examples` have what they show by a name of one word."""
    told: dict[str, Any] = {"schema": schema}
    if examples:
        told["examples"] = {name: {"value": example} for name, example in examples.items()}
    return {media_type: told}


def object_of(**properties: Schema) -> Schema:
    """Return the schema of an object that has these members at the least."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def with_versions(items: Mapping[str, Mapping[str, Any]], model: str) -> dict[str, Any]:
    """Return path items, and those of the `model`'s path once more, behind a version of it.

    >>> list(with_versions({"/v1/models/iris:predict": {}}, "/v1/models/iris"))
    ['/v1/models/iris:predict', '/v1/models/iris/versions/{version}:predict']
    """
    told = dict(items)
    for path, item in items.items():
        if path.startswith(model):
            made = {method: each | {"operationId": f"{each['operationId']}OfVersion"} for method, each in item.items()}
            told[f"{model}/versions/{{version}}{path.removeprefix(model)}"] = {"parameters": [VERSION], **made}
    return told


def errors(*statuses: int, schema: Schema | None = None, media_type: str = JSON) -> dict[str, Any]:
    """Return the responses of these statuses, in the service's own form; in another, if its `schema` is given."""
    if schema is None:
        return {str(status): ref(RESPONSES[status], "responses") for status in statuses}
    return {
        str(status): {"description": _words(status), "content": content(schema, media_type=media_type)}
        for status in statuses
    }


def error_responses() -> dict[str, Any]:
    """Return the components that `errors` refers to: by status, the problem details with the codes that it has."""
    return {
        name: {
            "description": _words(status),
            "content": content(ref(f"{name}Problem"), media_type=PROBLEM_JSON),
            **_headers(status),
        }
        for status, name in RESPONSES.items()
    }


def refusals(door: str) -> dict[str, Any]:
    """Return the responses of the gateway in front of an operation that is behind a door."""
    return {str(status): ref(name, "responses") for status, name in REFUSALS[door].items()}


def refusal_responses(doors: Iterable[str]) -> dict[str, Any]:
    """Return the components that `refusals` refers to."""
    told = content(object_of(message={"type": "string"}))
    words = {"Unauthorized": "The call shows nothing that is sound.", "Forbidden": "The caller is not allowed."}
    return {name: {"description": words[name], "content": told} for door in doors for name in REFUSALS[door].values()}


def error_schemas() -> dict[str, Schema]:
    """Return the schemas of the problem details, one for each status."""
    return {f"{name}Problem": _problem(status) for status, name in RESPONSES.items()}


def kinds(status: int) -> list[Kind]:
    """Return the kinds of problems that this function answers with a status."""
    known = [kind for kind in vars(Problem).values() if isinstance(kind, Kind)]
    return [kind for kind in known if kind.status == status and kind not in ELSEWHERE]


def _words(status: int) -> str:
    """Return the codes of a status, each with its title, as a list in Markdown."""
    return "\n".join(f"- `{kind.code}`: {kind.title}" for kind in kinds(status))


def _problem(status: int) -> Schema:
    properties: Schema = {
        "type": {"type": "string", "description": "`urn:problem-type:plume:` and the code."},
        "title": {"type": "string", "description": "The code in words."},
        "status": {"type": "integer", "const": status},
        "code": {"type": "string", "enum": [kind.code for kind in kinds(status)], "description": "Stable."},
        "detail": {"type": "string", "description": "What was expected and what came; for people."},
    }
    where: Schema = {
        "row": {"type": "integer", "minimum": 0, "description": "Which row it is about, counted from 0."},
        "column": {"type": "integer", "minimum": 0, "description": "Which feature it is about, counted from 0."},
    }
    return {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "properties": properties | where if status == 400 else properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _headers(status: int) -> dict[str, Any]:
    if status == 405:
        return {"headers": {"allow": {"description": "The methods it takes.", "schema": {"type": "string"}}}}
    if status == 503:
        told = "After how many seconds to call again."
        return {"headers": {"retry-after": {"description": told, "schema": {"type": "integer"}}}}
    return {}
