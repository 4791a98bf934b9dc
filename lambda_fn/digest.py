"""SHA-256, and the HMAC that is made of it."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

LARGE_BYTES = 1 << 18
"""Of more than this OpenSSL makes a digest sooner, even if it has to be loaded for that."""


def sha256(*parts: bytes | memoryview) -> bytes:
    """Return the SHA-256 of the parts behind each other.

    >>> sha256(b"a", b"bc") == sha256(b"abc")
    True
    >>> sha256(b"abc").hex()[:8]
    'ba7816bf'
    """
    digest = _begin(sum(map(len, parts)))
    for part in parts:
        digest.update(part)
    return bytes(digest.digest())


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the HMAC of a message (RFC 2104). Python's own loads OpenSSL, too."""
    block = (key if len(key) <= 64 else sha256(key)).ljust(64, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in block), message)
    return sha256(bytes(byte ^ 0x5C for byte in block), inner)


def _begin(size: int) -> Any:
    """Return what makes the digest of so many bytes soonest.

    hashlib loads OpenSSL: 3 to 4 of 90 ms at a cold start without TLS. The interpreter's own SHA-256, which its module
    `random` takes first as well, is there at once and needs 7 times as long for a byte.
    """
    if size <= LARGE_BYTES and "_hashlib" not in sys.modules:
        with suppress(ImportError):  # no public name: another interpreter may not have it
            from _sha2 import sha256 as built_in  # type: ignore[import-not-found]

            return built_in()
    import hashlib

    return hashlib.sha256()
