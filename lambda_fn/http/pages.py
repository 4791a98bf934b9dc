"""The pages with a door of their own: whoever comes to one by another route was not asked at that door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.routes import match_path

if TYPE_CHECKING:
    from lambda_fn.http.request import Request

PAGES = frozenset({"/docs", "/openapi.json"})
"""What has a door of its own."""


def check_page(event: Mapping[str, Any], request: Request) -> None:
    """Raise ServiceError (404) if a request came to a page by another route of an HTTP API than the page's.

    The gateway has a route for GET of each page; ``/docs/``, ``HEAD`` and what it does not decode go to the one for all
    other paths, whose door is that of scoring. Other senders have one door for all, and name no route.
    """
    page, _ = match_path(request.path)
    if page not in PAGES or request.method == "OPTIONS":
        return
    route = event.get("routeKey")
    if event.get("version") == "1.0":
        route = f"{event['httpMethod']} {event.get('resource')}"
    if route is None or route == f"GET {page}" or ".lambda-url." in str(event["requestContext"].get("domainName")):
        return
    request.route = page
    raise ServiceError(
        Problem.NOT_FOUND, f"{page} has a door of its own and is answered to GET {page} alone, in this spelling"
    )
