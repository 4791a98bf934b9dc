"""Members of gzip, one behind the other, are unpacked as Python's gzip does, piece by piece."""

import gzip
import tracemalloc

import pytest

from lambda_fn.bulk.blocks import BLOCK_BYTES, unpacked
from lambda_fn.bulk.failures import RefusedError

A, B = gzip.compress(b"1,2\n" * 300), gzip.compress(b"3,4\n" * 300)
PADDED = {
    "zeros behind": A + bytes(700),
    "zeros between": A + bytes(700) + B,
    "zeros between and behind": A + bytes(1) + B + bytes(512),
    "a member of nothing": A + gzip.compress(b"") + bytes(3) + B,
}
STRANGE = {"zeros in front": bytes(4) + A, "garbage behind": A + b"garbage", "garbage behind zeros": A + b"\0\0g"}


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("name", PADDED)
def test_zeros_between_members_are_passed_over(name: str, size: int) -> None:
    assert b"".join(unpacked(pieces(PADDED[name], size), "a.gz")) == gzip.decompress(PADDED[name])


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("name", STRANGE)
def test_what_gzip_does_not_take_is_refused(name: str, size: int) -> None:
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(STRANGE[name])
    with pytest.raises(RefusedError, match=r"is not gzip|in the middle"):
        list(unpacked(pieces(STRANGE[name], size), "a.gz"))


def test_a_member_that_unpacks_to_very_much_comes_in_pieces() -> None:
    bomb = gzip.compress(bytes(200 * 2**20), 1)
    tracemalloc.start()
    try:
        sizes = [len(piece) for piece in unpacked(pieces(bomb, 2**20), "a.gz")]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 200 * 2**20
    assert max(sizes) <= BLOCK_BYTES
    assert peak < 8 * BLOCK_BYTES
