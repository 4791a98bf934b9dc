"""What faults do with a connection: most functions here return a treatment. `catalogue.py` has the faults."""

from __future__ import annotations

import gzip
import random
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.faults.certificates import Certificates
from tests.faults.proxy import Connection, Message, Treatment, answer_well

CHECKSUMS = ("x-amz-checksum-sha256", "x-amz-checksum-crc32", "x-amz-checksum-crc64nvme")

type Change = Callable[[Message], Message]
type Headers = Mapping[str, str | None]
"""What is set among the headers of an answer, and with None taken away."""

NO_CHECKSUM: Headers = dict.fromkeys(CHECKSUMS)


def altering(*changes: Change) -> Treatment:
    """Answer with what the changes make of the right answer, and end the connection."""

    def treat(connection: Connection) -> None:
        answer = connection.exchange()
        for change in changes:
            answer = change(answer)
        connection.send(bytes(answer))

    return treat


def version(told: str) -> Change:
    """Answer in that version of HTTP."""
    return lambda answer: replace(answer, first=answer.first.replace("HTTP/1.1", told))


def headers(told: Headers) -> Change:
    """Change headers of the answer."""

    def change(answer: Message) -> Message:
        changed = {**answer.headers, **told}
        return replace(answer, headers={name: value for name, value in changed.items() if value is not None})

    return change


def body(alter: Callable[[bytes], bytes]) -> Change:
    """Change the body of an answer, but not the length that is told; nothing stays nothing."""
    return lambda answer: replace(answer, body=alter(answer.body) if answer.body else b"")


def length(told: Callable[[int], object]) -> Change:
    """Tell a length of the body that depends on the right one."""
    return lambda answer: headers({"content-length": str(told(len(answer.body)))})(answer)


def corrupted(right: bytes) -> bytes:
    """Return the body with another byte in its middle."""
    middle = len(right) // 2
    return right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1 :]


def but_its_end(right: bytes) -> bytes:
    """Return the body without its last 100 bytes."""
    return right[:-100]


def compressed(answer: Message) -> Message:
    """Compress the body and say so, as a proxy may; nothing stays nothing."""
    if not answer.body:
        return answer
    packed = gzip.compress(answer.body)
    return headers({"content-encoding": "gzip", "content-length": str(len(packed))})(replace(answer, body=packed))


def partial(answer: Message) -> Message:
    """Answer the first half of the body as a range that was asked for, which has no checksum."""
    half, whole = len(answer.body) // 2, len(answer.body)
    told = {"content-range": f"bytes 0-{half - 1}/{whole}", "content-length": str(half), **NO_CHECKSUM}
    return headers(told)(Message("HTTP/1.1 206 Partial Content", answer.headers, answer.body[:half]))


def in_chunks(size: str = "{}", end: bytes = b"0\r\n\r\n") -> Change:
    """Answer in one chunk, whose size is told in hexadecimal: {} stands for the right one."""

    def change(answer: Message) -> Message:
        told = size.format(f"{len(answer.body):x}").encode()
        in_one = told + b"\r\n" + answer.body + b"\r\n" if answer.body else b""
        return headers({"content-length": None, "transfer-encoding": "chunked"})(replace(answer, body=in_one + end))

    return change


def saying(data: bytes) -> Treatment:
    """Answer whatever is asked with the same bytes, and end the connection."""

    def treat(connection: Connection) -> None:
        connection.receive()
        connection.send(data)

    return treat


def answering(status: str, content: bytes = b"", told: Mapping[str, str] | None = None) -> Treatment:
    """Answer whatever is asked with that status, body and headers."""
    sent = {"content-length": str(len(content)), "connection": "close", **(told or {})}
    return saying(bytes(Message(f"HTTP/1.1 {status}", sent, content)))


def refusing(status: str, code: str, more: str = "", told: Mapping[str, str] | None = None) -> Treatment:
    """Answer with an error of S3's."""
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>No.</Message>{more}</Error>'
    return answering(status, content.encode(), {"content-type": "application/xml", **(told or {})})


