"""Answers that a client may keep: an ETag, and 304 for who has it already (RFC 9110)."""

from __future__ import annotations

from collections.abc import Mapping

from lambda_fn.digest import sha256
from lambda_fn.http.request import NOTHING, Request, Response


def tagged(request: Request, body: str, headers: Mapping[str, str] = NOTHING, *, of: str | None = None) -> Response:
    """Return the answer 200 with an ETag, or 304 without a body if that is what the request's If-None-Match has.

    The tag is weak: the same body may go out packed or not.
    of: what the tag is made of, if it is not the body: what is the same on each instance.
    """
    tag = f'W/"{sha256((body if of is None else of).encode()).hex()[:32]}"'
    headers = {**headers, "etag": tag, "cache-control": "no-cache", "vary": "accept-encoding"}
    known = request.headers.get("if-none-match")
    if known and (known.strip() == "*" or tag[2:] in {each.strip().removeprefix("W/") for each in known.split(",")}):
        return Response(304, "", headers)
    return Response(200, body, headers)
