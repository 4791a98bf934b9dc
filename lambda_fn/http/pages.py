"""The pages with a door of their own: whoever comes to one by another route was not asked at that door."""

from __future__ import annotations

from typing import Any

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.events import parse_event
from lambda_fn.http.request import Request
from lambda_fn.http.routes import match_path
from lambda_fn.http.senders import Sender

PAGES = frozenset({"/docs", "/openapi.json"})
"""What has a door of its own."""


def parse_at_door(event: Any, sender: Sender, base_path: str = "") -> Request:
    """Return the request of an event, as `parse_event` does; raise ServiceError (404) where one would go past the door.

    The gateway has a route for GET of each page; ``/docs/``, ``HEAD`` and what it does not decode go to the one for all
    other paths, whose door is that of scoring.
    """
    request = parse_event(event, sender, base_path)
    page, _ = match_path(request.path)
    if page in PAGES and event.get("routeKey") != f"GET {page}":
        raise ServiceError(
            Problem.NOT_FOUND, f"{page} has a door of its own and is answered to GET {page} alone, in this spelling"
        )
    return request
