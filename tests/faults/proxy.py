"""A proxy in front of the emulator's S3 that passes on what is asked and answered, or does as a fault does instead."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.faults.certificates import Certificates

HOST, REGION = "127.0.0.1", "/us-east-1/"
RESET = struct.pack("ii", 1, 0)
"""The option SO_LINGER of a socket whose close is a reset."""
SECONDS = 60.0
"""How long a client may send nothing; longer than any client here waits for an answer."""

type Treatment = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: its first line, its headers with names in lower case, its body, which is whole."""

    first: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __bytes__(self) -> bytes:
        return self.head + self.body

    @property
    def head(self) -> bytes:
        """What goes in front of the body."""
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1")


class Connection:
    """A client's connection, and what can be done with it. Where the client leaves, OSError is raised."""

    def __init__(
        self, stream: socket.socket, upstream: int, certificates: Certificates, stopped: threading.Event
    ) -> None:
        """Read nothing yet. `upstream` is the port of the server; once `stopped` is set, nothing is waited for."""
        self.stream, self.certificates = stream, certificates
        self._upstream = upstream
        self._stopped = stopped
        self._request: Message | None = None

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on."""
        secured = context.wrap_socket(self.stream, server_side=True, do_handshake_on_connect=False)
        self.stream = secured  # the plain one is no more
        secured.do_handshake()

    def receive(self) -> Message:
        """Return the request, the only one of the connection."""
        if self._request is None:
            self._request = self._receive()
        return self._request

    def exchange(self) -> Message:
        """Return what the server answers to the request, as one that ends its connection."""
        request = self.receive()
        method, path, _ = request.first.split()
        headers = {name: value for name, value in request.headers.items() if name != "transfer-encoding"}
        if REGION not in headers.get("authorization", REGION):
            del headers["authorization"]  # the emulator's buckets are of its own region only
        server = http.client.HTTPConnection(HOST, self._upstream, timeout=SECONDS)
        with contextlib.closing(server):
            server.request(method, path, request.body, headers | {"content-length": str(len(request.body))})
            answer = server.getresponse()
            body = answer.read()
        kept = {name.lower(): value for name, value in answer.getheaders()}
        for name in ("transfer-encoding", "connection"):
            kept.pop(name, None)
        kept |= {"content-length": str(len(body)), "connection": "close"}
        return Message(f"HTTP/1.1 {answer.status} {answer.reason}", kept, body)

    def send(self, data: bytes, size: int = 0, seconds: float = 0) -> None:
        """Send the data: at once, or so many bytes at a time, so many seconds apart."""
        size = size or len(data) or 1
        for place in range(0, len(data), size):
            self.pause(seconds)
            self.stream.sendall(data[place : place + size])

    def pause(self, seconds: float) -> None:
        """Do nothing for a while; raise ConnectionError if the proxy ends meanwhile."""
        if self._stopped.wait(seconds):
            raise ConnectionError("the proxy ends")

    def await_end(self) -> None:
        """Return when the client leaves; what it sends is lost."""
        while self.stream.recv(2**16):
            pass

    def reset(self) -> None:
        """End the connection as a peer does that has forgotten it."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.stream.close()

    def _receive(self) -> Message:
        with self.stream.makefile("rb") as reader:
            first = reader.readline().decode("latin-1").rstrip()
            if not first:
                raise ConnectionError("the client asked nothing")
            headers = {name.lower(): value for name, value in http.client.parse_headers(reader).items()}
            if "100-continue" in headers.pop("expect", "").lower():
                self.stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            return Message(first, headers, _read_body(reader, headers))


def _read_body(reader: io.BufferedIOBase, headers: Mapping[str, str]) -> bytes:
    if "chunked" not in headers.get("transfer-encoding", ""):
        return reader.read(int(headers.get("content-length", "0")))
    body = b""
    while size := int(reader.readline(), 16):
        body += reader.read(size)
        reader.readline()
    while reader.readline().strip():
        pass
    return body


@dataclass(frozen=True, slots=True)
class Seen:
    """What callers see of a fault: codes of errors, or words of `catalogue.py`.

    start: what a cold call is answered with.
    reload: why a model that is published meanwhile is not served.
    get, put: what objects are answered with.
    """

    start: str = "storage-unavailable"
    reload: str = "storage-unavailable"
    get: str = "storage-unavailable"
    put: str = "storage-unavailable"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which S3 fails, and what the service is to make of it.

    treat: what happens to a connection.
    seen: what callers are to see of it.
    tls: whether S3 is spoken to over TLS, and `treat` is what begins that.
    waits: whether the service waits for S3 until a deadline.
    listens: whether anybody listens at S3's port.
    names: what becomes of a host's name: it is resolved, or that ``fails``, or there is ``silence``.
    """

    name: str
    treat: Treatment
    seen: Seen = Seen()
    tls: bool = False
    waits: bool = False
    listens: bool = True
    names: str = ""


class Proxy:
    """The proxy, which listens at a port of its own while its context lasts, well or with a fault."""

    def __init__(self, upstream: int, certificates: Certificates, names: Path, *, tls: bool = False) -> None:
        """Stand in front of the port `upstream`; with `tls` clients are spoken to over TLS.

        What becomes of names is written to the file `names`, which the function's process reads (function.py).
        """
        self._upstream, self._certificates, self._names, self._tls = upstream, certificates, names, tls
        self._fault: Fault | None = None
        self._stopped = threading.Event()
        self._open: set[Connection] = set()
        self._switching = threading.Lock()
        self._well: set[threading.Thread] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        # bound and deaf: a port that nobody listens at stays this proxy's
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._place.bind((HOST, 0))
        self._listen()
        self.switch(None)
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more, end what connections there are, wait for their threads."""
        self._stopped.set()
        self._refuse()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.stream.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._place.close()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http{'s' if self._tls else ''}://{HOST}:{self._place.getsockname()[1]}"

    def switch(self, fault: Fault | None) -> None:
        """Treat connections that are made from now on as `fault` does, or well; see those to their end that went well.

        A look at S3 that had begun would else find what a test stores there once the fault is on.
        """
        with self._switching:
            self._fault = fault
            well = list(self._well) if fault else []
        for thread in well:
            thread.join(SECONDS)
        self._names.write_text(fault.names if fault else "")
        listens = fault is None or fault.listens
        if not listens:
            self._refuse()
        elif self._listener is None:
            self._listen()

    def _listen(self) -> None:
        self._listener = socket.create_server(self._place.getsockname(), reuse_port=True, backlog=64)
        self._start(self._accept, self._listener)

    def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            stream.settimeout(SECONDS)
            connection = Connection(stream, self._upstream, self._certificates, self._stopped)
            self._open.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: Connection) -> None:
        with self._switching:
            fault = self._fault
            if fault is None:
                self._well.add(threading.current_thread())
        try:
            if self._tls and (fault is None or not fault.tls):
                connection.secure(self._certificates.right)
            (fault.treat if fault else answer_well)(connection)
        except (OSError, ValueError):  # the client left, perhaps within its request, as clients of such a proxy do
            pass
        finally:
            self._open.discard(connection)
            self._well.discard(threading.current_thread())
            connection.stream.close()

    def _start[What](self, run: Callable[[What], None], what: What) -> None:
        thread = threading.Thread(target=run, args=(what,), daemon=True)
        self._threads.append(thread)
        thread.start()


def answer_well(connection: Connection) -> None:
    """Answer as the server does."""
    connection.send(bytes(connection.exchange()))
