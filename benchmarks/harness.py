"""Cold start, warm round trip and memory, through AWS's Runtime Interface Emulator."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from benchmarks.memory import peak
from scripts.runtime import Function, Tree, serving

WARM_CALLS = 50


@dataclass(frozen=True, slots=True)
class Contender:
    """A stack: its name, its unpacked tree, its handler and its environment; the size of its zips in bytes.

    environ: with S3 at no added latency. late, tls: the same with S3 behind the latency, and over TLS; None for what
        uses no S3.
    scores: whether it does; the answer of one that does not is not compared.
    turns: how many times it is measured in a repetition, whose figure is the median of them.
    """

    name: str
    tree: Tree
    handler: str
    environ: Mapping[str, str]
    zipped: int
    late: Mapping[str, str] | None = None
    tls: Mapping[str, str] | None = None
    scores: bool = True
    turns: int = 1


@dataclass(slots=True)
class Measurements:
    """What was measured of a contender, an entry each repetition.

    cold, cold_late, cold_tls: seconds, from the event to the answer of a function whose process does not run yet.
    warm: seconds, the median of some calls. memory: bytes, the peak of the function's process.
    """

    cold: list[float] = field(default_factory=list)
    cold_late: list[float] = field(default_factory=list)
    cold_tls: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def add(self, turns: Measurements) -> None:
        """Add a repetition, of several turns."""
        for each in fields(self):
            if samples := getattr(turns, each.name):
                getattr(self, each.name).append(statistics.median(samples))


class DisagreementError(RuntimeError):
    """Raised when a contender's answer is not the expected one: then nothing is worth timing."""


class TreeChangedError(RuntimeError):
    """Raised when a run left something in a tree, which is read-only on Lambda: the next run would profit from it."""


def measure(contenders: Sequence[Contender], event: Any, expected: Any, repetitions: int) -> dict[str, Measurements]:
    """Measure the contenders in turns, `repetitions` times, after a turn that compares answers and fills caches."""
    results = {contender.name: Measurements() for contender in contenders}
    sizes = {contender.name: contender.tree.size() for contender in contenders}
    for contender in contenders:
        _measure_once(contender, event, expected, Measurements())
    for _ in range(repetitions):
        turns = {contender.name: Measurements() for contender in contenders}
        for turn in range(max(contender.turns for contender in contenders)):
            for contender in contenders:
                if turn < contender.turns:
                    _measure_once(contender, event, expected, turns[contender.name])
        for name, measured in turns.items():
            results[name].add(measured)
    for contender in contenders:
        if contender.tree.size() != sizes[contender.name]:
            raise TreeChangedError(f"{contender.name} had {sizes[contender.name]} bytes, now {contender.tree.size()}")
    return results


def check(contender: Contender, answer: Any, expected: Any) -> None:
    """Raise DisagreementError if the body of `answer` is not `expected`."""
    if contender.scores and ("body" not in answer or json.loads(answer["body"]) != expected):
        raise DisagreementError(f"{contender.name} answers {answer}, expected {expected}")


def _measure_once(contender: Contender, event: Any, expected: Any, results: Measurements) -> None:
    with serving(contender.tree, contender.handler, contender.environ) as function:
        results.cold.append(_timed(contender, function, event, expected))
        warm = [_timed(contender, function, event, expected) for _ in range(WARM_CALLS)]
        results.warm.append(statistics.median(warm))
        results.memory.append(_peak_memory(function))
    for environ, samples in ((contender.late, results.cold_late), (contender.tls, results.cold_tls)):
        if environ is not None:
            with serving(contender.tree, contender.handler, environ) as function:
                samples.append(_timed(contender, function, event, expected))


def _timed(contender: Contender, function: Function, event: Any, expected: Any) -> float:
    """Return the seconds from the event to its answer, which is compared with the expected one."""
    start = time.perf_counter()
    answer = function.invoke(event)
    taken = time.perf_counter() - start
    check(contender, answer, expected)
    return taken


def _peak_memory(function: Function) -> int:
    """Return the peak resident memory, in bytes, of the function's interpreter."""
    [pid] = function.children()
    return peak(pid)
