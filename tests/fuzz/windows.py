"""What is told beside answers: lines on stdout, Server-Timing, rows that are captured; nothing of what callers sent."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from lambda_fn.calls import ID_CHARACTERS, LEAST_STATUS, METHODS
from lambda_fn.capture.capture import CALL_ROWS
from lambda_fn.config import Settings
from lambda_fn.dialects.dialect import all_of_them
from lambda_fn.http.request import NO_ROUTE
from lambda_fn.http.routes import PATHS
from lambda_fn.http.senders import Sender
from lambda_fn.telemetry.models import DIMENSION
from tests.fuzz.answers import CODES, no_number
from tests.fuzz.finds import FindError
from tests.fuzz.values import MARK

type Line = dict[str, Any]
type Check = Callable[[Any], Any]

REQUEST_ID = "8f507cfc-1c2b-4697-b07a-ac58fc914c95"
IDS = ("gateway_request_id", "message_id", "trace_id", "parent_id")
"""Ids are told as they come, if they are harmless: AWS makes them, and whoever traces."""
MOST_BYTES, MOST_BYTES_WITH_INPUTS = 2500, 60_000
"""What a line may have: each byte of a body takes six at the most, as ``\\u0000``."""
KEY = re.compile(r"captured/model=(iris|people|patients|model)/date=\d{4}-\d\d-\d\d/\d{6}-[0-9a-f]{16}\.jsonl")
PARTS = ("total", "reload", "parse", "score", "encode", "compare")
ROUTES = {NO_ROUTE, *PATHS, *(path for each in all_of_them() for _, path in each.ROUTES)}


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 10**7


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value) <= ID_CHARACTERS


def _is_time(value: Any) -> bool:
    return type(value) is float and 0 <= value < 10**6


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


CALL: Mapping[str, Check] = {
    "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").fullmatch,
    "level": {"INFO", "WARN", "ERROR"}.__contains__,
    "message": _is_text,
    "method": {*METHODS, "other", "none"}.__contains__,
    "route": ROUTES.__contains__,
    "status": range(200, 600).__contains__,
    "sender": {*(each.word for each in Sender), "sqs"}.__contains__,
    "dialect": {"json", "csv", "npy", "open_inference", "tensorflow_serving", "mlflow"}.__contains__,
    "requestId": REQUEST_ID.__eq__,
    "cold": _is_bool,
    "Function": "local".__eq__,
    "_aws": lambda told: told.keys() == {"Timestamp", "CloudWatchMetrics"},
    **dict.fromkeys(("code", "Code"), CODES.__contains__),
    **dict.fromkeys(("model", "model_version", *IDS), _is_id),
    "trace_id": re.compile("[0-9a-f]{32}").fullmatch,
    "parent_id": re.compile("[0-9a-f]{16}").fullmatch,
    **dict.fromkeys(
        ("bytes_in", "bytes_out", "rows", "row", "column", "calls", "cold_starts", "errors", "faults"), _is_count
    ),
    **{f"{part}_ms": _is_time for part in PARTS},
}
"""What a call's line may have, and what each of it is."""
INPUTS: Mapping[str, Check] = {
    **dict.fromkeys(("detail", "body", "body_base64"), _is_text),
    "body_cut": _is_bool,
}
CAPTURED = {"time", "requestId", "rows", "row", "model", "version", "sha256", "features", "prediction"}
CAPTURED_SELDOM = {"candidate", "unknown", "probabilities"}


class Context:
    """What Lambda gives a call beside its event."""

    aws_request_id = REQUEST_ID


class Log:
    """Stands at stdout, with a file behind it, to which the lines of calls are written past the stream."""

    def __init__(self) -> None:
        self._file = os.memfd_create("log")
        self._stream = io.TextIOWrapper(io.FileIO(self._file, "wb"), "utf-8", write_through=True)

    @contextmanager
    def at_stdout(self) -> Iterator[None]:
        """Take what is written to stdout."""
        os.lseek(self._file, 0, os.SEEK_SET)
        with redirect_stdout(self._stream):
            yield

    def taken(self) -> bytes:
        """Return what was written."""
        return os.pread(self._file, os.lseek(self._file, 0, os.SEEK_CUR), 0)


def calls_in(log: bytes, settings: Settings) -> list[Line]:
    """Return the lines that tell of calls; raise FindError if any line is not what it is to be."""
    if log and not log.endswith(b"\n"):
        raise FindError("a line of the log without an end", repr(log[-500:]))
    found = []
    for text in log.splitlines():
        line = _object(text, "a line of the log")
        if "total_ms" in line:
            _check_call(line, settings)
            found.append(line)
        elif DIMENSION not in line and "answer" not in line:
            raise FindError("a line of the log that is nobody's", repr(text[:500]))
        if not settings.log_inputs:
            check_secret(text.decode(), [line[name] for name in IDS if name in line])
        if len(text) > (MOST_BYTES_WITH_INPUTS if settings.log_inputs or "answer" in line else MOST_BYTES):
            raise FindError("a long line of the log", f"{len(text)} bytes: {text[:1000]!r}")
    return found


