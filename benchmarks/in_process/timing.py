"""Samples of how long calls take, taken in turns; standard library only, for it runs on the layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

ROUNDS = 15
SAMPLE_SECONDS = 0.01

type Call = Callable[[], object]


def interleaved(calls: Mapping[str, Call]) -> dict[str, list[float]]:
    """Return `ROUNDS` samples for each call: seconds a call, over as many calls as take `SAMPLE_SECONDS`."""
    loops = {name: max(1, round(SAMPLE_SECONDS / _warm(call))) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            samples[name].append(_sample(call, loops[name]))
    return samples


def _warm(call: Call) -> float:
    """Return the seconds that a call takes once it has run some times."""
    return min(_sample(call, 1) for _ in range(10))


def _sample(call: Call, loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - start) / loops
