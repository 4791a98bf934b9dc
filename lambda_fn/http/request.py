"""Any AWS event becomes one neutral request; a neutral response becomes what that event's sender expects."""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any

from lambda_fn.errors import Problem, ServiceError

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 - 16_384
"""Lambda's limit for a synchronous response, less room for the headers around the body."""
MAX_BALANCER_BYTES = 1_000_000 - 16_384
"""A load balancer's limit of 1 MB for the same, beyond which its client gets a 502."""
NOTHING: Mapping[str, str] = {}
DEFAULT_STAGE = "$default"
ESCAPED = '"\\\n\r\t'
"""What takes two bytes in a JSON string instead of one."""
LARGEST_CHARACTER = 4
"""How many bytes a character of the body takes in the answer at the most: in UTF-8; what is escaped takes two."""


class Sender(Enum):
    """Who sends an event, which says what it looks like, and what its answer has to."""

    DIRECT = "a direct invocation"
    PAYLOAD_2 = "an HTTP API with payload 2.0, or a function URL"
    PAYLOAD_1 = "a REST API, or an HTTP API with payload 1.0"
    BALANCER = "a load balancer"
    BALANCER_MULTI = "a load balancer with multi-value headers"


class Headers:
    """The headers of an event, by names in lower case, whatever case they come in.

    HTTP APIs send lower case and REST APIs send Title-Case, so that two looks find them nearly always.
    """

    def __init__(self, sent: Mapping[str, str | None] = NOTHING) -> None:
        self._sent = sent

    def get(self, name: str, default: str = "") -> str:
        """Return the header `name`, which is in lower case."""
        value = self._sent.get(name)
        if value is None:
            value = self._sent.get(name.title())
        if value is None:
            value = next((value for sent, value in self._sent.items() if sent.lower() == name), None)
        return default if value is None else value


HEADERS = Headers()
"""Of a request that has none."""


class Request:
    """An HTTP request, whatever carried it: `path` decoded, and without stage and base path."""

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


def sender_of(event: Any) -> Sender:
    """Return who sent `event`; one that has what only HTTP requests have is one, sound or not."""
    if not isinstance(event, dict):
        return Sender.DIRECT
    if "rawPath" in event:
        return Sender.PAYLOAD_2
    context = event.get("requestContext")
    if isinstance(context, dict) and "elb" in context:
        several = "multiValueHeaders" in event and event.get("headers") is None
        return Sender.BALANCER_MULTI if several else Sender.BALANCER
    if "httpMethod" in event:
        return Sender.PAYLOAD_1
    if "requestContext" not in event:
        return Sender.DIRECT
    return Sender.PAYLOAD_1 if "path" in event else Sender.PAYLOAD_2


def parse_event(event: Any, sender: Sender, base_path: str = "") -> Request:
    """Return the request that `event` carries; `sender_of` tells its sender.

    Of a direct invocation the event itself is the body of ``POST /predict``.
    base_path: what a custom domain has in front of the service's paths, ``/v1`` for example; or empty.
    Raises ServiceError: malformed-event where what the service reads of an event is of another type than AWS sends,
    malformed-base64 for a body that is not the base64 it claims to be.
    """
    try:
        if sender is Sender.PAYLOAD_2:
            return _payload_2(event, base_path)
        if sender is Sender.DIRECT:
            return _direct_request(event)
        return _payload_1()(event, sender, base_path)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        from lambda_fn.http.malformed import malformed_event

        raise malformed_event(event, sender) from error


def render(response: Response, sender: Sender) -> Any:
    """Return `response` as the sender of an event expects it: over HTTP a proxy result, or the bare body.

    Bytes travel in base64. Raises ServiceError when Lambda, or the load balancer, would refuse the answer for its size.
    """
    body, binary = response.body, False
    if isinstance(body, bytes):
        body, binary = binascii.b2a_base64(body, newline=False).decode(), True
    balanced = sender is Sender.BALANCER or sender is Sender.BALANCER_MULTI
    limit = MAX_BALANCER_BYTES if balanced else MAX_RESPONSE_BYTES
    if len(body) * LARGEST_CHARACTER > limit:
        _check_size(body, limit, escaped=sender is not Sender.DIRECT and not binary)
    if sender is Sender.DIRECT:
        return json.loads(body)
    result = {
        "statusCode": response.status,
        "headers": {"content-type": "application/json", **response.headers},
        "body": body,
        "isBase64Encoded": binary,
    }
    if balanced:
        from lambda_fn.http.payload_1 import balanced_result

        return balanced_result(result, sender)
    return result


