"""Method and path to function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.request import Request, Response

PATHS: Mapping[str, tuple[str, ...]] = {
    "/": ("GET",),
    "/docs": ("GET",),
    "/model": ("GET",),
    "/predict": ("POST",),
    "/models": ("GET",),
    "/models/{name}": ("GET",),
    "/models/{name}/predict": ("POST",),
    "/openapi.json": ("GET",),
    "/objects/{key}": ("GET", "PUT"),
}
"""Every path of the service and the methods it takes, whichever function answers it."""
DIALECTS: Mapping[str, str] = {
    "v2": "open_inference",
    "v1": "tensorflow_serving",
    "invocations": "mlflow",
    "ping": "mlflow",
    "health": "mlflow",
    "version": "mlflow",
}
"""The module of ``lambda_fn/dialects/`` that answers what is under a path's first segment."""

type Route = Callable[[Request, str], Response]
"""A route takes the request and the part of the path that is in braces, empty where there is none."""

type Routes = Mapping[tuple[str, str], Route]
"""The routes that one function answers, by method and path."""

type Speak = Callable[[str, Request], Response]
"""What a function answers in a dialect, which is told by name."""

NOWHERE = ""
"""The path of a request that none of them is for."""

if TYPE_CHECKING:  # no cold start makes it
    from typing import Protocol

    class Service(Protocol):
        """What a function answers with."""

        @property
        def routes(self) -> Routes:
            """Its routes."""

        @property
        def speak(self) -> Speak | None:
            """What answers in the dialects; None if it speaks none."""


def dispatch(service: Service, request: Request) -> Response:
    """Return the answer of the route that `request` is for; raise ServiceError (404, 405) where there is none."""
    routes = service.routes
    route = routes.get((request.method, request.path))
    if route is not None and "{" not in request.path:  # nearly always
        request.route = request.path
        return route(request, "")
    dialect = dialect_of(request.path)
    if dialect is not None and service.speak is not None:
        return service.speak(dialect, request)
    path, key = match_path(request.path)
    method = "GET" if request.method == "HEAD" else request.method
    if path not in PATHS:
        raise ServiceError(Problem.NOT_FOUND, f"{request.path[:200]} is none of {', '.join(PATHS)}")
    allowed, request.route = PATHS[path], path
    if method not in allowed:
        return preflight(request, path, allowed)
    if (method, path) not in routes:
        raise ServiceError(Problem.NOT_FOUND, f"{path} is not answered by this function")
    return routes[method, path](request, key)


def preflight(request: Request, path: str, allowed: Sequence[str]) -> Response:
    """Answer OPTIONS with the methods that a path takes; raise ServiceError (405) for others than those."""
    allow = ", ".join([*allowed, *(["HEAD"] if "GET" in allowed and not path.startswith("/objects") else [])])
    if request.method == "OPTIONS":  # a browser's preflight, where the gateway leaves it to the catch-all route
        return Response(204, "", {"allow": allow})
    raise ServiceError(Problem.METHOD_NOT_ALLOWED, f"{path} takes {allow}, not {request.method}", allow=allow)


def dialect_of(path: str) -> str | None:
    """Return the name of the dialect that answers a path, None if it is none's.

    >>> dialect_of("/v2/health/live"), dialect_of("/predict")
    ('open_inference', None)
    """
    return DIALECTS.get(path.split("/", 2)[1]) if path.startswith("/") else None


def match_path(path: str) -> tuple[str, str]:
    """Return the path as `PATHS` writes it, and the key, or name, in it.

    >>> match_path("/objects/settings"), match_path("/predict/")
    (('/objects/{key}', 'settings'), ('/predict', ''))
    >>> match_path("/models/churn"), match_path("/models/churn/predict")
    (('/models/{name}', 'churn'), ('/models/{name}/predict', 'churn'))
    """
    prefix, _, key = path.rpartition("/")
    if prefix == "/objects" and key:
        return "/objects/{key}", key
    path = path.rstrip("/") or "/"
    if not path.startswith("/models/"):
        return path, ""
    name, slash, rest = path.removeprefix("/models/").partition("/")
    return (f"/models/{{name}}{slash}{rest}", name) if name else (NOWHERE, "")
