"""A function behind a port of this machine: requests become events as an HTTP API makes them, answers go back."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

type Function = Callable[[Any, Any], Any]
TEXT = ("text/", "application/json", "application/javascript", "application/xml")
"""Bodies of these types come as text, all others in base64."""
HOP = frozenset({"connection", "transfer-encoding", "content-length"})


@contextmanager
def served(function: Function, stage: str = "") -> Iterator[str]:
    """Serve a function on 127.0.0.1 while the context lasts; give its URL, which has the stage behind it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            answer = function(self.event(), None)
            body = answer["body"].encode()
            if answer["isBase64Encoded"]:
                body = base64.b64decode(body)
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            if answer["statusCode"] not in {204, 304}:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = do_DELETE = do_PATCH = answer  # noqa: N815

        def event(self) -> dict[str, Any]:
            """Return the event, in payload 2.0."""
            body = self.read_body()
            parts = urlsplit(self.path)
            encoded = not self.headers.get("content-type", "").startswith(TEXT) or "content-encoding" in self.headers
            return {
                "version": "2.0",
                "rawPath": unquote(parts.path),
                "rawQueryString": parts.query,
                "queryStringParameters": dict(parse_qsl(parts.query, keep_blank_values=True)),
                "headers": {name.lower(): value for name, value in self.headers.items() if name.lower() not in HOP},
                "requestContext": {"http": {"method": self.command}, "stage": stage or "$default"},
                "body": base64.b64encode(body).decode() if encoded else body.decode(errors="replace"),
                "isBase64Encoded": encoded,
            }

        def read_body(self) -> bytes:
            if "chunked" not in self.headers.get("transfer-encoding", ""):
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{'/' + stage if stage else ''}"
        finally:
            server.shutdown()
            thread.join()
