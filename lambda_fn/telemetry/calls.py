"""One line a call, JSON that is an entry of the log and CloudWatch's embedded metrics at once; and Server-Timing.

Its keys are those of Lambda's own JSON log format, then ours. Nothing of a feature's value, a header or a query gets
into it, unless LOG_INPUTS says so; what comes from outside is one of a few words, or of harmless characters only.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambda_fn.config import Settings
from lambda_fn.errors import described
from lambda_fn.http.call import Call
from lambda_fn.http.request import NO_ROUTE
from lambda_fn.http.senders import Sender
from lambda_fn.telemetry.kinds import COMPARE, Kind
from lambda_fn.telemetry.models import write
from lambda_fn.telemetry.trace import w3c, x_ray

if TYPE_CHECKING:
    from lambda_fn.http.request import Request, Response

log = logging.getLogger(__name__)

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
ID_CHARACTERS = 128
"""The ids of a call are made by AWS; what is longer is left out."""
LEAST_STATUS: Mapping[str, int] = {"all": 0, "errors": 400, "none": 1000}


class Calls:
    """What is told of the calls of an execution environment."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._least = LEAST_STATUS[settings.log_calls]
        self._metrics, self._timing, self._inputs = settings.metrics, settings.server_timing, settings.log_inputs
        self._environ = environ
        self._function = environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")
        self._kinds: dict[tuple[Any, ...], Kind] = {}
        self._moment = -1, ""
        self._cold = True

    def begin(self) -> Call:
        """Return the marks of a call that begins now."""
        call = Call()
        call.began = time.monotonic()
        return call

    def tell(
        self, call: Call, event: Any, context: Any, sender: Sender, request: Request | None, answer: Response, sent: Any
    ) -> None:
        """Tell of a call by the response `answer`, in which `sent` goes out; put Server-Timing to the latter."""
        try:
            call.sender, call.status = sender.word, answer.status
            if sender is Sender.DIRECT:
                call.bytes_out = _bytes_of(answer.body)
            else:
                body, packed = sent["body"], sent["isBase64Encoded"]
                call.bytes_out = len(body) // 4 * 3 - body[-2:].count("=") if packed else _bytes_of(body)
                about = event.get("requestContext")
                call.gateway_id = about.get("requestId") if isinstance(about, dict) else None
            kind, times = self._kind(call, request)
            if self._timing and sender is not Sender.DIRECT:
                if sender is Sender.BALANCER_MULTI:
                    sent["multiValueHeaders"]["server-timing"] = [kind.header % times]
                else:
                    sent["headers"]["server-timing"] = kind.header % times
            self._write(call, context, request, kind, times)
        except Exception as error:  # a call that was answered is not to fail by what is told of it
            log.error("a call is not told of: %s", described(error))

    def tell_message(self, call: Call, context: Any, request: Request | None) -> None:
        """Tell of a message of a queue."""
        try:
            self._write(call, context, request, *self._kind(call, request))
        except Exception as error:  # as above
            log.error("a message is not told of: %s", described(error))

    def _kind(self, call: Call, request: Request | None) -> tuple[Kind, tuple[str, ...]]:
        """Return of which kind a call is, and how many milliseconds each part of it took, as texts."""
        names, times = _times(call, request)
        method, route = "none", NO_ROUTE
        if request is not None:
            method, route = request.method, request.route
            if method not in METHODS:
                method = "other"
        cold, self._cold = self._cold, False
        key = (call.sender, method, route, call.status, call.code, call.dialect, cold, call.rows is not None, names)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = Kind(key, call.status >= self._least, self._metrics, self._function)
        return kind, tuple([f"{time * 1000:.3f}" for time in times])

    def _write(self, call: Call, context: Any, request: Request | None, kind: Kind, times: tuple[str, ...]) -> None:
        """Write the line, or of a call that is not to be logged its metrics alone, if those are asked for."""
        now = time.time()
        rest: tuple[Any, ...] = times if call.rows is None else (*times, call.rows)
        if kind.metrics:
            rest = *rest, int(now * 1000)
        if kind.logged:
            second = int(now)
            moment = self._moment
            if moment[0] != second:
                moment = self._moment = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            more = self._more(call, context, request)
            write(kind.line % (moment[1], int((now - second) * 1000), more, call.bytes_in, call.bytes_out, *rest))
        elif kind.metrics:
            write(kind.line % rest)

    def _more(self, call: Call, context: Any, request: Request | None) -> str:
        """Return what calls of a kind differ in, as members with a comma behind."""
        more = _ids(getattr(context, "aws_request_id", None), call)
        if call.loaded is not None:
            name, version = call.loaded.texts
            more += f'"model":{f'"{call.name}"' if call.name else name},"model_version":{version},'
        if "Sampled=1" in (text := self._environ.get("_X_AMZN_TRACE_ID", "")) and (root := x_ray(text)):
            more += f'"xray_trace_id":"{root}",'
        if request is not None and (header := request.headers.plain("traceparent")) and (trace := w3c(header)):
            more += f'"trace_id":"{trace[0]}","parent_id":"{trace[1]}",'
        if call.row is not None:
            more += f'"row":{call.row},'
        if call.column is not None:
            more += f'"column":{call.column},'
        if not self._inputs:
            return more
        from lambda_fn.telemetry.inputs import inputs  # here: few deployments ask for them

        return more + inputs(call, request)


def _times(call: Call, request: Request | None) -> tuple[tuple[str, ...], list[float]]:
    """Return the names of the parts of a call that it came to, and how many seconds each took, first of all of it.

    parse: what became of the event until its rows were there; reload: how long it waited for the storage meanwhile.
    """
    end = time.monotonic()
    since = 0.0 if request is None else request.since
    if call.scored and not since and not call.compared:  # nearly always
        parsed, scored = call.parsed, call.scored
        return SCORED, [end - call.began, parsed - call.began, scored - parsed, end - scored]
    reload = (call.found or end) - since if since else 0.0
    times = {"total": end - call.began}
    if since:
        times["reload"] = reload
    if call.found:
        times["parse"] = (call.parsed or end) - call.began - reload
    if call.parsed:
        times["score"] = (call.scored or end) - call.parsed
    if call.scored:
        times["encode"] = end - call.scored - call.compared
    if call.compared:
        times[COMPARE] = call.compared
    return tuple(times), list(times.values())


SCORED = ("total", "parse", "score", "encode")


def _ids(request_id: Any, call: Call) -> str:
    """Return the ids of a call by AWS; what is none is left out."""
    both = f"{request_id}{call.gateway_id}"
    if request_id and call.gateway_id and len(both) < ID_CHARACTERS and _is_plain(both):  # nearly always
        return f'"requestId":"{request_id}","gateway_request_id":"{call.gateway_id}",'
    ids = {"requestId": request_id, "gateway_request_id": call.gateway_id, "message_id": call.message_id}
    return "".join(
        f'"{name}":"{each}",' for name, each in ids.items() if each and len(each) < ID_CHARACTERS and _is_plain(each)
    )


def _is_plain(text: str) -> bool:
    """Whether JSON has a text as it is."""
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text


def _bytes_of(body: str | bytes) -> int:
    return len(body) if isinstance(body, bytes) or body.isascii() else len(body.encode("utf-8", "surrogatepass"))
