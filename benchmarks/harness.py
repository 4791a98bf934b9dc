"""Cold start, warm round trip and memory, through AWS's Runtime Interface Emulator."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.runtime import Tree, serving

WARM_CALLS = 50


@dataclass(frozen=True, slots=True)
class Contender:
    """A stack: its name, its unpacked tree, its handler and its environment; sizes in bytes."""

    name: str
    tree: Tree
    handler: str
    environ: Mapping[str, str]
    zipped: int
    unzipped: int


@dataclass(slots=True)
class Measurements:
    """What was measured of a contender: a cold start each in seconds, warm calls in seconds, peak memory in bytes."""

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)


class DisagreementError(RuntimeError):
    """Raised when a contender's answer is not the expected one: then nothing is worth timing."""


def measure(contenders: Sequence[Contender], event: Any, expected: Any, repetitions: int) -> dict[str, Measurements]:
    """Measure the contenders in turns, `repetitions` times; the first turn, which fills the disk cache, is left out."""
    results = {contender.name: Measurements() for contender in contenders}
    for repetition in range(repetitions + 1):
        for contender in contenders:
            taken = _measure_once(contender, event, expected)
            if repetition > 0:
                result = results[contender.name]
                result.cold += taken.cold
                result.warm += taken.warm
                result.memory += taken.memory
    return results


def _measure_once(contender: Contender, event: Any, expected: Any) -> Measurements:
    start = time.perf_counter()
    with serving(contender.tree, contender.handler, contender.environ) as function:
        answer = function.invoke(event)
        cold = time.perf_counter() - start
        if "body" not in answer or json.loads(answer["body"]) != expected:
            raise DisagreementError(f"{contender.name} answers {answer}, expected {expected}")
        warm = []
        for _ in range(WARM_CALLS):
            start = time.perf_counter()
            function.invoke(event)
            warm.append(time.perf_counter() - start)
        return Measurements([cold], [statistics.median(warm)], [_peak_memory(function.pid)])


def _peak_memory(pid: int) -> int:
    """Return the peak resident memory, in bytes, of the largest process below `pid`: the function's interpreter."""
    peaks = [0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields["PPid"].strip() == str(pid) and "VmHWM" in fields:
            peaks.append(int(fields["VmHWM"].split()[0]) * 1024)
    return max(peaks)
