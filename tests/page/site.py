"""The service over HTTP on loopback: requests become whole events of an HTTP API."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.conftest import TESTS

EVENT = (TESTS / "events" / "predict-http-api.json").read_text()


@contextmanager
def served(handler: ModuleType, stage: str = "") -> Iterator[str]:
    """Yield the URL in front of the routes of `handler`; with a stage in front of the paths, if it has a name."""

    class Requests(BaseHTTPRequestHandler):
        def answer(self) -> None:
            size = int(self.headers.get("content-length", 0))
            event = event_of(self.command, self.path, dict(self.headers), self.rfile.read(size), stage)
            result = handler.predict(event, None)
            content = result["body"].encode()
            if result.get("isBase64Encoded"):
                content = base64.b64decode(content)
            self.send_response(result["statusCode"])
            for name, value in result["headers"].items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}" + (f"/{stage}" if stage else "")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def event_of(method: str, target: str, headers: dict[str, str], body: bytes, stage: str) -> dict[str, Any]:
    """Return the event of a request, in payload 2.0."""
    event: dict[str, Any] = json.loads(EVENT)
    url = urlsplit(target)
    event["requestContext"]["http"]["method"] = method
    event["requestContext"]["stage"] = stage or "$default"
    event |= {"rawPath": unquote(url.path), "rawQueryString": url.query}
    event |= {"queryStringParameters": dict(parse_qsl(url.query))}
    event |= {"headers": {name.lower(): value for name, value in headers.items()}}
    return event | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