def named_strings(event: Mapping[str, Any], member: str) -> Mapping[str, str]:
    """Return an event's `member` that is strings by name, empty if it is null or not there; a null is none of them.

    Raises TypeError or AttributeError for anything else.
    """
    strings: Mapping[str, str] | None = event.get(member)
    if strings is None:
        return NOTHING
    try:
        "".join(strings.values())  # takes strings only, and looks at all of them in 0.3 µs
    except TypeError:
        strings = {name: string for name, string in strings.items() if string is not None}
        "".join(strings.values())
    return strings


def body_of(event: Mapping[str, Any]) -> bytes:
    """Return an event's body; raise TypeError or AttributeError if it is no string, nor null."""
    text, encoded = event.get("body"), event.get("isBase64Encoded")
    if encoded is not True and encoded is not False and encoded is not None:
        raise TypeError("isBase64Encoded")
    if text is None:
        return b""
    if not encoded:
        return text.encode("utf-8", "surrogatepass")  # type: ignore[no-any-return]
    try:
        return binascii.a2b_base64(text, strict_mode=True)  # as base64 does, without a copy of the text
    except (binascii.Error, ValueError) as error:
        raise ServiceError(
            Problem.MALFORMED_BASE64, f"isBase64Encoded is true, but the body is not: {error}"
        ) from error


def behind(base_path: str, stage: str, path: str) -> str:
    """Return what of `path` is behind the base path; or else behind the stage, or behind that and the base path.

    Both have a slash in front, or are empty. They may be the same, or be named like a route.
    """
    rest = _behind(base_path, path)
    return rest if rest != path else _behind(base_path, _behind(stage, path))


def decoded(path: str) -> str:
    """Return a path as HTTP APIs decode it; function URLs, REST APIs and load balancers leave that to the function."""
    if "%" not in path:
        return path
    from urllib.parse import unquote  # here: 3 of 100 ms at a cold start

    return unquote(path)


def _check_size(body: str, limit: int, *, escaped: bool) -> None:
    """Raise ServiceError if the answer is too large; where it is a JSON string once more, with what is `escaped`."""
    size = len(body) if body.isascii() else len(body.encode())
    if escaped:
        size += sum(body.count(character) for character in ESCAPED)
    if size > limit:
        taker = "Lambda returns" if limit == MAX_RESPONSE_BYTES else "a load balancer takes"
        raise ServiceError(
            Problem.RESPONSE_TOO_LARGE, f"the answer takes {size} bytes, {taker} at most {limit}: send fewer rows"
        )


def _payload_2(event: Mapping[str, Any], base_path: str) -> Request:
    """Return the request of an event in payload 2.0, of which a named stage is in front of the path on every domain.

    Raises TypeError, KeyError or AttributeError where it is none.
    """
    context, path = event["requestContext"], event["rawPath"]
    if event["version"] != "2.0" or not isinstance(path, str):
        raise TypeError("version or rawPath")
    stage = context.get("stage")
    if stage != DEFAULT_STAGE and stage is not None:
        path = behind(base_path, "/" + stage, path)
    else:
        if "%" in path and ".lambda-url." in str(context.get("domainName")):
            path = decoded(path)
        if base_path:
            path = behind(base_path, "", path)
    return Request(
        context["http"]["method"].upper(),
        path,
        named_strings(event, "queryStringParameters"),
        Headers(named_strings(event, "headers")),
        body_of(event),
    )


def _behind(prefix: str, path: str) -> str:
    if not prefix or not (path == prefix or path.startswith(f"{prefix}/")):
        return path
    return path[len(prefix) :] or "/"


@cache
def _payload_1() -> Callable[[Mapping[str, Any], Sender, str], Request]:
    """Return what parses events in payload 1.0. Imported here, as most deployments have no use for it."""
    from lambda_fn.http.payload_1 import parse

    return parse


def _direct_request(event: Any) -> Request:
    return Request(method="POST", path="/predict", body=json.dumps(event).encode())
