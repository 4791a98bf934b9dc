"""Content codings (RFC 9110): gzip and deflate, both ways. A bomb is unpacked up to the limit and no further."""

from __future__ import annotations

import zlib

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http import media
from lambda_fn.http.request import Request, Response

WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What zlib calls the codings: ``deflate`` is zlib's own format."""
RAW = -15
"""Deflate without zlib's header, which some clients send."""
GZIP = b"\x1f\x8b"
"""How what is packed with gzip begins, and no JSON, CSV or NPY does."""
TEXT = frozenset({b"{", b"["})
"""How JSON begins that a REST API has unpacked."""
MOST_CODINGS, MOST_MEMBERS = 2, 100
"""How many codings are undone, and of how many parts in a row what gzip packs may be: each takes its time."""
PASSED = frozenset({"", "identity"})
LEVEL = 1
"""A call waits for it."""


def unpack(request: Request, limit: int) -> None:
    """Put the unpacked body of `request` in its place, as its Content-Encoding says; at most `limit` bytes of it.

    Raises ServiceError: unsupported-encoding, malformed-encoding, body-too-large.
    """
    request.packed = False
    named = [coding.strip() for coding in request.headers.get("content-encoding").lower().split(",")]
    codings = [coding for coding in named if coding not in PASSED]
    if len(codings) > MOST_CODINGS:
        detail = f"the body's Content-Encoding has {len(codings)} codings, at most {MOST_CODINGS} are undone"
        raise ServiceError(Problem.UNSUPPORTED_ENCODING, detail)
    for coding in reversed(codings):
        if coding not in WINDOWS:
            detail = f"the body's Content-Encoding is {coding[:200]!r}, taken are gzip and deflate"
            raise ServiceError(Problem.UNSUPPORTED_ENCODING, detail)
        request.body = _unpacked(request.body, coding, limit)


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    window = WINDOWS[coding]
    if coding != "deflate" and not body.startswith(GZIP):
        return body  # a REST API has unpacked it, and left the header
    if coding == "deflate" and not _is_zlib(body):
        if body[:1] in TEXT:
            return body  # as above
        window = RAW
    parts, size = [], 0
    try:
        for _ in range(MOST_MEMBERS):
            decoder = zlib.decompressobj(window)
            part = decoder.decompress(body, limit - size + 1)
            parts.append(part)
            size += len(part)
            if size > limit:
                raise ServiceError(
                    Problem.BODY_TOO_LARGE, f"the body unpacks to more than {limit} bytes, at most those are scored"
                )
            if not decoder.eof:
                raise zlib.error("it ends too soon")
            body = decoder.unused_data
            if not body:
                return b"".join(parts)
        raise zlib.error(f"it has more than {MOST_MEMBERS} members")
    except zlib.error as error:
        detail = f"the body's Content-Encoding is {coding}, but the body is not: {error}"
        raise ServiceError(Problem.MALFORMED_ENCODING, detail) from error


def _is_zlib(body: bytes) -> bool:
    """Whether a body begins as zlib's format does (RFC 1950)."""
    return len(body) > 1 and body[0] & 15 == zlib.DEFLATED and (body[0] * 256 + body[1]) % 31 == 0


def explained(error: ServiceError, request: Request) -> ServiceError:
    """Return what is wrong with a body that can't be read, which may be that a gateway took packed bytes for text."""
    coding = request.headers.get("content-encoding").lower()
    if coding not in WINDOWS:
        return error
    kind = request.headers.get("content-type")
    return ServiceError(
        Problem.MALFORMED_ENCODING,
        f"the body's Content-Encoding is {coding}, but what is in front passed it as text, for its Content-Type is"
        f" {kind[:200]}: send packed JSON without one, or as application/x+json",
    )


def packed(response: Response, accept: str) -> Response:
    """Return the response in the coding that an Accept-Encoding likes best, as it is if that takes none."""
    chosen = media.choose_token(accept, ("gzip", "deflate"))
    headers = {**response.headers, "vary": "accept-encoding"}
    if chosen is None:
        return Response(response.status, response.body, headers)
    body = response.body.encode() if isinstance(response.body, str) else response.body
    encoder = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOWS[chosen])
    headers["content-encoding"] = chosen
    return Response(response.status, encoder.compress(body) + encoder.flush(), headers)
