"""What some answers need before they go out: a coding that the client asks for, CORS, no body for HEAD."""

from __future__ import annotations

from collections.abc import Mapping

from lambda_fn.http.request import PACKED_BYTES, Request, Response
from lambda_fn.http.senders import Sender

PREFLIGHT: Mapping[str, str] = {
    "access-control-allow-headers": "*, authorization, content-type",
    "access-control-max-age": "3600",
}
EXPOSED = (
    "etag, inference-header-content-length, retry-after, server-timing, x-amz-version-id, x-model-sha256,"
    " x-model-version"
)


def finish(response: Response, request: Request | None, sender: Sender, cors_origin: str | None) -> Response:
    """Return the response as the `request` wants it, None if that was not understood.

    A REST API's answers are packed by that itself, if it is told to (``minimumCompressionSize``): it passes bytes only
    to clients whose Accept is among its binary media types.
    """
    if request is not None:
        if len(response.body) > PACKED_BYTES and sender is not Sender.PAYLOAD_1 and response.status == 200:
            from lambda_fn.http.encodings import packed  # here: most answers are short

            response = packed(response, request.headers.get("accept-encoding"))
        if request.method == "HEAD":
            response = Response(response.status, "", response.headers)
    if cors_origin is None:
        return response
    headers = {**response.headers, "access-control-allow-origin": cors_origin}
    if cors_origin != "*":
        headers["vary"] = ", ".join(filter(None, (headers.get("vary"), "origin")))
    if request is not None and request.method == "OPTIONS":
        headers |= {**PREFLIGHT, "access-control-allow-methods": headers.get("allow", "")}
    else:
        headers["access-control-expose-headers"] = EXPOSED
    return Response(response.status, response.body, headers)
