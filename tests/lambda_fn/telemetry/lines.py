"""What the log has of calls, read back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

ALL = {"LOG_CALLS": "all", "METRICS": "true", "SERVER_TIMING": "true"}
REQUEST_ID = "8f507cfc-1c2b-4697-b07a-ac58fc914c95"
TIMES = ("total_ms", "reload_ms", "parse_ms", "score_ms", "encode_ms", "compare_ms")


class Context:
    """What Lambda gives a call beside its event."""

    aws_request_id = REQUEST_ID


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines on stdout, each of which is to be a JSON object."""
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in found:
        check_metrics(line)
    return found


def entries_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the lines on stdout, each of which is to have what Lambda's JSON log format keeps or drops it by."""
    found = lines_of(capsys)
    for line in found:
        assert line["timestamp"].endswith("Z")
        assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
        assert line["level"] in {"INFO", "WARN", "ERROR"}
        assert line["message"]
    return found


def check_metrics(line: dict[str, Any]) -> None:
    """Hold a line to the embedded metric format: what its directive names is there, and is a number, or a text."""
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
        assert all(isinstance(line[each["Name"]], int | float) for each in directive["Metrics"])
        assert all(isinstance(line[name], str) for names in directive["Dimensions"] for name in names)
    if "calls" in line:
        assert abs(line["_aws"]["Timestamp"] / 1000 - 1.7e9) < 1e9


def metrics_of(line: dict[str, Any]) -> dict[str, list[list[str]]]:
    """Return the names of a line's metrics, with the dimensions that each has."""
    return {
        each["Name"]: directive["Dimensions"]
        for directive in line["_aws"]["CloudWatchMetrics"]
        for each in directive["Metrics"]
    }


def shown(line: dict[str, Any]) -> dict[str, Any]:
    """Return what of a line is no metric's definition, no time and no moment."""
    return {name: value for name, value in line.items() if name not in {*TIMES, "_aws", "timestamp"}}
