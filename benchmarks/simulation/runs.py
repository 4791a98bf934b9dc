"""All that is simulated: each kind of traffic at each size of memory, with and without provisioned concurrency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.cost import CALLS
from benchmarks.simulation.dollars import dollars, slower
from benchmarks.simulation.fleet import Served, serve
from benchmarks.simulation.measured import Spread
from benchmarks.simulation.traffic import TRAFFIC
from lambda_fn.config import MB_PER_VCPU

MEMORY_SIZES = (256, 512, 1024, MB_PER_VCPU, 3008)
PROVISIONED = (0, 20)
PERCENTILES = (50, 95, 99, 99.9)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is simulated: calls a second in the mean, seconds, the seed."""

    rate: float = 20.0
    seconds: float = 3600.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One simulated run: how it was set up, and what it found.

    percentiles: of the seconds from call to answer, as `PERCENTILES` has them.
    most_at_once: calls that were served at the same time.
    million: US dollars for a million calls.
    """

    traffic: str
    memory: int
    provisioned: int
    calls: int
    cold: int
    percentiles: tuple[float, ...]
    most_at_once: int
    million: float


def runs(plan: Plan, start: Spread, call: Spread) -> Iterator[Run]:
    """Simulate; the same calls come at each size of memory, and take the same work.

    start, call: how long the start of an environment takes, and a call on one, with one vCPU.
    """
    for name, times in TRAFFIC.items():
        rng = np.random.default_rng([plan.seed, *name.encode()])
        came = times(plan.rate, plan.seconds, rng)
        took, starts = call.draw(len(came), rng), start.draw(len(came), rng)
        for memory in MEMORY_SIZES:
            for provisioned in PROVISIONED:
                times_as_long = slower(memory)
                served = serve(came, took * times_as_long, starts * times_as_long, provisioned)
                yield _run(name, memory, served, plan.seconds)


def _run(traffic: str, memory: int, served: Served, seconds: float) -> Run:
    calls = len(served.came)
    percentiles = tuple(np.percentile(served.latency, PERCENTILES).tolist())
    million = dollars(served, memory, seconds) / calls * CALLS
    cold = int(served.cold.sum())
    return Run(traffic, memory, served.provisioned, calls, cold, percentiles, served.most_at_once, million)
