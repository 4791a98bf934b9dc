"""One GET against sockets that answer as S3 does, and as it should not."""

import base64
import hashlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import botocore
import pytest
import trustme

from lambda_fn.storage import aws_http
from lambda_fn.storage.aws_http import Answer, BrokenAnswerError, Endpoint, encoded, endpoint_of, get_object

PEM = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
BOTO3_TRUSTS = Path(botocore.__file__).with_name("cacert.pem")
DIGEST = base64.b64encode(hashlib.sha256(b"bytes").digest()).decode()


def get(bucket: str, key: str, environ: Mapping[str, str], max_bytes: int) -> Answer | None:
    """Get an object, with time enough."""
    return get_object(bucket, key, environ, max_bytes, time.monotonic() + 10)


class Server:
    """Answers each connection with the same bytes, in pieces as a network may, and keeps what it was sent."""

    PIECE = 7

    def __init__(self, answer: bytes, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.received: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def environ(self) -> dict[str, str]:
        port = self._listener.getsockname()[1]
        return {
            "AWS_ENDPOINT_URL_S3": f"http{'s' if self._tls else ''}://127.0.0.1:{port}",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "AKID",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
        }

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with suppress(ConnectionError, ssl.SSLError), self._secured(connection) as stream:  # the client may leave
                self.received.append(stream.recv(65536))
                for byte in range(0, len(self._answer), self.PIECE):
                    stream.sendall(self._answer[byte : byte + self.PIECE])
                    self._pause()

    def _pause(self) -> None:
        """Wait for nothing before the next piece."""

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[type[Server]]:
    servers: list[Server] = []

    class Kept(Server):
        def __init__(self, answer: bytes, tls: ssl.SSLContext | None = None) -> None:
            super().__init__(answer, tls)
            servers.append(self)

    yield Kept
    for server in servers:
        server.close()


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_an_object_comes_whole_with_its_headers(serve: type[Server]) -> None:
    server = serve(answer("200 OK", b"bytes", "x-amz-version-id: v1", f"X-Amz-Checksum-SHA256: {DIGEST}"))
    got = get("bucket", "models/a b.onnx", server.environ, 5)
    assert isinstance(got, Answer)
    assert (got.status, got.body, got.headers["x-amz-version-id"]) == (200, b"bytes", "v1")
    head = server.received[0].decode()
    assert head.startswith("GET /bucket/models/a%20b.onnx HTTP/1.1\r\n")
    assert "x-amz-security-token: token\r\n" in head
    assert "x-amz-checksum-mode: ENABLED\r\n" in head
    assert head.endswith("\r\n\r\n")


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """Return a certificate authority that this process trusts, and no other."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    return authority


def tls_of(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_an_object_comes_over_tls(serve: type[Server], authority: trustme.CA) -> None:
    body = bytes(range(256)) * 100
    got = get("bucket", "key", serve(answer("200 OK", body), tls_of(authority, "127.0.0.1")).environ, len(body))
    assert got is not None
    assert got.body == body


def test_a_certificate_of_another_host_or_authority_is_left_to_boto3(
    serve: type[Server], authority: trustme.CA
) -> None:
    for server in (
        serve(answer("200 OK", b"bytes"), tls_of(authority, "s3.example.org")),
        serve(answer("200 OK", b"bytes"), tls_of(trustme.CA(), "127.0.0.1")),
    ):
        assert get("bucket", "key", server.environ, 5) is None
        assert server.received == []


def test_aws_is_trusted_by_its_own_authorities_which_boto3_trusts_too(authority: trustme.CA) -> None:
    trusted = {certificates_of(name) for name in ("bucket.s3.eu-west-1.amazonaws.com", "s3.us-east-1.amazonaws.com")}
    [amazons] = trusted
    assert len(amazons) == 5
    assert amazons < {ssl.PEM_cert_to_DER_cert(pem) for pem in PEM.findall(BOTO3_TRUSTS.read_text())}
    [own] = certificates_of("minio.example.org")
    assert own == ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode())


def certificates_of(host: str) -> frozenset[bytes]:
    """Return the certificates of the authorities that a host is trusted by."""
    return frozenset(aws_http._context(host).get_ca_certs(binary_form=True))


def test_an_object_that_is_too_large_is_not_read(serve: type[Server]) -> None:
    got = get("bucket", "key", serve(answer("200 OK", b"bytes")).environ, 4)
    assert got is not None
    assert got.headers["content-length"] == "5"


def test_a_refusal_is_told(serve: type[Server]) -> None:
    got = get("bucket", "key", serve(answer("404 Not Found", b"<Error/>")).environ, 100)
    assert got is not None
    assert got.status == 404


@pytest.mark.parametrize(
    "answered",
    [
        b"HTTP/1.1 200 OK\r\n\r\nbytes",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nbytes",
        b"HTTP/1.1 OK\r\nContent-Length: 5\r\n\r\nbytes",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"x" * 200_000,
    ],
)
def test_what_is_not_understood_is_left_to_boto3(answered: bytes, serve: type[Server]) -> None:
    assert get("bucket", "key", serve(answered).environ, 100) is None


@pytest.mark.parametrize(
    ("answered", "why"),
    [
        (b"", "ended after 0 bytes"),
        (b"HTTP/1.1 200 OK\r\n", "ended after 17 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nbytes", "5 of 6 bytes came"),
        (answer("200 OK", b"other", f"x-amz-checksum-sha256: {DIGEST}"), "not of their checksum"),
        (answer("200 OK", b"other", "x-amz-checksum-sha256: no base64"), "not of their checksum"),
    ],
)
def test_a_body_that_is_not_as_its_head_says_is_a_failure_of_the_network(
    answered: bytes, why: str, serve: type[Server]
) -> None:
    with pytest.raises(BrokenAnswerError, match=why):
        get("bucket", "key", serve(answered).environ, 100)


@pytest.mark.parametrize("whole", [answer("200 OK", b"bytes" * 1000), b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000])
def test_an_answer_that_comes_byte_by_byte_ends_at_the_deadline(whole: bytes, serve: type[Server]) -> None:
    class Slow(serve):  # type: ignore[misc, valid-type]
        PIECE = 1

        def _pause(self) -> None:
            time.sleep(0.005)

    with pytest.raises(TimeoutError):
        get_object("bucket", "key", Slow(whole).environ, 10_000, time.monotonic() + 0.2)


def test_a_large_body_has_the_time_that_it_takes(serve: type[Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_http, "BYTES_A_SECOND", 1000)

    class Slow(serve):  # type: ignore[misc, valid-type]
        PIECE = 1000

        def _pause(self) -> None:
            time.sleep(0.05)

    body = bytes(10_000)
    got = get_object("bucket", "key", Slow(answer("200 OK", body)).environ, 10_000, time.monotonic() + 0.3)
    assert got is not None
    assert got.body == body


def test_what_has_the_etag_still_does_not_come_again(serve: type[Server]) -> None:
    server = serve(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n')
    got = get_object("bucket", "key", server.environ, 100, time.monotonic() + 10, '"a"')
    assert got is not None
    assert (got.status, got.body) == (304, b"")
    assert 'if-none-match: "a"\r\n' in server.received[0].decode()


def test_a_checksum_of_parts_is_none_of_the_bytes(serve: type[Server]) -> None:
    got = get("bucket", "key", serve(answer("200 OK", b"bytes", "x-amz-checksum-sha256: AAAA-2")).environ, 5)
    assert got is not None
    assert got.body == b"bytes"


@pytest.mark.parametrize("lacking", ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_without_settings_boto3_is_asked(lacking: str, serve: type[Server]) -> None:
    server = serve(b"")
    environ = {name: value for name, value in server.environ.items() if name != lacking}
    assert get("bucket", "key", environ, 5) is None
    assert server.received == []


@pytest.mark.parametrize("url", [{"AWS_ENDPOINT_URL": "http://münchen.example:80"}, {}])
def test_a_host_that_is_not_ascii_is_left_to_boto3(url: dict[str, str]) -> None:
    environ = {"AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", **url}
    assert get("eimer-ü", "key", environ, 5) is None


def test_a_network_that_fails_is_an_oserror() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]  # nobody listens there once this is closed
    environ = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "r",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    with pytest.raises(OSError, match="refused"):
        get("bucket", "key", environ, 5)


@pytest.mark.parametrize(
    ("bucket", "region", "environ", "expected"),
    [
        ("b", "eu-west-1", {}, Endpoint(True, "b.s3.eu-west-1.amazonaws.com", 443, "/")),
        ("b.c", "eu-west-1", {}, Endpoint(True, "s3.eu-west-1.amazonaws.com", 443, "/b.c/")),
        ("b", "cn-north-1", {}, Endpoint(True, "b.s3.cn-north-1.amazonaws.com.cn", 443, "/")),
        ("b", "r", {"AWS_ENDPOINT_URL": "http://localhost:4566/"}, Endpoint(False, "localhost", 4566, "/b/")),
        (
            "b",
            "r",
            {"AWS_ENDPOINT_URL_S3": "https://minio", "AWS_ENDPOINT_URL": "x"},
            Endpoint(True, "minio", 443, "/b/"),
        ),
        ("b", "r", {"AWS_ENDPOINT_URL": "http://host/path"}, None),
        ("b", "us-iso-east-1", {}, None),
        ("b", "us-gov-west-1", {"AWS_USE_FIPS_ENDPOINT": "true"}, None),
        ("b", "eu-west-1", {"HTTPS_PROXY": "http://proxy:3128"}, None),
        ("b", "r", {"AWS_ENDPOINT_URL": "host:80"}, None),
    ],
)
def test_where_a_bucket_is(bucket: str, region: str, environ: dict[str, str], expected: Endpoint | None) -> None:
    assert endpoint_of(bucket, region, environ) == expected


def test_a_port_that_is_not_the_usual_one_is_part_of_the_host() -> None:
    assert Endpoint(False, "localhost", 4566, "/").authority == "localhost:4566"
    assert Endpoint(True, "host", 443, "/").authority == "host"


def test_a_key_is_encoded() -> None:
    assert encoded("models/a-b_c.d~e") == "models/a-b_c.d~e"
    assert encoded("a b/ä?") == "a%20b/%C3%A4%3F"
