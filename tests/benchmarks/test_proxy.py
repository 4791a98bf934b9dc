"""The proxy delays, and changes nothing."""

import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.proxy import certificate, latency

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
