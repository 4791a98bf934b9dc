"""A request and a response over HTTP, whatever carries them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_fn.errors import ServiceError

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 - 16_384
"""Lambda's limit for a synchronous response, less room for the headers around the body."""
REPLACED = "\ufffd".encode()
"""What a gateway has in the place of bytes that are no text, if it passes them as such."""
PACKED_BYTES = 1400
"""Of an answer that fits into one packet nothing is gained by packing it."""
ROOM_SECONDS = 1.0
"""What is left of the function's timeout for all that is no waiting."""
NOTHING: Mapping[str, str] = {}
NO_ROUTE = "none"
"""The route of a request that none is for."""


class Headers:
    """The headers of a request, by names in lower case, whatever case they come in.

    HTTP APIs send lower case and REST APIs send Title-Case, so that two looks find them nearly always.
    """

    def __init__(self, sent: Mapping[str, str | None] = NOTHING) -> None:
        self._sent = sent

    def get(self, name: str, default: str = "") -> str:
        """Return the header `name`, which is in lower case."""
        value = self._sent.get(name)
        if value is None:
            value = self._sent.get(name.title())
        if value is None:
            value = next((value for sent, value in self._sent.items() if sent.lower() == name), None)
        return default if value is None else value

    def seldom(self, name: str) -> str | None:
        """Return the same of a header that most requests lack: names are gone through only if one may be it."""
        value = self._sent.get(name)
        return self.get(name) if value is None and name in "".join(self._sent).lower() else value


class LowerHeaders(Headers):
    """Those of payload 2.0, whose names HTTP APIs and function URLs write in lower case."""

    def seldom(self, name: str) -> str | None:
        """Return the header `name`, which is in lower case, as it came."""
        return self._sent.get(name)


HEADERS = Headers()
"""Of a request that has none."""


class Call:
    """Marks of one call, in seconds by `time.monotonic`, 0 for what has not come; set where it comes.

    began: when its event came; found: its model is there; parsed: so are its rows; scored: so are their scores.
    compared: how many seconds a candidate's answer was compared for.
    loaded, name: the model that scores, and what the path calls it; dialect: what the body is
    written in, a media type or a dialect of other servers.
    bytes_in, bytes_out: of the bodies, as they came and went over the wire.
    """

    began = found = parsed = scored = compared = 0.0
    rows: int | None = None
    loaded: Any = None
    name = dialect = message_id = ""
    gateway_id: Any = None
    bytes_in = bytes_out = 0
    status = 200
    code = detail = ""
    row: int | None = None
    column: int | None = None

    def failed(self, error: ServiceError) -> None:
        """Remember of an error what is told; not itself, which holds frames, and they the rows."""
        self.code, self.detail, self.row, self.column = error.problem.code, error.detail, error.row, error.column
        self.status = error.problem.status


class Request:
    """An HTTP request, whatever carried it: `path` decoded, and without stage and base path.

    binary: whether the body came as bytes; packed: whether it may be packed, as nobody has unpacked it yet.
    context: what Lambda gives a call beside its event; None where nobody does.
    route: its path as `routes.PATHS` or a dialect writes it, when it is found; call: the marks of what is told of it.
    since: when it first waited for the storage, by `time.monotonic`; 0 if it did not.
    answered: what is to be done once it is answered, as nothing failed until then.
    """

    __slots__ = (
        *("answered", "binary", "body", "call", "context", "headers", "method", "packed", "path", "query", "route"),
        "since",
    )

    def __init__(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = NOTHING,
        headers: Headers = HEADERS,
        body: bytes = b"",
        binary: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.binary = self.packed = binary
        self.context: Any = None
        self.call: Call | None = None
        self.route = NO_ROUTE
        self.since = 0.0
        self.answered: Callable[[], None] | None = None

    def patience(self, seconds: float) -> float:
        """Return how long the call may wait, at most so many seconds since it first asked.

        It is less where the function's timeout is near.
        """
        now = time.monotonic()
        if not self.since:
            self.since = now
        left = seconds - (now - self.since)
        remaining = getattr(self.context, "get_remaining_time_in_millis", None)
        if remaining is not None:
            left = min(left, remaining() / 1000 - ROOM_SECONDS)
        return max(0.0, left)


class Response:
    """An HTTP response: text, which is JSON unless its headers say otherwise, or bytes."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: str | bytes, headers: Mapping[str, str] = NOTHING) -> None:
        self.status = status
        self.body = body
        self.headers = headers
