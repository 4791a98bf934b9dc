"""How lines are written, and what those of many calls have in common: made once for each kind, of which are few."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

NAMESPACE = "Plume"
LEVELS = {4: "WARN", 5: "ERROR"}
COMPARE = "compare"
"""The part of a call that is no metric: few deployments have a candidate."""
COMPACT = json.JSONEncoder(separators=(",", ":"))


def write(line: str) -> None:
    """Write a line at once, as other threads write, too; that the log takes none is no reason to fail."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except Exception:  # stdout may be closed, full, or whatever else stands there
        return


class Kind:
    """Calls that differ in their ids, times and sizes alone.

    key: sender, method, route, status, code, dialect, whether it was the first, whether there were rows, and the names
    of its times.
    header: Server-Timing, `%` the times.
    line: that of the log, `%` date and time, milliseconds, what else there is of the call, bytes in and out, if it is
    `logged`; then the times, the rows if there are any, and for `metrics` the milliseconds since 1970.
    """

    __slots__ = ("header", "line", "logged", "metrics")

    def __init__(self, key: tuple[Any, ...], logged: bool, metrics: bool, function: str) -> None:
        sender, method, route, status, code, dialect, cold, rows, names = key
        self.logged, self.metrics = logged, metrics
        self.header = ", ".join(f"{name};dur=%s" for name in names)
        line = "".join(f'"{name}_ms":%s,' for name in names) + ('"rows":%s,' if rows else "")
        if metrics:
            line += f'"_aws":{{"Timestamp":%s,{_metrics(names, code, cold, rows, function).replace("%", "%%")},'
        if logged:
            head = {
                "level": LEVELS.get(status // 100, "INFO"),
                "message": f"{method} {route} {status}",
                "method": method,
                "route": route,
                "status": status,
                **({"code": code} if code else {}),
                "sender": sender,
                **({"dialect": dialect} if dialect else {}),
                "cold": cold,
            }
            line = f'"timestamp":"%s.%03dZ",{COMPACT.encode(head)[1:-1]},%s"bytes_in":%s,"bytes_out":%s,{line}'
        self.line = f"{{{line[:-1]}}}"


def _metrics(names: Sequence[str], code: str, cold: bool, rows: bool, function: str) -> str:
    """Return the directive of CloudWatch's embedded metric format, and the members that it names which are counts."""
    counts = {"calls": 1, **({"cold_starts": 1} if cold else {})}
    metrics = [{"Name": name, "Unit": "Count"} for name in (*counts, *(["rows"] if rows else []))]
    metrics += [{"Name": f"{name}_ms", "Unit": "Milliseconds"} for name in names if name != COMPARE]
    told = [{"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": metrics}]
    values: dict[str, Any] = {**counts, "Function": function}
    if code:
        counted = [{"Name": "errors", "Unit": "Count"}]
        told.append({"Namespace": NAMESPACE, "Dimensions": [["Function"], ["Function", "Code"]], "Metrics": counted})
        values |= {"errors": 1, "Code": code}
    return f'"CloudWatchMetrics":{COMPACT.encode(told)}}},{COMPACT.encode(values)[1:-1]}'
