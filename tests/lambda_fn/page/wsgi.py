"""The handler as an application that takes HTTP requests: each becomes the event that an HTTP API makes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, make_server

from benchmarks.load.events import Sent, answered, event_of

type App = Callable[[dict[str, Any], Callable[..., Any]], list[bytes]]

SENDER = "http-api"


def application(handler: ModuleType) -> App:
    """Return the entry point `predict` as a WSGI application."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        status, headers, body = answered(handler.predict(event_of(_sent(environ), SENDER), None), SENDER)
        content = body if isinstance(body, bytes) else body.encode()
        start_response(
            f"{status} {HTTPStatus(status).phrase}", [*headers.items(), ("content-length", str(len(content)))]
        )
        return [content]

    return answer


@contextmanager
def serving(app: App) -> Iterator[str]:
    """Serve `app` while the context lasts, and return the URL it has."""
    with make_server("127.0.0.1", 0, app, handler_class=_Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def _sent(environ: dict[str, Any]) -> Sent:
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    headers |= {"content-type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
    query: dict[str, str] = {}
    for name, text in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True):
        query[name] = f"{query[name]},{text}" if name in query else text  # as an HTTP API joins them
    return Sent(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
        headers=headers,
        query=query,
    )
