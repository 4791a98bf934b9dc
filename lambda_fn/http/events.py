"""Any AWS event becomes one neutral request; a neutral response becomes what that event's sender expects."""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.request import MAX_RESPONSE_BYTES, LowerHeaders, Request, Response
from lambda_fn.http.senders import DEFAULT_STAGE, Sender, behind, body_of, decoded, named_strings

MAX_BALANCER_BYTES = 1_000_000 - 16_384
"""A load balancer's limit of 1 MB for a response, beyond which its client gets a 502."""
JSON = {"content-type": "application/json"}
ESCAPED = '"\\\n\r\t'
"""What takes two bytes in a JSON string instead of one."""
LARGEST_CHARACTER = 4
"""How many bytes a character of the body takes in the answer at the most: in UTF-8; what is escaped takes two."""


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
        "headers": dict(response.headers) if "content-type" in response.headers else {**JSON, **response.headers},
        "body": body,
        "isBase64Encoded": binary,
    }
    if balanced:
        from lambda_fn.http.payload_1 import balanced_result

        return balanced_result(result, sender)
    return result


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
        LowerHeaders(named_strings(event, "headers")),
        body_of(event),
        event.get("isBase64Encoded") is True,
    )


@cache
def _payload_1() -> Callable[[Mapping[str, Any], Sender, str], Request]:
    """Return what parses events in payload 1.0. Imported here, as most deployments have no use for it."""
    from lambda_fn.http.payload_1 import parse

    return parse


def _direct_request(event: Any) -> Request:
    return Request(method="POST", path="/predict", body=json.dumps(event).encode())


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
