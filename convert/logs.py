"""What a deployment's log says of its calls, how many, how they ended, how long they took, and what else went wrong."""

from __future__ import annotations

import json
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from convert.bulk.stack import asking
from convert.errors import ConvertError
from convert.text import moment, plain

PARTS = ("total", "reload", "parse", "score", "encode", "compare")
PERCENTILES = (50, 90, 99)
MOST_RESULTS = 10_000
"""So many lines come of a query of Logs Insights at the most, or as a page; a span that has more is halved."""
MOST_CALLS = 200_000
"""So many lines are counted, the newest ones."""
PATIENCE_SECONDS = 120.0
MOST_TOLD, MOST_CHARACTERS = 12, 300
"""So many of the other lines are shown, the most frequent ones, and so much of each."""
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VARIES = re.compile(r"\d{6}-[0-9a-f]{16}|(?<![^\s(])\d+(\.\d+)?(?=\s)|(?<=row )\d+|(?<=column )\d+")
"""In what lines that say the same differ: names of captured objects; how many seconds, rows or messages; which row."""
UNLOGGED = "(not logged)"
"""The route, and the version, of calls of which the log has metrics alone."""
OTHERS = '"(log_)?level": ?"(ERROR|WARN)|"status": ?"(timeout|error|failure)"'
"""Lines of no call: of the service, of Python's logger, of Lambda's runtime; and of Lambda itself."""
ENDED = {
    "platform.report": "Lambda ended a call",
    "platform.initReport": "a start failed",
    "platform.restoreReport": "a start from a snapshot failed",
}
"""Lambda has several lines of each: those that are told."""
QUERY = (
    f'fields @timestamp, @message | filter @message like /"total_ms":|{OTHERS}/'
    " | filter toMillis(@timestamp) >= {begin} | filter toMillis(@timestamp) < {end}"
    " | sort @timestamp desc | limit {limit}"
)


@dataclass(frozen=True, slots=True)
class Call:
    """What a line says of a call: `times` in milliseconds by part; an empty `code` if it was answered well.

    status: 0 where the line does not say. fault: whether the error is the service's. model, version: what scored; empty
    where nothing did.
    """

    route: str
    status: int
    code: str
    fault: bool
    rows: int
    cold: bool
    times: dict[str, float]
    at: datetime
    model: str
    version: str
    sender: str

    @property
    def failed(self) -> bool:
        """Whether it was answered with an error."""
        return self.code != "" or self.status >= 400


@dataclass(frozen=True, slots=True)
class Told:
    """What another line says, which is of level WARN or ERROR, or Lambda's own of a call that it ended."""

    at: datetime
    level: str
    text: str


def logs(service: str, stage: str, function: str, since: float, console: Console) -> None:
    """Print what the log of a function of the stack ``{service}-{stage}`` has of the calls of so many seconds.

    Raises ConvertError where the stack, or its log, is not there, or can't be read.
    """
    group = _log_group(service, stage, function)
    end = datetime.now(UTC)
    begin = end - timedelta(seconds=since)
    calls, told, reached, crowded = _read(group, begin, end)
    span = f"{moment(reached)} to {moment(end)}"
    if reached > begin:
        found = f"{len(calls):,} calls" if calls else f"{len(told):,} lines"
        console.print(f"[yellow]the newest {found} alone[/]: ask for less with --since", soft_wrap=True)
    if not calls:
        console.print(
            f"no calls in {plain(group)} from {span}: a line comes some seconds after its call", soft_wrap=True
        )
        if told:
            console.print(_others(told))
        return
    if crowded:
        console.print(f"[yellow]more than {MOST_RESULTS:,} calls within {crowded} ms[/]: others are not counted there")
    errors, faults = sum(call.failed for call in calls), sum(call.fault for call in calls)
    console.print(
        f"[bold]{plain(group)}[/] from {span}: {len(calls):,} calls, {errors:,} errors ({_share(errors, len(calls))}),"
        f" {faults:,} of them the service's, {sum(call.rows for call in calls):,} rows,"
        f" {sum(call.cold for call in calls):,} cold starts",
        soft_wrap=True,
    )
    if errors == len(calls):
        console.print("[yellow]errors alone[/]: of other calls logCalls=errors with metrics=false leaves no line")
    console.print(_parts(calls))
    console.print(_routes(calls))
    if {call.version for call in calls} - {"", UNLOGGED}:
        console.print(_models(calls))
    if errors:
        console.print(_codes(calls))
    if told:
        console.print(_others(told))


