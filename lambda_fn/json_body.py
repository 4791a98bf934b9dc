"""The body of a request as a JSON document."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from lambda_fn import media
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.request import Request


def parse_json(request: Request, *, strict: bool = False) -> Any:
    """Return the JSON document in the body.

    Python reads NaN and Infinity as numbers; they pass here, so that the model can name their row and column,
    unless `strict`. Raises ServiceError: unsupported-media-type, malformed-json.
    """
    _check_media_type(request)
    try:
        return json.loads(request.body.decode(), parse_constant=_refuse_constant if strict else None)
    except RecursionError as error:
        raise ServiceError(Problem.MALFORMED_JSON, "the body nests deeper than this service reads") from error
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, and whole numbers of thousands of digits
        raise ServiceError(Problem.MALFORMED_JSON, f"the body is not JSON: {error}") from error


def _check_media_type(request: Request) -> None:
    """Take application/json, anything +json, and no media type at all; in UTF-8."""
    content_type = request.headers.get("content-type")
    if content_type == "application/json":  # nearly always
        return
    media_type, parameters = media.parse(content_type)
    if media_type not in {"", "application/json"} and not media_type.endswith("+json"):
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"this path takes application/json, not {media_type[:200]}")
    charset = parameters.get("charset", "")
    if charset not in media.UTF_8:
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"JSON is UTF-8, not {charset[:200]}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
