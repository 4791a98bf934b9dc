"""One signed request to S3, or another service of AWS, with sockets alone.

At a cold start boto3 takes longer to import than everything else together, and http.client brings a parser of mail.
What this does not do (redirects, retries after a refusal, credentials from elsewhere than the environment, certificates
of unknown authorities) it leaves to boto3.
"""

from __future__ import annotations

import binascii
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lambda_fn.digest import sha256
from lambda_fn.record import Record
from lambda_fn.storage.sigv4 import EMPTY, Credentials, signed_headers

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS, READ_SECONDS = 1.0, 3.0
"""How long a connection, and each piece of an answer, is waited for."""
BYTES_A_SECOND = 1_000_000
"""A body may come as slowly as this, however large it is: that much longer than until its deadline."""
SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
"""What a path holds as it is."""
PIECE = 2**16
NOT_MODIFIED = 304
MISSING = frozenset({"NoSuchKey", "NoSuchBucket"})
"""The codes by which S3, and no one in front of it, says that there is nothing."""
CODE_CHARACTERS = 64
CHECKSUM = "x-amz-checksum-sha256"
LENGTH_DIGITS = 18
"""More than a length has: an object has 5 TB at the most, and Python refuses to read thousands of digits."""
LEFT_TO_BOTO3 = (
    *("AWS_CA_BUNDLE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"),
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
)
"""Variables that tell of another way to AWS than the straight one."""


class BrokenAnswerError(OSError):
    """Raised when an answer ends before its head or its body does, or a body is not of its checksum."""


class Answer(Record):
    """What was answered: the status, the headers with names in lower case, the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Endpoint(Record):
    """Where a service or a bucket is: whether over TLS, at which host and port, and what precedes a key in the path.

    is_aws: whether it is AWS's own, and not one that the environment tells of.
    """

    tls: bool
    host: str
    port: int
    prefix: str
    is_aws: bool = False

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        return self.host if self.port == (443 if self.tls else 80) else f"{self.host}:{self.port}"


def get_object(
    bucket: str, key: str, environ: Mapping[str, str], max_bytes: int, until: float, etag: str = ""
) -> Answer | None:
    """Return what S3 answers, with a body that is whole and as its checksum says; None if boto3 has to be asked.

    Of a body of more than `max_bytes` only the length is told. With an `etag`, S3 answers 304 to what still has that.
    until: when to give up at the latest, by `time.monotonic`.
    Raises OSError where the network fails.
    """
    wanted = {"x-amz-checksum-mode": "ENABLED", **({"if-none-match": etag} if etag else {})}
    answer = exchange("GET", bucket, key, wanted, environ, max_bytes, until)
    if answer is None or not answer.headers["content-length"]:
        return None
    _check_whole(answer, max_bytes)
    return answer


def exchange(
    method: str,
    bucket: str,
    key: str,
    wanted: Mapping[str, str],
    environ: Mapping[str, str],
    max_bytes: int,
    until: float,
    body: bytes = b"",
) -> Answer | None:
    """Sign and send a request with a `body`, and return what is answered; None if boto3 has to be asked.

    wanted: headers to send, names in lower case. An answer whose length nobody tells has an empty ``content-length``,
    and no body. Raises OSError where the network fails.
    """
    region = region_of(environ)
    endpoint = endpoint_of(bucket, region, environ) if region else None
    if endpoint is None:
        return None
    return send(endpoint, method, endpoint.prefix + encoded(key), wanted, environ, max_bytes, until, body)


def send(
    endpoint: Endpoint,
    method: str,
    path: str,
    wanted: Mapping[str, str],
    environ: Mapping[str, str],
    max_bytes: int,
    until: float,
    body: bytes,
    service: str = "s3",
) -> Answer | None:
    """The same of a service at an endpoint, and of a path that is percent-encoded already."""
    credentials, region = Credentials.from_environ(environ), region_of(environ)
    if credentials is None or region is None or not endpoint.host.isascii():
        return None
    payload = sha256(body).hex() if body else EMPTY
    signed = (endpoint.authority, path, wanted, region, credentials, time.time())
    headers = signed_headers(*signed, method=method, payload=payload, service=service)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    try:
        return _exchange(endpoint, lines, body, max_bytes, until)
    except OSError as error:
        if _is_of_unknown_authority(error):
            return None
        raise


def endpoint_of(bucket: str, region: str, environ: Mapping[str, str]) -> Endpoint | None:
    """Return where `bucket` is: at the endpoint in the environment, or at AWS; None if boto3 has to find it."""
    found = service_endpoint("s3", region, environ)
    if found is None or "." in bucket or not found.is_aws:  # with a dot its name would not match the certificate
        return found and Endpoint(found.tls, found.host, found.port, f"/{bucket}/")
    return Endpoint(True, f"{bucket}.{found.host}", 443, "/")


def service_endpoint(service: str, region: str, environ: Mapping[str, str]) -> Endpoint | None:
    """Return where a service is: at the endpoint in the environment, or at AWS; None if boto3 has to find it."""
    url = environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL")
    if url:
        scheme, _, authority = url.rstrip("/").partition("://")
        host, _, port = authority.partition(":")
        if scheme not in {"http", "https"} or "/" in authority or not host or not (port or "0").isdecimal():
            return None
        tls = scheme == "https"
        return Endpoint(tls, host, int(port or (443 if tls else 80)), "/")
    if "-iso" in region or any(environ.get(name) for name in LEFT_TO_BOTO3):
        return None
    suffix = ".cn" if region.startswith("cn-") else ""
    return Endpoint(True, f"{service}.{region}.amazonaws.com{suffix}", 443, "/", is_aws=True)


def region_of(environ: Mapping[str, str]) -> str | None:
    """Return the region in the environment."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None


