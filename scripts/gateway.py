"""A client of the deployed HTTP API: plain or SigV4-signed requests through the gateway on loopback."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TIMEOUT_SECONDS = 60.0
ROOT = Credentials("test", "test")
"""Whom the emulator takes for the account's root user."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers in lower case, the bytes of the body, and the seconds that it took."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    @property
    def body(self) -> str:
        """The body as text."""
        return self.content.decode()

    def json(self) -> Any:
        """Return the body as a JSON document."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Gateway:
    """The HTTP API `api_id` of the emulator on `port`."""

    api_id: str
    port: int

    @property
    def host(self) -> str:
        """The name that the emulator tells its APIs apart by; curl takes it to 127.0.0.1 by itself."""
        return f"{self.api_id}.execute-api.localhost:{self.port}"

    @property
    def url(self) -> str:
        """The base of every route."""
        return f"http://{self.host}"

    def call(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        signed: bool = False,
        credentials: Credentials = ROOT,
    ) -> Answer:
        """Send a request, `signed` with the `credentials` or not, and return its answer, whatever its status."""
        sent = {"Host": self.host, **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if signed:
            sent = self._sign(method, path, body, sent, credentials)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        start = time.perf_counter()
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, received, content, time.perf_counter() - start)

    def _sign(
        self, method: str, path: str, body: str | bytes | None, headers: dict[str, str], credentials: Credentials
    ) -> dict[str, str]:
        request = AWSRequest(method, self.url + path, headers, body)
        SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
        return dict(request.headers.items())
