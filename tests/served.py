"""A function as a server of this machine: requests become events as an HTTP API makes them, answers go back."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, make_server

type Function = Callable[[Any, Any], Any]
type App = Callable[[dict[str, Any], Callable[..., Any]], list[bytes]]

TEXT = ("text/", "application/json", "application/javascript", "application/xml")
"""How the types begin of bodies that come as text; all others come in base64."""


def application(function: Function, stage: str = "$default") -> App:
    """Return an entry point as a WSGI application, on a stage of an HTTP API."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        found = function(_event(environ, stage), None)
        content = base64.b64decode(found["body"]) if found["isBase64Encoded"] else found["body"].encode()
        status = HTTPStatus(found["statusCode"])
        headers = dict(found["headers"])
        if status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            headers["content-length"] = str(len(content))
        start_response(f"{status} {status.phrase}", list(headers.items()))
        return [content]

    return answer


@contextmanager
def serving(app: App) -> Iterator[str]:
    """Serve `app` on 127.0.0.1 while the context lasts; give its URL."""
    with make_server("127.0.0.1", 0, app, handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served(function: Function, stage: str = "") -> Iterator[str]:
    """Serve an entry point while the context lasts; give its URL, which has the stage behind it."""
    with serving(application(function, stage or "$default")) as url:
        yield f"{url}/{stage}" if stage else url


class _Silent(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        """Return what is known of a request; what is not said of its type is not made up."""
        return {**super().get_environ(), "CONTENT_TYPE": self.headers.get("content-type", "")}

    def log_message(self, *_: Any) -> None:
        pass


def _event(environ: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Return the event, in payload 2.0."""
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    headers |= {"content-type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
    query: dict[str, str] = {}
    for name, text in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True):
        query[name] = f"{query[name]},{text}" if name in query else text  # as an HTTP API joins them
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    text = headers.get("content-type", "").startswith(TEXT)
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": environ.get("QUERY_STRING", ""),
        "headers": headers,
        "queryStringParameters": query,
        "requestContext": {"http": {"method": environ["REQUEST_METHOD"], "path": path}, "stage": stage},
        "body": body.decode(errors="replace") if text else base64.b64encode(body).decode(),
        "isBase64Encoded": not text,
    }
