"""Digests are those of hashlib and hmac, whichever of the two makes them."""

import hashlib
import hmac
import random
import subprocess
import sys
from collections.abc import Sequence

import pytest

from lambda_fn.digest import LARGE_BYTES, hmac_sha256, sha256

WAYS = ("built in", "OpenSSL", "no _sha2")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let one of the two make the digests; "no _sha2" is an interpreter without its own, before hashlib is loaded."""
    if request.param != "OpenSSL":
        monkeypatch.delitem(sys.modules, "_hashlib")
    if request.param == "no _sha2":
        monkeypatch.setitem(sys.modules, "_sha2", None)
    return str(request.param)


@pytest.mark.parametrize(
    "parts",
    [[], [b""], [b"bytes"], [b"by", b"", b"tes"], [bytes(LARGE_BYTES)], [bytes(LARGE_BYTES), b"1"]],
    ids=["none", "empty", "one", "three", "as large as it may be", "larger"],
)
def test_sha256_is_that_of_hashlib(way: str, parts: Sequence[bytes]) -> None:
    expected = hashlib.sha256(b"".join(parts)).digest()
    assert sha256(*parts) == sha256(*[memoryview(part) for part in parts]) == expected


def test_hmac_is_that_of_hmac(way: str) -> None:
    source = random.Random(0)
    for size in [0, 1, 63, 64, 65, 200]:
        key, message = source.randbytes(size), source.randbytes(size * 3)
        assert hmac_sha256(key, message) == hmac.digest(key, message, "sha256")


@pytest.mark.parametrize(("size", "loaded"), [(LARGE_BYTES, False), (LARGE_BYTES + 1, True)])
def test_openssl_is_loaded_for_large_ones_only(size: int, loaded: bool) -> None:
    code = f"import sys; from lambda_fn.digest import sha256; sha256(bytes({size})); print('_hashlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{loaded}\n"