def redirecting(status: str, port: int | None = None, told: Mapping[str, str] | None = None) -> Treatment:
    """Send the client to that port of this machine, or back to where it came to."""

    def treat(connection: Connection) -> None:
        request = connection.receive()
        host = request.headers["host"] if port is None else f"127.0.0.1:{port}"
        content = b"<Error><Code>PermanentRedirect</Code><Message>No.</Message></Error>"
        place = f"http://{host}{request.first.split()[1]}"
        sent = {"location": place, "content-length": str(len(content)), "connection": "close", **(told or {})}
        connection.send(bytes(Message(f"HTTP/1.1 {status}", sent, content)))

    return treat


def until_signed_for(region: str, refuse: Treatment) -> Treatment:
    """Refuse what is not signed for that region, and answer the rest well."""

    def treat(connection: Connection) -> None:
        signed = f"/{region}/s3/" in connection.receive().headers.get("authorization", "")
        (answer_well if signed else refuse)(connection)

    return treat


def paced(size: int, seconds: float, *changes: Change, head: bool = False) -> Treatment:
    """Answer so many bytes at a time, so many seconds apart: those of the body, or of the head, too."""

    def treat(connection: Connection) -> None:
        answer = connection.exchange()
        for change in changes:
            answer = change(answer)
        connection.send(answer.head, size if head else 0, seconds if head else 0)
        connection.send(answer.body, size, seconds)

    return treat


def endless(begin: bytes, again: bytes) -> Treatment:
    """Answer with `begin`, and then the same again and again, 100 kB a second."""

    def treat(connection: Connection) -> None:
        connection.receive()
        connection.send(begin)
        while True:
            connection.send(again * (10_000 // len(again)), seconds=0.1)

    return treat


def cut(*, head: float = 1.0, body: float = 0.0, reset: bool = False) -> Treatment:
    """End the connection after a share of the head, or the head and a share of the body; or reset it there."""

    def treat(connection: Connection) -> None:
        answer = connection.exchange()
        connection.send(answer.head[: int(len(answer.head) * head)] + answer.body[: int(len(answer.body) * body)])
        if reset:
            connection.pause(0.1)  # a reset overtakes what was sent
            connection.reset()

    return treat


def keep_open(connection: Connection) -> None:
    """Answer well, and leave the connection to the client, though it asked for its end."""
    connection.send(bytes(connection.exchange()))
    connection.await_end()


def silent(connection: Connection) -> None:
    """Take the connection, and what is sent, and answer nothing."""
    connection.await_end()


def reset_at_once(connection: Connection) -> None:
    """Reset the connection when it is made."""
    connection.reset()


def reset_when_asked(connection: Connection) -> None:
    """Reset the connection instead of an answer."""
    connection.receive()
    connection.reset()


def close_when_asked(connection: Connection) -> None:
    """End the connection instead of an answer."""
    connection.receive()


def showing(context: Callable[[Certificates], ssl.SSLContext], treat: Treatment = answer_well) -> Treatment:
    """Begin TLS with one of the certificates."""

    def secure(connection: Connection) -> None:
        connection.secure(context(connection.certificates))
        treat(connection)

    return secure


def cut_in_handshake(connection: Connection) -> None:
    """End the connection when TLS begins."""
    connection.stream.recv(2**16)


def plain_over_tls(connection: Connection) -> None:
    """Answer the beginning of TLS as a server of plain HTTP does."""
    connection.stream.recv(2**16)
    connection.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


def slow_handshake(connection: Connection) -> None:
    """Begin TLS at a byte a second."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = connection.certificates.right.wrap_bio(received, sent, server_side=True)
    while data := connection.stream.recv(2**16):
        received.write(data)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            connection.send(sent.read(), 1, 1.0)


PASSING = (
    refusing("503 Slow Down", "SlowDown"),
    refusing("500 Internal Server Error", "InternalError"),
    refusing("409 Conflict", "ConditionalRequestConflict"),
    answering("502 Bad Gateway"),
    close_when_asked,
    reset_at_once,
    reset_when_asked,
    cut(body=0.5),
    cut(body=0.9, reset=True),
    cut(head=0.5),
)


class NowAndThen:
    """A treatment that lets a share of the connections fail in every way that passes, seeded; failed: how many did."""

    def __init__(self, share: float, seed: int = 0) -> None:
        self._generator, self._share, self._lock = random.Random(seed), share, threading.Lock()
        self.failed = 0

    def __call__(self, connection: Connection) -> None:
        with self._lock:
            treat = self._generator.choice(PASSING) if self._generator.random() < self._share else answer_well
            self.failed += treat is not answer_well
        treat(connection)
