"""What LOG_INPUTS adds to the line of a call: the body, and what an error says."""

from __future__ import annotations

import json
from binascii import b2a_base64
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_fn.http.request import Call, Request

INPUT_BYTES = 4096
"""So much of a body is written."""


def inputs(call: Call, request: Request | None) -> str:
    """Return it as members with a comma behind; a body in base64 if it is no text."""
    told: dict[str, Any] = {"detail": call.detail} if call.detail else {}
    if request is not None and request.body:
        body = request.body[:INPUT_BYTES]
        cut = len(body) < len(request.body)
        try:  # what is cut may end amid a character
            told["body"] = getincrementaldecoder("utf-8")().decode(body, final=not cut)
        except UnicodeDecodeError:
            told["body_base64"] = b2a_base64(body, newline=False).decode()
        told["body_cut"] = cut
    return f"{json.dumps(told)[1:-1]}," if told else ""
