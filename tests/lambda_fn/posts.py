"""Events altered: with another body, another method, another path."""

import json
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
