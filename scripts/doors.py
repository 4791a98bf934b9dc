"""What an HTTP API asks of a call, on this machine: a door in front of a server, which passes on whom it lets in.

The answers to others are the gateway's: 401 for who shows nothing that is sound, 403 for who is not allowed.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import posixpath
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
from urllib.parse import unquote
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
TARGET = re.compile(r'/[!"$->@-\[\]-~]*(\?[!"$-~]*)?')
"""What is no target of a request, a backslash or a fragment, the server behind might read as another path."""
OBJECTS = re.compile(r"(^|/\.{0,2})/objects(/|$)")
"""What an unquoted path has that somebody might read as one of the objects, when dots and slashes are resolved."""
MAX_BODY_BYTES = 10_000_000
"""What an HTTP API takes."""
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its target as it was sent, its headers by names in lower case, what was sent twice with a comma."""

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
            asked: Any = {"require": ["exp"], "verify_aud": False}
            claims = jwt.decode(token, key, ALGORITHMS, issuer=issuer, options=asked)
        except jwt.PyJWTError:
            return HTTPStatus.UNAUTHORIZED
        told = claims.get("aud", claims.get("client_id"))  # the latter in access tokens of Cognito
        if not _texts([told] if isinstance(told, str) else told) & set(audience):
            return HTTPStatus.UNAUTHORIZED
        told = claims.get("scope", claims.get("scp"))
        allowed = _texts(told.split() if isinstance(told, str) else told)
        return HTTPStatus.FORBIDDEN if scopes and not allowed & set(scopes) else None

    return ask


def _texts(claim: object) -> set[str]:
    """Return the texts of a claim that is a list; none of what is not."""
    return {each for each in claim if isinstance(each, str)} if isinstance(claim, list) else set()


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
        if OBJECTS.search(unquote(path).replace("\\", "/")):
            return self.objects(call)
        if call.method == "GET" and path in PAGES:
            return self.pages(call)
        refused = self.others(call)
        if refused is None and self.pages is not self.others and posixpath.normpath(unquote(path)) in PAGES:
            return HTTPStatus.NOT_FOUND  # as the function answers what came through another door
        return refused


@contextmanager
def doors_before(doors: Doors, port: int, upstream: int) -> Iterator[int]:
    """Listen on `port` of 127.0.0.1 while the context lasts, and pass on to `upstream` whom the doors let in.

    Yields the port, which is any that is free where `port` is 0.
    """

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = TIMEOUT_SECONDS

        def answer(self) -> None:
            call = self._call()
            if call is None:
                self.close_connection = True
                return self._refuse(HTTPStatus.BAD_REQUEST)
            refused = doors.refuse(call)
            if refused is not None:
                return self._refuse(refused)
            try:
                self._send(*_passed(call, upstream))
            except (OSError, http.client.HTTPException) as error:
                self._refuse(HTTPStatus.BAD_GATEWAY, f"the service does not answer: {error}")

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Write nothing: the service logs."""

        def _call(self) -> Call | None:
            """Read a call; return None where others might read another one."""
            headers: dict[str, str] = {}
            for name, value in self.headers.items():
                known = headers.get(name.lower())
                headers[name.lower()] = value if known is None else f"{known},{value}"
            length = headers.get("content-length", "0")
            if "transfer-encoding" in headers or not TARGET.fullmatch(self.path):
                return None
            if not re.fullmatch("[0-9]{1,8}", length) or int(length) > MAX_BODY_BYTES:
                return None
            body = self.rfile.read(int(length))
            return Call(self.command, self.path, headers, body) if len(body) == int(length) else None

        def _refuse(self, status: HTTPStatus, words: str = "") -> None:
            told = json.dumps({"message": words or status.phrase}).encode()
            self._send(status, {"content-type": "application/json", "content-length": str(len(told))}, told)

        def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("connection", "close")
            self.end_headers()
            if self.command != "HEAD":
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
        dropped = OF_CONNECTIONS | {"content-length"}  # which is told anew of what was read
        headers = {name: value for name, value in call.headers.items() if name not in dropped}
        connection.request(call.method, call.target, call.body or None, headers)
        answer = connection.getresponse()
        dropped = OF_CONNECTIONS | {"server", "date"}
        kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in dropped}
        body = answer.read()
        if body or call.method != "HEAD":
            kept["content-length"] = str(len(body))
        return answer.status, kept, body
    finally:
        connection.close()
