"""What S3 and the network say of a failure, for the log: without what they may quote of a request that was signed."""

from __future__ import annotations

import os
import re

CREDENTIALS = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)
SIGNED = re.compile(r"(?i)((?:x-amz-)?(?:signature|security-token|credential)|authorization)([=:]\s*)[^&,;<>\"']+")
CHARACTERS = 2000


def words(said: object) -> str:
    r"""Return a text in one line, and not all of a long one; no credential of the function and no signature is in it.

    >>> words("GET https://bucket/key?X-Amz-Signature=0123&x=1\nfailed")
    'GET https://bucket/key?X-Amz-Signature=…&x=1 failed'
    """
    text = str(said)
    for name in CREDENTIALS:
        for part in os.environ.get(name, "").split():  # what is no header's value is quoted piece by piece
            text = text.replace(part, f"({name})")
    return " ".join(SIGNED.sub(r"\1\2…", text).split())[:CHARACTERS]  # not before: half a credential would stay


def of_s3(body: bytes) -> str:
    """Return code and message of an error of S3; what else is in it may be the request, signature and all."""
    found = [body.partition(f"<{name}>".encode())[2].partition(b"<")[0] for name in ("Code", "Message")]
    return words(" ".join(each.decode("utf-8", "replace") for each in found))
