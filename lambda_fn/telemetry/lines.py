"""How lines are written, and what those of many calls have in common: made once for each kind, of which are few."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

NAMESPACE = "Plume"
LEVELS = {4: "WARN", 5: "ERROR"}
COMPARE = "compare"
"""The part of a call that is no metric: few deployments have a candidate."""
COMPACT = json.JSONEncoder(separators=(",", ":"))


class Log:
    """What stands at stdout: lines go straight to the file behind it, if there is one, 2 µs sooner."""

    def __init__(self) -> None:
        self._stdout: Any = None
        self._file = -1

    def write(self, line: str) -> None:
        """Write a line at once, as other threads write, too; that the log takes none is no reason to fail."""
        try:
            if sys.stdout is not self._stdout:
                self._stdout, self._file = sys.stdout, _file_of(sys.stdout)
            if self._file < 0:
                self._stdout.write(line)
                self._stdout.flush()
                return
            data = line.encode()
            written = os.write(self._file, data)
            while written < len(data):
                written += os.write(self._file, data[written:])
        except Exception:  # stdout may be closed, full, or whatever else stands there
            return


def _file_of(stdout: Any) -> int:
    """Return the number of the file that a stream writes to, -1 if it has none; what it holds back goes in front."""
    try:
        stdout.flush()
        return int(stdout.fileno())
    except Exception:  # as above
        return -1


write = Log().write


class Kind:
    """Calls that differ in their ids, times and sizes alone.

    key: sender, method, route, status, code, dialect, whether it was the first, whether there were rows, and the names
    of its times.
    header: Server-Timing, `%` the times; times: members of the line, `%` the times, too.
    told: members, what they have in common; metrics: more of them, up to the milliseconds since 1970, which end it.
    """

    __slots__ = ("header", "metrics", "times", "told")

    def __init__(self, key: tuple[Any, ...], function: str) -> None:
        sender, method, route, status, code, dialect, cold, _, names = key
        self.header = ", ".join(f"{name};dur=%s" for name in names)
        self.times = ",".join(f'"{name}_ms":%s' for name in names)
        self.metrics = _metrics(key, function)
        told = {
            "level": LEVELS.get(status // 100, "INFO"),
            "message": f"{method} {route} {status}",
            "method": method,
            "route": route,
            "status": status,
            **({"code": code} if code else {}),
            "sender": sender,
            **({"dialect": dialect.rpartition("/")[2].removeprefix("x-")} if dialect else {}),
            "cold": cold,
        }
        self.told = COMPACT.encode(told)[1:-1]


def _metrics(key: tuple[Any, ...], function: str) -> str:
    """Return the counts as members, and the directive of CloudWatch's embedded metric format but for its time."""
    _, _, _, status, code, _, cold, rows, names = key
    counts = {"calls": 1, **({"cold_starts": 1} if cold else {}), **({"faults": 1} if status >= 500 else {})}
    metrics = [{"Name": name, "Unit": "Count"} for name in (*counts, *(["rows"] if rows else []))]
    metrics += [{"Name": f"{name}_ms", "Unit": "Milliseconds"} for name in names if name != COMPARE]
    told = [{"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": metrics}]
    values: dict[str, Any] = {**counts, "Function": function}
    if code:
        counted = [{"Name": "errors", "Unit": "Count"}]
        told.append({"Namespace": NAMESPACE, "Dimensions": [["Function"], ["Function", "Code"]], "Metrics": counted})
        values |= {"errors": 1, "Code": code}
    return f',{COMPACT.encode(values)[1:-1]},"_aws":{{"CloudWatchMetrics":{COMPACT.encode(told)},"Timestamp":'
