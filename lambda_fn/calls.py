"""One line a call, JSON that is an entry of the log and CloudWatch's embedded metrics at once; and Server-Timing.

Its keys are those of Lambda's own JSON log format, then ours. Nothing of a feature's value, a header or a query gets
into it, unless LOG_INPUTS says so; what comes from outside is one of a few words, or of harmless characters only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted
from time import gmtime, monotonic, strftime, time
from typing import TYPE_CHECKING, Any

from lambda_fn.config import NAMESPACE
from lambda_fn.errors import described
from lambda_fn.http.request import NO_ROUTE, Call
from lambda_fn.http.senders import Sender

if TYPE_CHECKING:
    from lambda_fn.config import Settings
    from lambda_fn.http.request import Request, Response

    type Key = tuple[str, str, str, int, str, str, bool, bool, tuple[str, ...]]
    """Sender, method, route, status, code, dialect, whether it is the first, whether there are rows, and the names of
    its times.
    """
    type Kind = tuple[str, str, str, str]
    """Server-Timing, `%` the times; members of the line, `%` the times, too; members that calls of a kind share; and
    those of the metrics, up to the milliseconds since 1970, which end them.
    """

LEVELS = {4: "WARN", 5: "ERROR"}
COMPARE = "compare"
"""The part of a call that is no metric: few deployments have a candidate."""
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
ID_CHARACTERS = 128
"""The ids of a call are made by AWS; what is longer is left out."""
ENVIRON: Mapping[bytes, bytes] = getattr(os.environb, "_data", os.environb)
"""What is behind `os.environ`, which Lambda changes before each call; a look through the latter takes 1 µs more."""
KEPT_MICROSECONDS = 1000
"""Texts of so many times are kept."""
SCORED = ("total", "parse", "score", "encode")
LEAST_STATUS: Mapping[str, int] = {"all": 0, "errors": 400, "none": 1000}
FILES: dict[Any, int] = {}
"""The number of the file behind what stands at stdout, -1 if there is none."""


def write(line: str) -> None:
    """Write a line of the log at once, as other threads write, too; that the log takes none is no reason to fail.

    It goes straight to the file behind stdout, if there is one, 2 µs sooner.
    """
    try:
        file = FILES.get(sys.stdout)
        if file is None:
            FILES.clear()
            file = FILES[sys.stdout] = _file_of(sys.stdout)
        if file < 0:
            sys.stdout.write(line)
            sys.stdout.flush()
            return
        data = line.encode()
        written = os.write(file, data)
        while written < len(data):
            written += os.write(file, data[written:])
    except Exception:  # stdout may be closed, full, or whatever else stands there
        return


def _file_of(stdout: Any) -> int:
    """Return the number of the file that a stream writes to, -1 if it has none; what it holds back goes in front."""
    try:
        stdout.flush()
        return int(stdout.fileno())
    except Exception:  # as above
        return -1


def _kind(key: Key, function: str, metrics: bool) -> Kind:
    """Return what calls have in common that differ in their ids, times and sizes alone."""
    sender, method, route, status, code, dialect, cold, rows, names = key
    common = f'"level":"{LEVELS.get(status // 100, "INFO")}","message":"{method} {route} {status}",'
    common += f'"method":"{method}","route":"{route}","status":{status},'
    if code:
        common += f'"code":"{code}",'
    common += f'"sender":"{sender}",'
    if dialect:
        common += f'"dialect":"{dialect.rpartition("/")[2].removeprefix("x-")}",'
    common += f'"cold":{"true" if cold else "false"},'
    header = ", ".join([f"{name};dur=%s" for name in names])
    parts = ",".join([f'"{name}_ms":%s' for name in names])
    return header, parts, common, _metrics(status, code, cold, rows, names, function) if metrics else ""


def _metrics(status: int, code: str, cold: bool, rows: bool, names: tuple[str, ...], function: str) -> str:
    """Return the counts as members, and the directive of CloudWatch's embedded metric format but for its time."""
    counts, values = ["calls"], '"calls":1,'
    if cold:
        counts, values = [*counts, "cold_starts"], f'{values}"cold_starts":1,'
    if status >= 500:
        counts, values = [*counts, "faults"], f'{values}"faults":1,'
    values += f'"Function":{function}'
    if rows:
        counts.append("rows")
    told = ",".join(
        [f'{{"Name":"{name}","Unit":"Count"}}' for name in counts]
        + [f'{{"Name":"{name}_ms","Unit":"Milliseconds"}}' for name in names if name != COMPARE]
    )
    told = f'{{"Namespace":"{NAMESPACE}","Dimensions":[["Function"]],"Metrics":[{told}]}}'
    if code:
        values += f',"errors":1,"Code":"{code}"'
        told += f',{{"Namespace":"{NAMESPACE}","Dimensions":[["Function"],["Function","Code"]],'
        told += '"Metrics":[{"Name":"errors","Unit":"Count"}]}'
    return f',{values},"_aws":{{"CloudWatchMetrics":[{told}],"Timestamp":'


class Texts(dict[int, str]):
    """Microseconds as texts of milliseconds; what comes often is kept, for to write numbers takes long."""

    def __missing__(self, microseconds: int) -> str:
        """Return the text of a time that is not kept yet."""
        text = f"{microseconds / 1000:.3f}"
        if microseconds < KEPT_MICROSECONDS:
            self[microseconds] = text
        return text


