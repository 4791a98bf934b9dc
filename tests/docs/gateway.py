"""An HTTP server in front of the function: requests become events of payload 2.0, as API Gateway makes them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.conftest import TESTS

TEXT = ("application/json", "text/")
"""How the media types begin whose bodies a gateway does not encode."""


@contextlib.contextmanager
def serve(model: Path) -> Iterator[str]:
    """Serve a model file, by `python -m lambda_fn`; yield the URL."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    function = subprocess.Popen(
        [sys.executable, "-m", "lambda_fn"],
        cwd=TESTS.parent,
        env=environ | {"MODEL_URI": model.resolve().as_uri()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(function))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        function.communicate()


def _handler_of(function: subprocess.Popen[str]) -> type[BaseHTTPRequestHandler]:
    """Return what turns requests into events for the process, one at a time."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            with turn:
                assert function.stdin is not None
                assert function.stdout is not None
                print(json.dumps(self.event()), file=function.stdin, flush=True)
                result = json.loads(function.stdout.readline())
            body = base64.b64decode(result["body"]) if result["isBase64Encoded"] else result["body"].encode()
            self.send_response(result["statusCode"])
            for name, value in result["headers"].items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names are http.server's

        def event(self) -> dict[str, Any]:
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            is_text = headers.get("content-type", "").startswith(TEXT)
            return {
                "version": "2.0",
                "rawPath": path,
                "rawQueryString": query,
                "headers": headers,
                "queryStringParameters": dict(parse_qsl(query)),
                "requestContext": {"http": {"method": self.command, "path": path}, "stage": "$default"},
                "body": body.decode() if is_text else base64.b64encode(body).decode(),
                "isBase64Encoded": not is_text,
            }

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
            """Print nothing."""

    return Handler
