"""Any AWS event becomes one neutral request; a neutral response becomes what that event's sender expects."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any

from lambda_fn.errors import Problem, ServiceError

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 - 16_384
"""Lambda's limit for a synchronous response, less room for the headers around the body."""
NOTHING: Mapping[str, str] = {}
ESCAPED = '"\\\n\r\t'
"""What takes two bytes in a JSON string instead of one."""
LARGEST_CHARACTER = 4
"""How many bytes a character of the body takes in the answer at the most: in UTF-8; what is escaped takes two."""


class Headers:
    """The headers of an event, by names in lower case, whatever case they come in.

    HTTP APIs send lower case and REST APIs send Title-Case, so that two looks find them nearly always.
    """

    def __init__(self, sent: Mapping[str, Any] = NOTHING) -> None:
        self._sent = sent

    def get(self, name: str, default: str = "") -> str:
        """Return the header `name`, which is in lower case."""
        value = self._sent.get(name)
        if value is None:
            value = self._sent.get(name.title())
        if value is None:
            value = next((value for sent, value in self._sent.items() if sent.lower() == name), None)
        return default if value is None else str(value)


HEADERS = Headers()
"""Of a request that has none."""


class Request:
    """An HTTP request, whatever carried it: `path` decoded and without the stage."""

    __slots__ = ("body", "headers", "method", "path", "query")

    def __init__(
        self, method: str, path: str, query: Mapping[str, str] = NOTHING, headers: Headers = HEADERS, body: bytes = b""
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body


class Response:
    """An HTTP response: text, which is JSON unless its headers say otherwise, or bytes."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: str | bytes, headers: Mapping[str, str] = NOTHING) -> None:
        self.status = status
        self.body = body
        self.headers = headers


def is_http(event: Any) -> bool:
    """Whether `event` is an HTTP request in API Gateway's payload format 2.0 or 1.0; if not, it is a direct one."""
    if not isinstance(event, dict):
        return False
    if "httpMethod" in event:
        return isinstance(event["httpMethod"], str) and isinstance(event.get("path"), str)
    match event:
        case {"version": "2.0", "rawPath": str(), "requestContext": {"http": {"method": str()}}}:
            return True
        case _:
            return False


def parse_event(event: Any, http: bool) -> Request:
    """Return the request that `event` carries, which `is_http` or a direct invocation.

    Takes API Gateway's payload formats 2.0 (HTTP APIs, function URLs) and 1.0 (REST APIs). Of a direct invocation the
    event itself is the body of ``POST /predict``.
    Raises ServiceError for a body that is not the base64 it claims to be.
    """
    if not http:
        return _direct_request(event)
    if "httpMethod" in event:
        return _http_request(event, event["httpMethod"], event["path"])
    context = event["requestContext"]
    path = _without_stage(event["rawPath"], str(context.get("stage", "$default")))
    return _http_request(event, context["http"]["method"], path)


def render(response: Response, http: bool) -> Any:
    """Return `response` as the sender of an event expects it: over `http` a proxy result, or the bare body.

    Bytes travel in base64. Raises ServiceError when Lambda would refuse the answer for its size.
    """
    body, binary = response.body, False
    if isinstance(body, bytes):
        body, binary = binascii.b2a_base64(body, newline=False).decode(), True
    if len(body) * LARGEST_CHARACTER > MAX_RESPONSE_BYTES:
        _check_size(body, escaped=http and not binary)
    if not http:
        return json.loads(body)
    return {
        "statusCode": response.status,
        "headers": {"content-type": "application/json", **response.headers},
        "body": body,
        "isBase64Encoded": binary,
    }


def _check_size(body: str, *, escaped: bool) -> None:
    """Raise ServiceError if the answer is too large; where it is a JSON string once more, with what is `escaped`."""
    size = len(body) if body.isascii() else len(body.encode())
    if escaped:
        size += sum(body.count(character) for character in ESCAPED)
    if size > MAX_RESPONSE_BYTES:
        raise ServiceError(
            Problem.RESPONSE_TOO_LARGE,
            f"the answer takes {size} bytes, Lambda returns at most {MAX_RESPONSE_BYTES}: send fewer rows",
        )


def _without_stage(path: str, stage: str) -> str:
    """HTTP APIs put a named stage in front of the path; the default one leaves no trace."""
    prefix = f"/{stage}"
    if stage == "$default":
        return path
    return path[len(prefix) :] or "/" if path == prefix or path.startswith(f"{prefix}/") else path


def _http_request(event: Mapping[str, Any], method: str, path: str) -> Request:
    query, headers = event.get("queryStringParameters") or NOTHING, Headers(event.get("headers") or NOTHING)
    return Request(method.upper(), path, query, headers, _body(event))


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
    return Request(method="POST", path="/predict", body=json.dumps(event).encode())
