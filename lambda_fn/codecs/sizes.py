"""How large an answer may be: what is known to be larger is refused before it takes any memory."""

from __future__ import annotations

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.request import MAX_RESPONSE_BYTES

BLOCK_NUMBERS = 16_384
"""How many numbers are written at once: each takes several times its text as a Python object."""


def check_size(least: int) -> None:
    """Raise ServiceError (response-too-large) if an answer of `least` bytes is too large for Lambda."""
    if least > MAX_RESPONSE_BYTES:
        raise ServiceError(
            Problem.RESPONSE_TOO_LARGE,
            f"the answer takes {least} bytes at least, Lambda returns at most {MAX_RESPONSE_BYTES}: send fewer rows",
        )
