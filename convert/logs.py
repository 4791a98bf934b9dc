"""What the lines of a deployment's log say of its calls: how many, how they ended, how long they took."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
"""So many calls are counted, the newest ones."""
PATIENCE_SECONDS = 120.0
UNLOGGED = "(not logged)"
"""The route of calls of which the log has metrics alone."""
QUERY = (
    'fields @message | filter @message like /"total_ms":/ | filter toMillis(@timestamp) >= {begin}'
    " | filter toMillis(@timestamp) < {end} | sort @timestamp desc | limit {limit}"
)


@dataclass(frozen=True, slots=True)
class Call:
    """What a line says of a call: `times` in milliseconds by part; an empty `code` if it was answered well.

    status: 0 where the line does not say.
    """

    route: str
    status: int
    code: str
    rows: int
    cold: bool
    times: dict[str, float]

    @property
    def failed(self) -> bool:
        """Whether it was answered with an error."""
        return self.code != "" or self.status >= 400


def logs(service: str, stage: str, function: str, since: float, console: Console) -> None:
    """Print what the log of a function of the stack ``{service}-{stage}`` has of the calls of so many seconds.

    Raises ConvertError where the stack, or its log, is not there, or can't be read.
    """
    group = _log_group(service, stage, function)
    end = datetime.now(UTC)
    begin = end - timedelta(seconds=since)
    calls, reached, crowded = _read(group, begin, end)
    span = f"{moment(reached)} to {moment(end)}"
    if not calls:
        console.print(
            f"no calls in {plain(group)} from {span}: a line comes some seconds after its call", soft_wrap=True
        )
        return
    if reached > begin:
        console.print(f"[yellow]the newest {len(calls):,} calls alone[/]: ask for less with --since", soft_wrap=True)
    if crowded:
        console.print(f"[yellow]more than {MOST_RESULTS:,} calls within {crowded} ms[/]: others are not counted there")
    errors, faults = sum(call.failed for call in calls), sum(call.status >= 500 for call in calls)
    console.print(
        f"[bold]{plain(group)}[/] from {span}: {len(calls):,} calls, {errors:,} errors ({_share(errors, len(calls))}),"
        f" {faults:,} of them the service's, {sum(call.rows for call in calls):,} rows,"
        f" {sum(call.cold for call in calls):,} cold starts",
        soft_wrap=True,
    )
    if errors == len(calls):
        console.print("[yellow]errors alone[/]: of other calls logCalls=errors with metrics=false leaves no line")
    for table in (_parts(calls), _routes(calls), *([_codes(calls)] if errors else [])):
        console.print(table)


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


def _read(group: str, begin: datetime, end: datetime) -> tuple[list[Call], datetime, int]:
    """Return the calls of a span, the newest of them if they are too many, and from when on these are.

    And how many milliseconds had more of them than a query tells of.
    """
    calls: list[Call] = []
    crowded = 0
    spans = [(_ms(begin), _ms(end))]
    while spans:
        first, last = spans.pop()
        messages = _query(group, first, last)
        if len(messages) >= MOST_RESULTS and last - first > 1:
            middle = (first + last) // 2
            spans += [(first, middle), (middle, last)]  # the newer one is next
            continue
        calls += _calls(messages)
        crowded += len(messages) >= MOST_RESULTS
        if len(calls) >= MOST_CALLS and spans:
            return calls, datetime.fromtimestamp(first / 1000, UTC), crowded
    return calls, begin, crowded


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _query(group: str, begin: int, end: int) -> list[str]:
    """Return the lines of calls within milliseconds since 1970, the newest first."""
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
    return [each["value"] for row in found["results"] for each in row if each["field"] == "@message"]


def _calls(messages: Iterable[str]) -> Iterator[Call]:
    """Yield the calls that lines tell of; others than ours may write into the log, too."""
    for message in messages:
        try:
            line: Any = json.loads(message)
            times = {part: float(line[f"{part}_ms"]) for part in PARTS if f"{part}_ms" in line}
            cold = bool(line.get("cold") or line.get("cold_starts"))
            code = str(line.get("code", line.get("Code", "")))  # a line of metrics alone has no status
            route, status = str(line.get("route", UNLOGGED)), int(line.get("status", 0 if code else 200))
            if all(map(math.isfinite, times.values())):
                yield Call(route, status, code, int(line.get("rows", 0)), cold, times)
        except (AttributeError, TypeError, ValueError, OverflowError, RecursionError):
            continue


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


def _codes(calls: Sequence[Call]) -> Table:
    table = _table("error", "status", "calls", "of all")
    found = Counter((call.code or "no code", call.status) for call in calls if call.failed)
    for (code, status), count in found.most_common():
        table.add_row(plain(code), str(status or "?"), f"{count:,}", _share(count, len(calls)))
    return table


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %"
