"""The body of a request as a JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http import media
from lambda_fn.http.request import Request


def parse_json(body: bytes, *, strict: bool = False) -> Any:
    """Return the JSON document in `body`; raise ServiceError (malformed-json, duplicate-member) if it is none.

    Python reads NaN and Infinity as numbers; they pass here, so that the model can name their row and column. So does a
    byte order mark. `strict` takes neither: what is kept as it came is read by others, who may not.
    """
    try:
        text = body.decode()
        if strict:
            return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        if text.startswith("{"):
            # a member can't come twice where there is a string at the most: looking takes 0.2 µs an object
            decoder = DECODER if body.count(b'"') < 4 else UNIQUE
            document, end = decoder.raw_decode(text)  # json.loads looks for spaces on both sides: 0.5 of 1.1 µs
            if end == len(text) or not (rest := text[end:].lstrip(SPACE)):
                return document
            raise json.JSONDecodeError("Extra data", text, len(text) - len(rest))
        return json.loads(text.removeprefix(BOM), object_pairs_hook=_unique)
    except RecursionError as error:
        raise ServiceError(Problem.MALFORMED_JSON, "the body nests deeper than this service reads") from error
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, and whole numbers of thousands of digits
        raise ServiceError(Problem.MALFORMED_JSON, f"the body is not JSON: {error}") from error


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object; raise ServiceError (duplicate-member) if one comes twice."""
    found = dict(members)
    if len(found) < len(members):
        names: set[str] = set()
        for name, _ in members:
            if name in names:
                raise ServiceError(Problem.DUPLICATE_MEMBER, f"an object has {name[:200]!r} twice")
            names.add(name)
    return found


SPACE = " \t\n\r"
BOM = "\ufeff"
"""A byte order mark, which some editors and Windows put in front."""
DECODER = json.JSONDecoder()
UNIQUE = json.JSONDecoder(object_pairs_hook=_unique)
"""Refuses a member that comes twice; the other one takes the last of them, as Python does."""


def check_media_type(request: Request) -> None:
    """Take application/json, anything +json, and no media type at all; raise ServiceError for others."""
    media_type, parameters = media.parse(request.headers.get("content-type"))
    if media_type not in {"", "application/json"} and not media_type.endswith("+json"):
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"this path takes application/json, not {media_type[:200]}")
    check_charset(parameters)


def check_charset(parameters: Mapping[str, str]) -> None:
    """Raise ServiceError (unsupported-media-type) if a media type's `parameters` tell of another charset than UTF-8."""
    charset = parameters.get("charset", "")
    if charset not in media.UTF_8:
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"JSON is UTF-8, not {charset[:200]}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