class Calls:
    """What is told of the calls of an execution environment."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._least = LEAST_STATUS[settings.log_calls]
        self._metrics, self._timing, self._inputs = settings.metrics, settings.server_timing, settings.log_inputs
        self._function = quoted(environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"))
        self._kinds: dict[Key, Kind] = {}
        self._texts = Texts()
        self._moment = "", ""
        self._cold = True

    def begin(self) -> Call:
        """Return the marks of a call that begins now."""
        call = Call()
        call.began = monotonic()
        return call

    def tell(
        self, call: Call, event: Any, context: Any, sender: Sender, request: Request | None, answer: Response, sent: Any
    ) -> None:
        """Tell of a call by the response `answer`, in which `sent` goes out; put Server-Timing to the latter."""
        try:
            body, about = answer.body, None
            if sender is not Sender.DIRECT:
                body, about = sent["body"], event.get("requestContext")
            call.status = answer.status
            if about.__class__ is dict:
                call.gateway_id = about.get("requestId")
            if body.__class__ is str and body.isascii():
                call.bytes_out = len(body)
                if sender is not Sender.DIRECT and sent["isBase64Encoded"]:
                    call.bytes_out = len(body) // 4 * 3 - body[-2:].count("=")
            else:
                call.bytes_out = len(body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"))
            header, times = self._line(call, context, sender.word, request)
            if self._timing and sender is not Sender.DIRECT:
                header = header % times
                if sender is Sender.BALANCER_MULTI:
                    sent["multiValueHeaders"]["server-timing"] = [header]
                else:
                    sent["headers"]["server-timing"] = header
        except Exception as error:  # a call that was answered is not to fail by what is told of it
            _is_not_told("call", error)

    def tell_message(self, call: Call, context: Any, request: Request | None) -> None:
        """Tell of a message of a queue."""
        try:
            self._line(call, context, "sqs", request)
        except Exception as error:  # as above
            _is_not_told("message", error)

    def _line(self, call: Call, context: Any, sender: str, request: Request | None) -> tuple[str, tuple[str, ...]]:
        """Write the line of a call; return Server-Timing, and the milliseconds for the `%` in it, as texts.

        In one piece, for it is part of each call: functions of its own would take 3 µs more.
        """
        end, now = monotonic(), str(int(time() * 1000))
        names: tuple[str, ...]
        times: tuple[str, ...]
        texts = self._texts
        if call.scored and not call.compared and request is not None and not request.since:  # nearly always
            names, parsed, scored, began = SCORED, call.parsed, call.scored, call.began
            times = (
                texts[int((end - began) * 1e6)],
                texts[int((parsed - began) * 1e6)],
                texts[int((scored - parsed) * 1e6)],
                texts[int((end - scored) * 1e6)],
            )
        else:
            names, seconds = _times(call, request, end)
            times = tuple([texts[int(each * 1e6)] for each in seconds])
        method, route, rows, cold = "none", NO_ROUTE, call.rows, self._cold
        if request is not None:
            method, route = request.method, request.route
            if method not in METHODS:
                method = "other"
        self._cold = False
        key = (sender, method, route, call.status, call.code, call.dialect, cold, rows is not None, names)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = _kind(key, self._function, self._metrics)
        header, parts, common, metrics = kind
        told = parts % times
        if rows is not None:
            told = f'{told},"rows":{rows}'
        if self._metrics:
            told = f"{told}{metrics}{now}}}"
        if call.status >= self._least:
            second, moment = now[:-3], self._moment
            if moment[0] != second:
                moment = self._moment = second, strftime("%Y-%m-%dT%H:%M:%S", gmtime(int(second)))
            more = self._more(call, context, request)
            write(
                f'{{"timestamp":"{moment[1]}.{now[-3:]}Z",{common}{more}'
                f'"bytes_in":{call.bytes_in},"bytes_out":{call.bytes_out},{told}}}\n'
            )
        elif self._metrics:
            write(f"{{{told}}}\n")
        return header, times

    def _more(self, call: Call, context: Any, request: Request | None) -> str:
        """Return what calls of a kind differ in, as members with a comma behind."""
        request_id, gateway_id = getattr(context, "aws_request_id", None), call.gateway_id
        if request_id and gateway_id and _is_plain(f"{request_id}{gateway_id}"):  # nearly always
            more = f'"requestId":"{request_id}","gateway_request_id":"{gateway_id}",'
        else:
            known = {"requestId": request_id, "gateway_request_id": gateway_id, "message_id": call.message_id}
            more = "".join([f'"{name}":"{each}",' for name, each in known.items() if each and _is_plain(str(each))])
        if call.loaded is not None:
            name, version = call.loaded.texts
            more += f'"model":"{call.name}",{version}' if call.name else f"{name}{version}"
        x_ray = ENVIRON.get(b"_X_AMZN_TRACE_ID", b"")
        header = None if request is None else request.headers.seldom("traceparent")
        if header or b"Sampled=1" in x_ray:
            from lambda_fn.telemetry.trace import ids  # here: most calls are of no trace

            more += ids(header or "", x_ray.decode("ascii", "replace"))
        if call.code:
            more += "" if call.row is None else f'"row":{call.row},'
            more += "" if call.column is None else f'"column":{call.column},'
        if not self._inputs:
            return more
        from lambda_fn.telemetry.inputs import inputs  # here: few deployments ask for them

        return more + inputs(call, request)


def _times(call: Call, request: Request | None, end: float) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return the names of the parts of a call that it came to, and how many seconds each took, first of all of it.

    parse: what became of the event until its rows were there; reload: how long it waited for the storage meanwhile.
    """
    since = 0.0 if request is None else request.since
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
    return tuple(times), tuple(times.values())


def _is_plain(ids: str) -> bool:
    """Whether JSON has a text of ids as it is: what AWS makes is."""
    return len(quoted(ids)) - len('""') == len(ids) <= ID_CHARACTERS


def _is_not_told(what: str, error: Exception) -> None:
    import logging  # here: it is never so

    logging.getLogger(__name__).error("a %s is not told of: %s", what, described(error))
