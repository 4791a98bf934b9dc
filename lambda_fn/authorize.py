"""The authorizer of an HTTP API whose callers have a key.

The keys are the lines of a parameter of SSM, so that one is added, and another removed, without a deployment.
"""

from __future__ import annotations

import hmac
import logging
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from lambda_fn.config import ConfigError
from lambda_fn.digest import sha256
from lambda_fn.storage.ssm import ParameterError, read_parameter

log = logging.getLogger(__name__)

HEADER = "x-api-key"
LEAST_CHARACTERS = 20
"""A key that is shorter opens nothing: it can be tried out."""
KEPT_SECONDS = 900
"""For so long keys that were read are believed while SSM does not answer, unless they are to be read for each call."""
AGAIN_SECONDS = 5
"""After a failure SSM is not asked for so long: each call would wait for it."""
REST_SECONDS = 1.0
"""The same where no keys are believed: who shows many made-up keys would have SSM asked more while it answers less."""
FINGERPRINT_DIGITS = 12


class Keys:
    """The keys of a parameter of SSM, read again after `ttl` seconds; what is kept of each is its SHA-256."""

    def __init__(self, parameter: str, ttl: float) -> None:
        """Read nothing yet."""
        self._parameter, self._ttl = parameter, ttl
        self._digests: tuple[bytes, ...] = ()
        self._read_at = self._failed_at = float("-inf")

    def fingerprint(self, key: str) -> str | None:
        """Return the first digits of the digest of `key`; None if it is none of the keys.

        How long it takes does not tell how much of a key was right. Raises OSError where SSM can't be read.
        """
        digest = sha256(key.encode("utf-8", "surrogatepass"))
        found = [hmac.compare_digest(digest, each) for each in self._current()]
        return digest.hex()[:FINGERPRINT_DIGITS] if any(found) else None

    def _current(self) -> tuple[bytes, ...]:
        now = time.time()  # the other clock stands still while the instance is frozen
        if 0 <= now - self._read_at < self._ttl:
            return self._digests
        believed = self._ttl > 0 and 0 <= now - self._read_at < KEPT_SECONDS
        if 0 <= now - self._failed_at < (AGAIN_SECONDS if believed else REST_SECONDS):
            if believed:
                return self._digests
            raise ParameterError("SSM was asked a moment ago, in vain")
        try:
            self._digests, self._read_at = tuple(digests_of(_read(self._parameter))), now
        except (OSError, ValueError, LookupError) as error:
            self._failed_at = now
            if not believed:
                raise
            log.warning("%s can't be read, the keys from before are believed: %s", self._parameter, error)
        return self._digests


def digests_of(text: str) -> list[bytes]:
    """Return the digests of the keys in a text, one on each line; lines that begin with # are for people."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    long = [key for key in keys if len(key) >= LEAST_CHARACTERS]
    if len(long) < len(keys):
        log.error("%d keys have less than %d characters and open nothing", len(keys) - len(long), LEAST_CHARACTERS)
    return [sha256(key.encode()) for key in long]


def _read(parameter: str) -> str:
    value = read_parameter(parameter, os.environ)
    if value is None:
        log.error("there is no parameter %s: no key opens", parameter)
    return value or ""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer an HTTP API, in its simple form, whether the key of a request opens, and by what logs know it."""
    key = (event.get("headers") or {}).get(HEADER, "")
    fingerprint = keys().fingerprint(key)
    if fingerprint is None:
        return {"isAuthorized": False}
    return {"isAuthorized": True, "context": {"key": fingerprint}}


def keys_of(environ: Mapping[str, str]) -> Keys:
    """Return the keys that the settings name; raise ConfigError for settings that are missing or wrong."""
    parameter, ttl = environ.get("KEYS_PARAMETER", ""), environ.get("KEY_TTL", "60")
    if not parameter:
        raise ConfigError("KEYS_PARAMETER, the name of a parameter of SSM, is not set")
    if not ttl.isdecimal():
        raise ConfigError(f"KEY_TTL is a whole number of seconds, not {ttl!r}")
    return Keys(parameter, float(ttl))


@cache
def keys() -> Keys:
    """Return the keys of the settings, one for the life of the execution environment."""
    return keys_of(os.environ)
