"""`GET /docs`: the page for people, a file beside the code. It asks the service for all else that it shows."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from lambda_fn.http.etags import tagged
from lambda_fn.http.request import Request, Response

PAGE = Path(__file__).with_name("docs.html")
INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)
"""What the page brings of its own: one style, one script."""

INDENTED = re.compile(r"^ +", re.MULTILINE)
"""What of the file is for who reads its source."""


def docs(request: Request, door: str, *, front: bool, several: bool) -> Response:
    """Answer with the page; with 304 and nothing, where who asks has it already.

    door: what a call is asked for, as in the settings.
    front: whether there is a model without a name; several: whether there are models with names.
    """
    return tagged(request, *page(door, front, several))


@cache
def page(door: str, front: bool, several: bool) -> tuple[str, dict[str, str]]:
    """Return the page and its headers, read and made when it is first asked for; the page asks for nothing in vain."""
    has = (" data-front" if front else "") + (" data-several" if several else "")
    text = INDENTED.sub("", PAGE.read_text(encoding="utf-8"))
    text = text.replace('<html lang="en">', f'<html lang="en" data-auth="{door}"{has}>', 1)
    return (
        text,
        {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": policy(text),
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
    )


def policy(text: str) -> str:
    """Return the content security policy of a page: its own style and script, calls to where it is from, no more."""
    own: dict[str, str] = {"style": "", "script": ""}
    for kind, inline in INLINE.findall(text):
        own[kind] += f" 'sha256-{b64encode(sha256(inline.encode()).digest()).decode()}'"
    parts = (
        "default-src 'none'",
        *(f"{kind}-src{hashes}" for kind, hashes in own.items()),
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(parts)
