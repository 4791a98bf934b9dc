"""A new object on S3: whole, never in another's place, tried again where that may help."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.storage import aws_http, s3
from lambda_fn.storage.s3_put import ATTEMPTS, put_new
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.lambda_fn.storage.test_aws_http import Server, answer

KEY = "captured/model=a b/date=2026-11-27/ä=1.jsonl"
TYPE = "application/jsonl"


@pytest.fixture(params=["sockets", "boto3"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How it is stored: by sockets alone, and never by boto3; or by boto3, as sockets leave it to."""

    def never() -> None:
        raise AssertionError("boto3 was asked")

    s3.client.cache_clear()
    if request.param == "boto3":
        monkeypatch.setattr(aws_http, "exchange", lambda *_: None)
    else:
        monkeypatch.setattr(s3, "client", never)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_an_object_is_stored_and_stays(aws: Emulator, bucket: str) -> None:
    client = Deployment(aws).client("s3")
    body = b'{"a": 1}\n' * 50_000
    put_new(bucket, KEY, body, TYPE)
    put_new(bucket, KEY, b"another", TYPE)
    stored = client.get_object(Bucket=bucket, Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"]) == (body, TYPE)
    assert len(client.list_object_versions(Bucket=bucket)["Versions"]) == 1


@pytest.mark.usefixtures("way")
def test_a_bucket_that_is_not_there_is_told_to_the_log(aws: Emulator) -> None:
    with pytest.raises(ServiceError) as raised:
        put_new("no-such-bucket-here", KEY, b"body", TYPE)
    assert raised.value.problem is Problem.STORAGE_UNAVAILABLE
    assert "no-such-bucket-here" not in raised.value.detail
    assert "NoSuchBucket" in raised.value.told


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Server]]:
    servers: list[Server] = []

    class Kept(Server):
        def __init__(self, data: bytes) -> None:
            super().__init__(data)
            servers.append(self)
            for name, value in self.environ.items():
                monkeypatch.setenv(name, value)

    yield Kept
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("status", "tried"),
    [
        ("500 Internal Server Error", ATTEMPTS),
        ("503 Slow Down", ATTEMPTS),
        ("409 Conflict", ATTEMPTS),
        ("403 Forbidden", 1),
        ("204 No Content", 1),
        ("200 OK", 1),  # without an ETag it is none of S3's
    ],
)
def test_what_passes_is_tried_again(serve: type[Server], status: str, tried: int) -> None:
    server = serve(answer(status, b""))
    with pytest.raises(ServiceError, match="is not: the function's log"):
        put_new("bucket", KEY, b"body", TYPE)
    assert len(server.received) == tried


def test_what_is_there_already_and_answers_without_a_length_are_understood(serve: type[Server]) -> None:
    server = serve(b'HTTP/1.1 200 OK\r\nETag: "a"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')
    put_new("bucket", KEY, b"body", TYPE)
    [sent] = server.received
    assert sent.startswith(b"PUT /bucket/captured/model%3Da%20b/date%3D2026-11-27/%C3%A4%3D1.jsonl HTTP/1.1\r\n")
    assert b"\r\nif-none-match: *\r\n" in sent
    assert sent.endswith(b"\r\n\r\nbody")
    serve(b"HTTP/1.1 412 Precondition Failed\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    put_new("bucket", KEY, b"body", TYPE)
