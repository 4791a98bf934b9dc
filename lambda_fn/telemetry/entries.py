"""Entries of the log that are of no call, by what Lambda's JSON log format keeps or drops them: time and level."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from time import gmtime, strftime, time


def tell(level: str, message: str, members: Mapping[str, object]) -> None:
    """Write an entry: INFO, WARN or ERROR, what whoever reads it is told, and what programs read there."""
    now = int(time() * 1000)
    moment = f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(now // 1000))}.{now % 1000:03d}Z"
    line = json.dumps({"timestamp": moment, "level": level, "message": message, **members})
    with suppress(Exception):  # stdout may be closed, full, or whatever else stands there
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
