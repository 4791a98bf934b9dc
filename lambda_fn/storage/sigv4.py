"""AWS Signature Version 4 for a request to S3, or to another service that is told of.

See https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from lambda_fn.digest import hmac_sha256, sha256
from lambda_fn.record import Record

EMPTY = sha256(b"").hex()
"""The hash of a body that is none."""


class Credentials(Record):
    """Who signs; the token is there for temporary credentials only, as a function has them."""

    key_id: str
    secret: str
    token: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Credentials | None:
        """Return what is in the environment; None if it is not there, as under SnapStart."""
        key_id, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
        if not (key_id and secret):
            return None
        return cls(key_id, secret, environ.get("AWS_SESSION_TOKEN") or None)


def signed_headers(
    host: str,
    path: str,
    headers: Mapping[str, str],
    region: str,
    credentials: Credentials,
    now: float,
    *,
    method: str = "GET",
    payload: str = EMPTY,
    service: str = "s3",
) -> dict[str, str]:
    """Return the headers of a signed request, names in lower case.

    path: already percent-encoded, from its slash on; it has no query.
    headers: what else is signed, names in lower case.
    now: in seconds since 1970.
    payload: the hash of the body.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    signed = {**headers, "host": host, "x-amz-content-sha256": payload, "x-amz-date": moment}
    if credentials.token is not None:
        signed["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed))
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{payload}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(request.encode()).hex()}"
    signature = _key(credentials.secret, moment[:8], region, service, "aws4_request", text).hex()
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return signed


def _key(secret: str, *parts: str) -> bytes:
    """Return the key for the day, the region and the service, and with it the signature of the text, the last part."""
    key = f"AWS4{secret}".encode()
    for part in parts:
        key = hmac_sha256(key, part.encode())
    return key
