"""Who issues tokens, over HTTP, and tokens that open nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.served import serving

AUDIENCE, SCOPE = "plume", "score"


@dataclass(frozen=True)
class Issuer:
    """Who issues tokens, by a key of RSA, and says at its URL which."""

    url: str
    key: rsa.RSAPrivateKey

    def token(self, key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        """Return a token that opens, but for the `claims` that are told otherwise, None for none of those."""
        now = int(time.time())
        sound = {"iss": self.url, "aud": AUDIENCE, "scope": f"read {SCOPE}", "iat": now - 5, "exp": now + 600}
        told = {name: value for name, value in (sound | claims).items() if value is not None}
        return jwt.encode(told, self.key if key is None else key, algorithm, headers={"kid": "first"})


@contextmanager
def issuing() -> Iterator[Issuer]:
    """Serve what an issuer says of its keys, while the context lasts."""
    key = rsa.generate_private_key(65537, 2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "first", "alg": "RS256"}

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        url = f"http://{environ['HTTP_HOST']}"
        told = {
            "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/jwks"},
            "/jwks": {"keys": [public]},
        }[environ["PATH_INFO"]]
        start_response("200 OK", [("content-type", "application/json")])
        return [json.dumps(told).encode()]

    with serving(answer) as url:
        yield Issuer(url, key)


def unsound(issuer: Issuer) -> dict[str, str]:
    """Return values of the header Authorization, by what is wrong with each."""
    now, stranger = int(time.time()), rsa.generate_private_key(65537, 2048)
    sound = issuer.token()
    return {
        "no token": "Bearer ",
        "words": "Bearer let me in",
        "another key": f"Bearer {issuer.token(stranger)}",
        "cut": f"Bearer {sound[:-4]}",
        "no signature": f"Bearer {sound.rpartition('.')[0]}.",
        "no algorithm": f"Bearer {issuer.token('', 'none')}",
        "a secret for a key": f"Bearer {issuer.token('s' * 32, 'HS256')}",
        "expired": f"Bearer {issuer.token(exp=now - 60)}",
        "not yet": f"Bearer {issuer.token(nbf=now + 600)}",
        "another audience": f"Bearer {issuer.token(aud='others')}",
        "no audience": f"Bearer {issuer.token(aud=None)}",
        "another issuer": f"Bearer {issuer.token(iss='https://example.org')}",
    }


def without_scope(issuer: Issuer) -> dict[str, str]:
    """Return values of the header Authorization that are sound, and allow nothing that is asked for."""
    scopes = {"other scopes": "scores read", "no scope": None}
    return {name: f"Bearer {issuer.token(scope=scope)}" for name, scope in scopes.items()}
