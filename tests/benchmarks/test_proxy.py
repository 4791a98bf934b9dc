"""The proxy delays, and changes nothing."""

import http.client
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import proxy
from benchmarks.proxy import certificate, latency
from tests.conftest import TESTS

BODY = bytes(range(256)) * 4096


class Echo(BaseHTTPRequestHandler):
    """Answers a POST with its body, in two pieces, and with what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(418, "Short and stout")
        self.send_header("x-asked", f"{self.path} {self.headers['x-signature']} {self.headers['host']}")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1000])
        self.wfile.flush()
        self.wfile.write(body[1000:])

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def upstream() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_status_headers_and_bytes_pass(upstream: int) -> None:
    with latency(upstream, 0) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for path in ("/bucket/key?versionId=1", "/again"):  # twice on one connection
            connection.request("POST", path, BODY, {"x-signature": "abc"})
            response = connection.getresponse()
            assert (response.status, response.reason) == (418, "Short and stout")
            assert response.headers["x-asked"] == f"{path} abc 127.0.0.1:{port}"
            assert response.read() == BODY
        connection.close()


def test_it_speaks_tls(upstream: int, tmp_path: Path) -> None:
    with latency(upstream, 0, certificate(tmp_path / "authority.pem")) as port:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=trusting)
        connection.request("POST", "/bucket", BODY, {"x-signature": "abc"})
        assert connection.getresponse().read() == BODY
        connection.close()


def test_every_answer_is_delayed(upstream: int) -> None:
    with latency(upstream, 0.05) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(2):
            start = time.monotonic()
            connection.request("POST", "/", BODY, {"x-signature": "abc"})
            assert connection.getresponse().read() == BODY
            assert time.monotonic() - start >= 0.05
        connection.close()


def test_it_stops_while_a_connection_is_open(upstream: int) -> None:
    with latency(upstream, 30) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/", b"-", {"x-signature": "abc"})
    with pytest.raises(ConnectionError):
        connection.getresponse()
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=10).connect()


def test_a_server_that_is_not_there(upstream: int) -> None:
    with latency(1, 0) as port, pytest.raises(ConnectionError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=10).request("POST", "/", b"-" * 10_000_000)


def test_it_says_nothing_however_connections_end() -> None:
    command = [sys.executable, "-W", "default::ResourceWarning", "-m", "tests.benchmarks.connections"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)


def test_half_a_close_still_gets_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "QUIET_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server, latency(server.getsockname()[1], 0.5) as port:
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection, _ = server.accept()
        client.sendall(b"asked")
        client.shutdown(socket.SHUT_WR)
        with client, connection:
            assert (connection.recv(10), connection.recv(10)) == (b"asked", b"")
            connection.sendall(BODY)
            with client.makefile("rb") as answer:
                assert answer.read() == BODY  # to its end, although the server keeps the connection


def test_a_client_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "QUIET_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server, latency(server.getsockname()[1], 0) as port:
        before = len(os.listdir("/proc/self/fd"))
        with socket.create_connection(("127.0.0.1", port)):
            connection, _ = server.accept()
        with connection:  # as the emulator has it, which keeps what its client has ended
            deadline = time.monotonic() + 10
            while len(os.listdir("/proc/self/fd")) > before + 1 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert len(os.listdir("/proc/self/fd")) <= before + 1
