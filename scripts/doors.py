"""What an HTTP API asks of a call, on this machine: a door in front of a server, which passes on whom it lets in.

The answers to others are the gateway's: 401 for who shows nothing that is sound, 403 for who is not allowed.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.request import urlopen

import jwt
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SERVICE = "execute-api"
SKEW_SECONDS = 300.0
"""How far the clock of who signs may be off."""
SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[\w-]+)/(?P<service>[\w-]+)/aws4_request"
    r", ?SignedHeaders=(?P<headers>[\w;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
ALGORITHMS = ["RS256", "RS384", "RS512"]
OF_CONNECTIONS = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"})
PAGES = frozenset({"/docs", "/openapi.json"})
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its target as it was sent, its headers by names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


type Door = Callable[[Call], HTTPStatus | None]
"""Returns what a call is refused with; None if it is let in."""


def open_door(call: Call) -> HTTPStatus | None:
    """Let anybody in."""
    return None


def key_door(key: str) -> Door:
    """Return the door that whoever has the key opens."""

    def ask(call: Call) -> HTTPStatus | None:
        shown = call.headers.get("x-api-key")
        if not shown:
            return HTTPStatus.UNAUTHORIZED
        return None if hmac.compare_digest(shown.encode(), key.encode()) else HTTPStatus.FORBIDDEN

    return ask


def token_door(issuer: str, audience: list[str], scopes: list[str]) -> Door:
    """Return the door that a token opens: of an issuer, for an audience, with one of the scopes if there are any."""
    with urlopen(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        keys = jwt.PyJWKClient(json.load(answer)["jwks_uri"])

    def ask(call: Call) -> HTTPStatus | None:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            key = keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, ALGORITHMS, audience=audience, issuer=issuer)
        except jwt.PyJWTError:
            return HTTPStatus.UNAUTHORIZED
        told = claims.get("scope", claims.get("scp", ""))
        allowed = set(told.split() if isinstance(told, str) else told)
        return HTTPStatus.FORBIDDEN if scopes and not allowed & set(scopes) else None

    return ask


def signature_door(credentials: Credentials) -> Door:
    """Return the door that a request opens that is signed with the credentials."""

    def ask(call: Call) -> HTTPStatus | None:
        return None if is_signed(call, credentials, time.time()) else HTTPStatus.FORBIDDEN

    return ask


def is_signed(call: Call, credentials: Credentials, now: float) -> bool:
    """Whether a call has a signature (version 4) of its method, target, host and body, made at about `now`."""
    told = SIGNED.fullmatch(call.headers.get("authorization", ""))
    moment = call.headers.get("x-amz-date", "")
    if told is None or (told["key"], told["service"]) != (credentials.access_key, SERVICE):
        return False
    with suppress(ValueError):
        signed_at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        names = told["headers"].split(";")
        digest = call.headers.get("x-amz-content-sha256")
        if (
            abs(now - signed_at) > SKEW_SECONDS
            or moment[:8] != told["date"]
            or "host" not in names
            or digest not in (None, hashlib.sha256(call.body).hexdigest())
        ):
            return False
        headers = {name: call.headers.get(name, "") for name in names}
        request = AWSRequest(call.method, f"http://{call.headers.get('host')}{call.target}", headers, call.body)
        request.context["timestamp"] = moment
        signer = SigV4Auth(credentials, SERVICE, told["region"])
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return hmac.compare_digest(signer.signature(text, request), told["signature"])
    return False


@dataclass(frozen=True, slots=True)
class Doors:
    """Which door a call comes to: that of the pages, of the objects, or of all else; a browser's question has none."""

    others: Door
    pages: Door
    objects: Door

    def refuse(self, call: Call) -> HTTPStatus | None:
        """Return what a call is refused with; None if it is let in."""
        path = call.target.partition("?")[0]
        if call.method == "OPTIONS":
            return None
        if path.startswith("/objects/"):
            return self.objects(call)
        return (self.pages if call.method == "GET" and path in PAGES else self.others)(call)


@contextmanager
def doors_before(doors: Doors, port: int, upstream: int) -> Iterator[int]:
    """Listen on `port` of 127.0.0.1 while the context lasts, and pass on to `upstream` whom the doors let in.

    Yields the port, which is any that is free where `port` is 0.
    """

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, body)
            refused = doors.refuse(call)
            if refused is not None:
                told = json.dumps({"message": refused.phrase}).encode()
                self._send(refused, {"content-type": "application/json"}, told)
                return
            try:
                self._send(*_passed(call, upstream))
            except OSError as error:
                told = json.dumps({"message": f"the service does not answer: {error}"}).encode()
                self._send(HTTPStatus.BAD_GATEWAY, {"content-type": "application/json"}, told)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Write nothing: the service logs."""

        def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", port), Passing) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _passed(call: Call, upstream: int) -> tuple[int, dict[str, str], bytes]:
    """Return what the server answers: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=TIMEOUT_SECONDS)
    try:
        headers = {name: value for name, value in call.headers.items() if name not in OF_CONNECTIONS}
        connection.request(call.method, call.target, call.body or None, headers)
        answer = connection.getresponse()
        dropped = OF_CONNECTIONS | {"content-length", "server", "date"}
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
        return answer.status, kept, answer.read()
    finally:
        connection.close()
