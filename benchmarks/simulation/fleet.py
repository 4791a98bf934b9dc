"""Lambda's execution environments as a model of discrete events: each serves one call at a time, and is kept a while.

What is modelled, after AWS's own description (https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html and
lambda-runtime-environment.html there): a call goes to an environment that is idle, or else a new one is started for it;
nothing waits in a queue. One that is provisioned is ready from the start, and stays. AWS does not say which of the idle
ones is taken, nor when one is given up: here the one that was used last, provisioned ones first, and after `idle`
seconds. Not modelled: a failure, the account's limit of concurrency, the rate at which environments start (1,000 in 10
seconds for each function).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.traffic import Times

IDLE_SECONDS = 600.0
"""How long an environment that nobody calls is kept: AWS gives no figure; 5 to 15 minutes are what people see."""


@dataclass(frozen=True, slots=True)
class Served:
    """What became of n calls, each array (n,).

    environment: the number of the one that served it; those that are provisioned have the first numbers.
    waited: seconds that it waited for its environment to start, 0 if that was there.
    took: seconds in the handler.
    """

    came: Times
    environment: NDArray[np.int64]
    waited: NDArray[np.float64]
    took: NDArray[np.float64]
    provisioned: int

    @property
    def latency(self) -> NDArray[np.float64]:
        """Seconds from the call to its answer."""
        return self.waited + self.took

    @property
    def cold(self) -> NDArray[np.bool_]:
        """Which calls an environment was started for."""
        return self.waited > 0

    @property
    def most_at_once(self) -> int:
        """How many calls were served at the same time, at the most."""
        order = np.argsort(np.concatenate([self.came + self.latency, self.came]), kind="stable")  # ends before starts
        changes = np.repeat([-1, 1], len(self.came))[order]
        return int(changes.cumsum().max(initial=0))


def serve(
    came: Times,
    took: NDArray[np.float64],
    starts: NDArray[np.float64],
    provisioned: int = 0,
    idle: float = IDLE_SECONDS,
) -> Served:
    """Serve calls that come at `came`, each of which takes `took` seconds, and `starts` more where one is cold.

    All are (calls,).
    """
    fleet = _Fleet(provisioned, idle)
    environment, waited = np.empty(len(came), np.int64), np.zeros(len(came))
    for call, (now, taken, start) in enumerate(zip(came.tolist(), took.tolist(), starts.tolist(), strict=True)):
        number, is_new = fleet.take(now)
        environment[call] = number
        waited[call] = start if is_new else 0.0
        fleet.keep_busy(number, now + waited[call] + taken)
    return Served(came, environment, waited, took, provisioned)


class _Fleet:
    """The environments: those that are busy, by when they end, and those that are idle, by when they began to be."""

    def __init__(self, provisioned: int, idle: float) -> None:
        self._provisioned, self._idle_seconds = provisioned, idle
        self._started = provisioned
        self._busy: list[tuple[float, int]] = []
        self._ready = list(range(provisioned))[::-1]
        self._idle: list[tuple[float, int]] = []  # the last is the one that was used last

    def take(self, now: float) -> tuple[int, bool]:
        """Return the environment for a call that comes now, and whether it has to be started."""
        while self._busy and self._busy[0][0] <= now:
            end, number = heapq.heappop(self._busy)
            if number < self._provisioned:
                self._ready.append(number)
            else:
                self._idle.append((end, number))
        if self._ready:
            return self._ready.pop(), False
        if self._idle and now - self._idle[-1][0] <= self._idle_seconds:
            return self._idle.pop()[1], False
        self._idle.clear()  # the last was idle for the shortest time: all are given up
        self._started += 1
        return self._started - 1, True

    def keep_busy(self, number: int, end: float) -> None:
        """Have an environment serve until `end`."""
        heapq.heappush(self._busy, (end, number))