def _log_group(service: str, stage: str, function: str) -> str:
    """Return the name of the log group of a function; raise ConvertError if the stack is not there, or has none."""
    name = f"{service}-{stage}"
    with asking(f"the stack {name}"):
        client = boto3.client("cloudformation")
        try:
            found = client.describe_stack_resource(
                StackName=name, LogicalResourceId=f"{function[:1].upper()}{function[1:]}LogGroup"
            )
        except ClientError as error:
            said = error.response.get("Error", {}).get("Message", "")
            if "does not exist" in said and not said.startswith("Resource"):
                raise ConvertError(
                    f"there is no stack {name}: `npx serverless deploy --stage {stage}` makes it; or give --stage"
                ) from error
            if "does not exist" in said:
                raise ConvertError(f"the stack {name} has no function {function} with a log of its own") from error
            raise
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _read(group: str, begin: datetime, end: datetime) -> tuple[list[Call], list[Told], datetime, int]:
    """Return the calls of a span, the newest of them if they are too many, what else is told, and since when.

    And how many milliseconds had more lines than a query tells of.
    """
    calls: list[Call] = []
    told: list[Told] = []
    crowded = 0
    spans = [(_ms(begin), _ms(end))]
    while spans:
        first, last = spans.pop()
        messages = _query(group, first, last)
        if len(messages) >= MOST_RESULTS and last - first > 1:
            middle = (first + last) // 2
            spans += [(first, middle), (middle, last)]  # the newer one is next
            continue
        for line in map(_line, messages):
            if isinstance(line, Call):
                calls.append(line)
            elif line is not None:
                told.append(line)
        crowded += len(messages) >= MOST_RESULTS
        if len(calls) + len(told) >= MOST_CALLS and spans:
            return calls, told, datetime.fromtimestamp(first / 1000, UTC), crowded
    return calls, told, begin, crowded


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _query(group: str, begin: int, end: int) -> list[dict[str, str]]:
    """Return the lines, and when each was written, within milliseconds since 1970, the newest first."""
    with asking(f"the log {group}"):
        client = boto3.client("logs")
        started = client.start_query(
            logGroupName=group,
            startTime=begin // 1000,
            endTime=math.ceil(end / 1000),
            queryString=QUERY.format(begin=begin, end=end, limit=MOST_RESULTS),
            limit=MOST_RESULTS,
        )
        until, pause = time.monotonic() + PATIENCE_SECONDS, 0.1
        while (found := client.get_query_results(queryId=started["queryId"]))["status"] in {"Scheduled", "Running"}:
            if time.monotonic() > until:
                client.stop_query(queryId=started["queryId"])
                raise ConvertError(f"the log {group} was not read within {PATIENCE_SECONDS:.0f} s: ask for less")
            time.sleep(pause)
            pause = min(2.0, 2 * pause)
    if found["status"] != "Complete":
        raise ConvertError(f"the query of the log {group} ended as {found['status']}")
    return [{each["field"]: each["value"] for each in row} for row in found["results"]]


def _line(found: Mapping[str, str]) -> Call | Told | None:
    """Return what a line tells; None for one that is none of ours, nor Lambda's."""
    try:
        at = datetime.fromisoformat(found["@timestamp"]).replace(tzinfo=UTC)
        line: Any = json.loads(found["@message"])
        return _call(line, at) if "total_ms" in line else _told(line, at)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def _call(line: Any, at: datetime) -> Call | None:
    times = {part: float(line[f"{part}_ms"]) for part in PARTS if f"{part}_ms" in line}
    cold = bool(line.get("cold") or line.get("cold_starts"))
    code = str(line.get("code", line.get("Code", "")))  # a line of metrics alone has no status
    route, status = str(line.get("route", UNLOGGED)), int(line.get("status", 0 if code else 200))
    model = str(line.get("model", "")), str(line.get("model_version", "" if "route" in line else UNLOGGED))
    sender, fault = str(line.get("sender", "?")), status >= 500 or bool(line.get("faults"))
    call = Call(route, status, code, fault, int(line.get("rows", 0)), cold, times, at, *model, sender)
    return call if all(map(math.isfinite, times.values())) else None


