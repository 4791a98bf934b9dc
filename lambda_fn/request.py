"""Any AWS event becomes one neutral request; a neutral response becomes what that event's sender expects."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambda_fn.errors import Problem, ServiceError

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 - 16_384
"""Lambda's limit for a synchronous response, less room for the headers around the body."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, whatever carried it: header names in lower case, `path` decoded and without the stage."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response: text, which is JSON unless its headers say otherwise, or bytes."""

    status: int
    body: str | bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def is_http(event: Any) -> bool:
    """Whether `event` is an HTTP request in API Gateway's payload format 2.0 or 1.0; if not, it is a direct one."""
    match event:
        case {"version": "2.0", "rawPath": str(), "requestContext": {"http": {"method": str()}}}:
            return True
        case {"httpMethod": str(), "path": str()}:
            return True
        case _:
            return False


def parse_event(event: Any) -> Request:
    """Return the request that `event` carries.

    Takes API Gateway's payload formats 2.0 (HTTP APIs, function URLs) and 1.0 (REST APIs). Anything else is a
    direct invocation: the event itself is the body of ``POST /predict``, its other members are the query.
    Raises ServiceError for a body that is not the base64 it claims to be.
    """
    if not is_http(event):
        return _direct_request(event)
    if "httpMethod" in event:
        return _http_request(event, event["httpMethod"], event["path"])
    context = event["requestContext"]
    path = _without_stage(event["rawPath"], str(context.get("stage", "$default")))
    return _http_request(event, context["http"]["method"], path)


def render(response: Response, event: Any) -> Any:
    """Return `response` as the sender of `event` expects it: a proxy result, or the bare body if it was direct.

    Bytes travel in base64. Raises ServiceError when Lambda would refuse the answer for its size.
    """
    body, binary = response.body, False
    if isinstance(body, bytes):
        body, binary = binascii.b2a_base64(body, newline=False).decode(), True
    size = len(body) if body.isascii() else len(body.encode())
    if is_http(event) and not binary:  # there the body is a JSON string once more, with these escaped
        size += sum(body.count(character) for character in '"\\\n\r\t')
    if size > MAX_RESPONSE_BYTES:
        raise ServiceError(
            Problem.RESPONSE_TOO_LARGE,
            f"the answer takes {size} bytes, Lambda returns at most {MAX_RESPONSE_BYTES}: send fewer rows",
        )
    if not is_http(event):
        return json.loads(body)
    return {
        "statusCode": response.status,
        "headers": {"content-type": "application/json", **response.headers},
        "body": body,
        "isBase64Encoded": binary,
    }


def _without_stage(path: str, stage: str) -> str:
    """HTTP APIs put a named stage in front of the path; the default one leaves no trace."""
    prefix = f"/{stage}"
    if stage == "$default":
        return path
    return path[len(prefix) :] or "/" if path == prefix or path.startswith(f"{prefix}/") else path


def _http_request(event: Mapping[str, Any], method: str, path: str) -> Request:
    return Request(
        method=method.upper(),
        path=path,
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): str(value) for name, value in (event.get("headers") or {}).items()},
        body=_body(event),
    )


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode("utf-8", "surrogatepass")
    try:
        return binascii.a2b_base64(text, strict_mode=True)  # as base64 does, without a copy of the text
    except (binascii.Error, ValueError) as error:
        raise ServiceError(
            Problem.MALFORMED_BASE64, f"isBase64Encoded is true, but the body is not: {error}"
        ) from error


def _direct_request(event: Any) -> Request:
    options = {name: value for name, value in event.items() if name != "data"} if isinstance(event, dict) else {}
    return Request(
        method="POST",
        path="/predict",
        query={name: value if isinstance(value, str) else json.dumps(value) for name, value in options.items()},
        body=json.dumps(event).encode(),
    )
