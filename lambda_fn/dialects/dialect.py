"""What the module of a dialect has, and how a request finds its route there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.routes import DIALECTS, preflight

if TYPE_CHECKING:
    from lambda_fn.http.request import Request, Response
    from lambda_fn.model.card import Card
    from lambda_fn.predicting import Decode
    from lambda_fn.serving.catalog import Catalog
    from lambda_fn.serving.loaded import Loaded


class Service(Protocol):
    """What a dialect asks the service; `Scoring` has it."""

    catalog: Catalog

    def find(self, request: Request, name: str, version: str = "") -> Loaded:
        """Return the model of a name and, if one is told, of a version; raise ServiceError (404, 503)."""

    def predict_asked(self, request: Request, name: str, version: str, decode: Decode) -> Response:
        """Answer a call by the model of a name, and of a version if one is told."""


type Route = Callable[..., Response]
"""Takes service and request, and what in the path is in braces, by its name."""


class Dialect(Protocol):
    """The module of a dialect."""

    ROUTES: Mapping[tuple[str, str], Route]
    """The routes by method and path; what is in braces is a name of the caller's, without a slash and a colon."""

    def describe(self, card: Card, name: str, probabilities: bool) -> Mapping[str, Any]:
        """Return the path items of the OpenAPI document (`lambda_fn/page/openapi.py`), for the model of that name."""

    def error(self, error: ServiceError) -> Mapping[str, Any]:
        """Return the body of an answer that tells of an error."""


@cache
def named(name: str) -> Dialect:
    """Return a dialect by the name of its module."""
    return cast("Dialect", import_module(f"lambda_fn.dialects.{name}"))


def all_of_them() -> list[Dialect]:
    """Return the dialects, each once."""
    return [named(name) for name in dict.fromkeys(DIALECTS.values())]


def answer(name: str, service: Service, request: Request) -> Response:
    """Return the answer of the dialect's route that `request` is for; raise ServiceError (404, 405) without one."""
    routes, allowed = named(name).ROUTES, []
    method = "GET" if request.method == "HEAD" else request.method
    path = request.path.rstrip("/")
    if request.call is not None:
        request.call.dialect = name
    for (taken, template), route in routes.items():
        found = _pattern(template).fullmatch(path)
        if found:
            request.route = template
        if found and taken == method:
            return route(service, request, **found.groupdict())
        if found:
            allowed.append(taken)
    if not allowed:
        paths = ", ".join(dict.fromkeys(template for _, template in routes))
        raise ServiceError(Problem.NOT_FOUND, f"{request.path[:200]} is none of {paths}")
    return preflight(request, request.path[:200], allowed)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+)", template))