def _told(line: Any, at: datetime) -> Told | None:
    if "record" in line:
        what, record = ENDED[line["type"]], line["record"]
        return Told(at, "ERROR", f"{what}: {record['status']} {record.get('errorType', '')}".rstrip())
    text = line["message"] if "message" in line else f"{line['errorType']}: {line['errorMessage']}"
    level = str(line.get("level", line.get("log_level"))).replace("WARNING", "WARN")  # as Python's logger calls it
    return Told(at, level, ID.sub("…", str(text))[:MOST_CHARACTERS])


def _percentiles(numbers: Sequence[float]) -> list[str]:
    """Return the percentiles as texts: each the least number that so many per cent are not above.

    >>> _percentiles([1.0, 2.0, 3.0, 40.0])
    ['2', '40', '40']
    """
    ordered = sorted(numbers)
    found = [ordered[math.ceil(each / 100 * len(ordered)) - 1] for each in PERCENTILES if ordered]
    return [f"{each:.3g}" if each < 100 else f"{each:,.0f}" for each in found]


def _table(*columns: str) -> Table:
    """Return a table whose columns are numbers but for the first."""
    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=bool(number), overflow="fold")
    return table


def _parts(calls: Sequence[Call]) -> Table:
    table = _table("ms", "calls", *(f"p{each}" for each in PERCENTILES))
    for part in PARTS:
        if times := [call.times[part] for call in calls if part in call.times]:
            table.add_row(part, f"{len(times):,}", *_percentiles(times))
    return table


def _routes(calls: Sequence[Call]) -> Table:
    table = _table("route", "calls", "errors", "rows", "cold", *(f"p{each} ms" for each in PERCENTILES))
    for route, _ in Counter(call.route for call in calls).most_common():
        of_it = [call for call in calls if call.route == route]
        errors, rows = sum(call.failed for call in of_it), sum(call.rows for call in of_it)
        counts = (len(of_it), errors, rows, sum(call.cold for call in of_it))
        times = [call.times["total"] for call in of_it if "total" in call.times]
        table.add_row(plain(route), *(f"{each:,}" for each in counts), *_percentiles(times))
    return table


def _models(calls: Sequence[Call]) -> Table:
    table = _table("model and version", "calls", "errors", "first (UTC)", "last (UTC)")
    found = sorted(calls, key=lambda call: call.at)
    for version in dict.fromkeys(call.version for call in found if call.version):  # in the order in which they came
        of_it = [call for call in found if call.version == version]
        errors, names = sum(call.failed for call in of_it), ", ".join(sorted({call.model for call in of_it}))
        table.add_row(
            plain(f"{names} {version}".lstrip()), f"{len(of_it):,}", f"{errors:,}", *_span([call.at for call in of_it])
        )
    return table


def _codes(calls: Sequence[Call]) -> Table:
    table = _table("error", "status", "calls", "of all", "from")
    found = Counter((call.code or "no code", call.status) for call in calls if call.failed)
    for (code, status), count in found.most_common():
        senders = Counter(call.sender for call in calls if call.failed and (call.code or "no code") == code)
        told = ", ".join(f"{plain(sender)} {times:,}" for sender, times in senders.most_common())
        table.add_row(plain(code), str(status or "?"), f"{count:,}", _share(count, len(calls)), told)
    return table


def _others(told: Sequence[Told]) -> Table:
    """Return what else went wrong, the most frequent first, in the words of the newest line that says so."""
    table = _table("besides, the log says", "level", "times", "first (UTC)", "last (UTC)")
    alike: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for each in sorted(told, key=lambda each: each.at, reverse=True):
        alike[VARIES.sub("…", each.text), each.level].append(each)
    found = sorted(alike.values(), key=len, reverse=True)
    for lines in found[:MOST_TOLD]:
        span = _span([each.at for each in reversed(lines)])
        table.add_row(plain(lines[0].text), plain(lines[0].level), f"{len(lines):,}", *span)
    if len(found) > MOST_TOLD:
        left = sum(map(len, found[MOST_TOLD:]))
        table.add_row(f"… and {len(found) - MOST_TOLD:,} others", "", f"{left:,}")
    return table


def _span(times: Sequence[datetime]) -> tuple[str, str]:
    """Return the first and the last of some times, which are in order."""
    first, last = (f"{time:%m-%d %H:%M:%S}" for time in (times[0], times[-1]))
    return first, last


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %"
