"""Events altered: with another body, another method, another path."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from tests.conftest import Event, LoadEvent

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


def post(event: LoadEvent, body: Any, **changes: Any) -> Event:
    """Return an event that posts `body`, as text or as JSON, to /predict."""
    return event("predict-http-api") | {"body": body if isinstance(body, str) else json.dumps(body)} | changes


def with_method(event: Event, method: str) -> Event:
    event["requestContext"]["http"]["method"] = method
    return event


def with_path(event: Event, method: str, path: str) -> Event:
    """Return an event that asks for another path."""
    return with_method(event, method) | {"rawPath": path}


def request(
    event: LoadEvent, method: str, path: str, body: str | bytes = "", headers: Mapping[str, str] | None = None
) -> Event:
    """Return an event that asks so; bytes travel in base64."""
    binary = isinstance(body, bytes)
    text = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    changed = {"headers": dict(headers or {}), "body": text, "isBase64Encoded": binary}
    return with_path(event("predict-http-api"), method, path) | changed


def body_of(answer: Any) -> bytes:
    """Return the body of an answer, as it goes to the client."""
    return base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
