"""Method and path to function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
    "/objects/{key}": ("GET", "PUT"),
}
"""Every path of the service and the methods it takes, whichever function answers it."""

type Route = Callable[[Request, str], Response]
"""A route takes the request and the part of the path that is in braces, empty where there is none."""

type Routes = Mapping[tuple[str, str], Route]
"""The routes that one function answers, by method and path."""


NOWHERE = ""
"""The path of a request that none of them is for."""


def dispatch(routes: Routes, request: Request) -> Response:
    """Return the answer of the route that `request` is for; raise ServiceError (404, 405) where there is none."""
    route = routes.get((request.method, request.path))
    if route is not None and "{" not in request.path:  # nearly always
        return route(request, "")
    path, key = match_path(request.path)
    if path not in PATHS:
        raise ServiceError(Problem.NOT_FOUND, f"{request.path[:200]} is none of {', '.join(PATHS)}")
    allowed = PATHS[path]
    allow = ", ".join(allowed)
    if request.method == "OPTIONS":  # a browser's preflight, where the gateway leaves it to the catch-all route
        return Response(204, "", {"allow": allow})
    if request.method not in allowed:
        raise ServiceError(Problem.METHOD_NOT_ALLOWED, f"{path} takes {allow}, not {request.method}", allow=allow)
    if (request.method, path) not in routes:
        raise ServiceError(Problem.NOT_FOUND, f"{path} is not answered by this function")
    return routes[request.method, path](request, key)


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