def short(code: str, status: int | str) -> str:
    """Return the code that was answered, or else the status: it is told to callers, and who answered may be anybody."""
    return code if code.replace(".", "", 1).isalnum() and len(code) <= CODE_CHARACTERS else str(status)


def encoded(key: str) -> str:
    """Return `key` percent-encoded, its slashes aside."""
    if SAFE.issuperset(key):
        return key
    from urllib.parse import quote  # here, as keys seldom need it

    return quote(key, safe="/~")


def _exchange(endpoint: Endpoint, lines: list[str], sent: bytes, max_bytes: int, until: float) -> Answer | None:
    """Send the request and read the answer; None for one that is not in HTTP/1.1."""
    with _connect(endpoint, until) as connection:
        connection.settimeout(_patience(until))
        connection.sendall("\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1") + sent)
        head, body = _read_head(connection, until)
        status, fields = _parse_head(head)
        if status == 0:
            return None
        length = "0" if status == NOT_MODIFIED else fields.get("content-length", "")
        if not length.isdecimal() or len(length) > LENGTH_DIGITS:
            return Answer(status, {**fields, "content-length": ""}, b"")
        if int(length) <= max_bytes:
            body = _read_body(connection, body, int(length), until + int(length) / BYTES_A_SECOND)
        return Answer(status, {**fields, "content-length": length}, body)


def _patience(until: float) -> float:
    """Return for how many seconds the next piece is waited for; raise TimeoutError if there are none left."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the answer takes too long as a whole")
    return min(READ_SECONDS, left)


def _connect(endpoint: Endpoint, until: float) -> socket.socket:
    # as bytes, which typeshed does not know of: text is encoded by the codec idna, whose import takes 1 of 75 ms
    host = endpoint.host.encode("ascii")
    patience = min(CONNECT_SECONDS, _patience(until))
    connection = socket.create_connection((host, endpoint.port), patience)  # type: ignore[arg-type]
    if not endpoint.tls:
        return connection
    try:
        connection.settimeout(_patience(until))
        return _context(endpoint.host).wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _context(host: str) -> ssl.SSLContext:
    """Return what `host` is to be trusted by: AWS by its own authorities, others by all that the system trusts."""
    import ssl

    if not host.endswith(".amazonaws.com"):
        return ssl.create_default_context()
    from lambda_fn.storage.amazon_roots import PEM

    return ssl.create_default_context(cadata=PEM)


def _is_of_unknown_authority(error: OSError) -> bool:
    import ssl  # loaded already if this is such an error

    return isinstance(error, ssl.SSLCertVerificationError)


def _read_head(connection: socket.socket, until: float) -> tuple[bytes, bytes]:
    """Return the head of the answer, and what came of its body with it; nothing of one that is too long.

    Raises BrokenAnswerError if the connection ends before the head does.
    """
    received = b""
    while b"\r\n\r\n" not in received:
        connection.settimeout(_patience(until))
        piece = connection.recv(PIECE)
        if not piece:
            raise BrokenAnswerError(f"the connection ended after {len(received)} bytes of the answer's head")
        if len(received) > PIECE:
            return b"", b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Return status and headers; a status of 0 if it is no head of HTTP/1.1."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if version != "HTTP/1.1" or not rest[:3].isdecimal():
        return 0, {}
    pairs = (line.partition(":") for line in lines)
    return int(rest[:3]), {name.lower(): value.strip() for name, _, value in pairs}


def _read_body(connection: socket.socket, start: bytes, length: int, until: float) -> bytes:
    """Return the body, of which `start` has come already; it is shorter if the connection ends."""
    body = bytearray(length)
    view, place = memoryview(body), len(start)
    view[:place] = start[:length]
    while place < length:
        connection.settimeout(_patience(until))
        count = connection.recv_into(view[place:])
        if count == 0:
            return bytes(view[:place])
        place += count
    return bytes(body)


def _check_whole(answer: Answer, max_bytes: int) -> None:
    """Raise BrokenAnswerError unless the body has the length and the SHA-256 that S3 tells of.

    A checksum of parts (``…-2``) tells of none.
    """
    length = int(answer.headers["content-length"])
    if length > max_bytes:
        return
    if len(answer.body) != length:
        raise BrokenAnswerError(f"{len(answer.body)} of {length} bytes came")
    checksum = answer.headers.get(CHECKSUM, "")
    if not checksum or "-" in checksum:
        return
    if binascii.b2a_base64(sha256(answer.body), newline=False).decode() != checksum:
        raise BrokenAnswerError("the bytes that came are not of their checksum")