def check_secret(text: str, ids: Iterable[str] = ()) -> None:
    """Raise FindError if something that a caller sent is in a text, but in ids."""
    if MARK in text:
        for each in ids:
            text = text.replace(each, "")
        if MARK in text:
            raise FindError("the log has what was sent", text[:1500])


def check_told(sender: Sender, event: Any, answer: Any, lines: Sequence[Line], settings: Settings) -> None:
    """Raise FindError if what is told of an event is not what was answered."""
    if sender is Sender.NO_REQUEST:
        scored = 0 if answer is None else len(event["Records"]) - len(answer["batchItemFailures"])
        if settings.log_calls == "all" and sum("code" not in line for line in lines) != scored:
            raise FindError("messages are told of otherwise than answered", f"{answer}\n{lines}")
        return
    direct = sender is Sender.DIRECT
    status = answer.get("status", 200) if direct else answer["statusCode"]
    if len(lines) != (settings.metrics or status >= LEAST_STATUS[settings.log_calls]):
        raise FindError(f"{len(lines)} lines of a call", f"{status}\n{lines}")
    if any(line.get("status", status) != status for line in lines):
        raise FindError("another status is told than answered", f"{status}\n{lines}")
    if not direct:
        _check_timing(answer, lines, settings.server_timing)


def check_door(event: Any, content: bytes) -> None:
    """Raise FindError if a page with a door of its own was answered to who came to an HTTP API by another route."""
    if content[:15].lower() == b"<!doctype html>" or content.startswith(b'{"openapi"'):
        route = event.get("routeKey")
        if route not in (None, "GET /docs", "GET /openapi.json") and ".lambda-url." not in json.dumps(event):
            raise FindError("a page past its door", repr(event)[:1500])


def check_captured(stored: Iterable[tuple[str, bytes]], lines: Iterable[Line]) -> None:
    """Raise FindError if what was stored is not the first rows of the calls that were answered, as lines of JSON."""
    expected = sum(min(line["rows"], CALL_ROWS) for line in lines if "encode_ms" in line and "code" not in line)
    found = 0
    for key, body in stored:
        if not KEY.fullmatch(key) or not body.endswith(b"\n"):
            raise FindError("captured under a name that is none, or without an end", f"{key}: {body[-300:]!r}")
        for text in body.splitlines():
            line, found = _object(text, "a captured line"), found + 1
            names = line.keys() - CAPTURED_SELDOM
            if names != CAPTURED or line["requestId"] != REQUEST_ID or not line["row"] < line["rows"]:
                raise FindError("a captured line of another form", repr(text[:1000]))
    if found != expected:
        raise FindError("captured is something else than was answered", f"{found} rows, expected {expected}")


def _check_call(line: Line, settings: Settings) -> None:
    for name, value in line.items():
        check = CALL.get(name) or (INPUTS.get(name) if settings.log_inputs else None)
        if check is None or not check(value):
            raise FindError(f"a line with a wrong {name if name in CALL else 'member'}", repr(line)[:1500])
    code = line.get("code", line.get("Code"))
    status = line.get("status", 200 if code is None else CODES[code].status)
    if (status >= 400) != (code is not None) or (code is not None and CODES[code].status != status):
        raise FindError("a line whose code is not its status'", repr(line)[:1500])
    if status >= 500 and code != "not-configured":
        raise FindError(f"a line of {code}", repr(line)[:1500])
    if "status" in line and line["message"] != f"{line['method']} {line['route']} {status}":
        raise FindError("a line with another message", repr(line)[:1500])
    if sum(line.get(f"{part}_ms", 0.0) for part in PARTS[1:]) > line["total_ms"] + 0.01:
        raise FindError("parts that take longer than all", repr(line)[:1500])
    directives = line["_aws"]["CloudWatchMetrics"] if settings.metrics else []
    named = {each["Name"] for directive in directives for each in directive["Metrics"]}
    if not {"Function", *named} <= line.keys() and settings.metrics:
        raise FindError("a metric that is not there", repr(line)[:1500])


def _check_timing(answer: Any, lines: Sequence[Line], asked: bool) -> None:
    headers = answer.get("multiValueHeaders") or answer["headers"]
    found = headers.get("server-timing")
    if (found is not None) != asked:
        raise FindError("Server-Timing where it is not asked for, or none", repr(found))
    if found is None:
        return
    times = dict(each.split(";dur=") for each in (found if isinstance(found, str) else found[0]).split(", "))
    if list(times) != [each for each in PARTS if each in times]:
        raise FindError("Server-Timing of another form", found)
    for line in lines:
        if {name: float(each) for name, each in times.items()} != {
            each: line[f"{each}_ms"] for each in PARTS if f"{each}_ms" in line
        }:
            raise FindError("Server-Timing of other times than the line", f"{found}\n{line}")


def _object(text: bytes, what: str) -> Line:
    try:
        found = STRICT.decode(text.decode("ascii"))
    except ValueError as error:
        raise FindError(f"{what} that is no JSON", f"{error}\n{text[:1500]!r}") from error
    if not isinstance(found, dict):
        raise FindError(f"{what} that is no object", repr(text[:1500]))
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raise ValueError if it has a member twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is there twice")
    return found


STRICT = json.JSONDecoder(parse_constant=no_number, object_pairs_hook=_once)
