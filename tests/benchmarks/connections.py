"""Connections through the proxy that end in every way there is, in a process whose stderr is to stay empty.

`python -m tests.benchmarks.connections`; what asyncio and Python say of ends that are not clean, they say there.
"""

from __future__ import annotations

import gc
import socket
import ssl
import struct
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from benchmarks.proxy import certificate, latency

TIMES = 20
ASKED = bytes(range(256)) * 1024
ANSWERED = ASKED[::-1]
RESET = struct.pack("ii", 1, 0)
"""The option SO_LINGER of a socket whose close is a reset."""


class Upstream:
    """Reads what is asked and answers it, and then keeps a connection for as long as its client does."""

    def __init__(self) -> None:
        """Listen."""
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=TIMES)
        self.port = self.socket.getsockname()[1]
        self.whole = 0
        self._counting = threading.Lock()
        self._open: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def close(self) -> None:
        """Listen no more; return when no connection is open."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self._accepting.join(10)
        for thread in self._open:
            thread.join(10)
            assert not thread.is_alive(), "the proxy left a connection open"

    def _accept(self) -> None:
        with self.socket:
            while True:
                try:
                    connection, _ = self.socket.accept()
                except OSError:
                    return
                self._open.append(threading.Thread(target=self._answer, args=(connection,)))
                self._open[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                if _read(connection, len(ASKED)) == ASKED:
                    with self._counting:
                        self.whole += 1
                    connection.sendall(ANSWERED)
                while connection.recv(1000):
                    pass
            except OSError:
                pass


def main() -> None:
    """Open and end the connections."""
    with tempfile.TemporaryDirectory() as folder:
        tls = certificate(Path(folder, "authority.pem"))
        trusting = ssl.create_default_context(cafile=str(Path(folder, "authority.pem")))
        for server, client in ((None, None), (tls, trusting)):
            upstream = Upstream()
            with latency(upstream.port, 0.01, server) as port:
                end_in_every_way(port, client)
            assert 3 * TIMES <= upstream.whole <= 4 * TIMES, upstream.whole  # who resets at once may take it all back
            stop_while_open(upstream.port, server, client)
            upstream.close()
            gc.collect()


def end_in_every_way(port: int, tls: ssl.SSLContext | None) -> None:
    """End connections before, within and after an answer, by a close, a reset, half a close."""
    for _ in range(TIMES):
        with connect(port, tls) as client:
            client.sendall(ASKED)
            assert _read(client, len(ANSWERED)) == ANSWERED
    for read in (len(ANSWERED), 1000, 0):
        for _ in range(TIMES):
            with connect(port, tls) as client:
                client.sendall(ASKED)
                assert _read(client, read) == ANSWERED[:read]
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        gc.collect()
    for _ in range(TIMES):
        with connect(port, tls) as client:
            client.sendall(ASKED[:1000])
            client.shutdown(socket.SHUT_WR)
            with suppress(ConnectionError):  # half a TLS connection is none
                client.recv(1)
        with connect(port, None) as client:  # where TLS is expected, this is none
            client.sendall(b"-" * 1000)
        gc.collect()


def stop_while_open(upstream: int, server: ssl.SSLContext | None, tls: ssl.SSLContext | None) -> None:
    """Stop a proxy while clients wait for an answer that is late, have one, have asked nothing, or just begin."""
    for seconds, asked in ((30.0, ASKED), (0.0, ASKED), (0.0, b""), (0.0, ASKED[:1000])):
        with latency(upstream, seconds, server) as port:
            clients = [connect(port, tls) for _ in range(TIMES)]
            for client in clients:
                client.sendall(asked)
            clients += [connect(port, None) for _ in range(TIMES)]
        for client in clients:
            client.close()
        gc.collect()


def connect(port: int, tls: ssl.SSLContext | None) -> socket.socket:
    """Connect to the proxy, over TLS or not."""
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    return client if tls is None else tls.wrap_socket(client, server_hostname="127.0.0.1")


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := connection.recv(size - len(data))):
        data += more
    return data


if __name__ == "__main__":
    main()
