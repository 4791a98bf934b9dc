"""When calls come: three kinds of traffic with the same number of calls a second in the mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

type Times = NDArray[np.float64]
"""Seconds from the start, ascending: (calls,)."""

BURST_SECONDS, BURST_EVERY, BURST_SHARE = 20.0, 300.0, 0.8
"""How long bursts last and how often they begin, and how many of the calls are in them."""
SPIKE_SECONDS, SPIKE_EVERY, SPIKE_SHARE = 0.5, 900.0, 0.05
"""The same of spikes: so many come nearly at once, as when a job begins."""


def steady(rate: float, seconds: float, rng: np.random.Generator) -> Times:
    """Return calls that come independently of each other (Poisson), `rate` a second."""
    return np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds)))


def bursty(rate: float, seconds: float, rng: np.random.Generator) -> Times:
    """Return calls most of which come in bursts."""
    return _crowded(rate, seconds, rng, BURST_SECONDS, BURST_EVERY, BURST_SHARE)


def spiky(rate: float, seconds: float, rng: np.random.Generator) -> Times:
    """Return steady calls but for a twentieth, which come in spikes."""
    return _crowded(rate, seconds, rng, SPIKE_SECONDS, SPIKE_EVERY, SPIKE_SHARE)


def _crowded(rate: float, seconds: float, rng: np.random.Generator, lasts: float, every: float, share: float) -> Times:
    """Return steady calls, and a `share` of all in crowds: one begins amid each stretch of `every` seconds."""
    alone = steady(rate * (1 - share), seconds, rng)
    begins = np.arange(every / 2, seconds, every)
    crowds = [begin + steady(rate * share * every / lasts, lasts, rng) for begin in begins]
    return np.sort(np.concatenate([alone, *crowds]))


TRAFFIC: dict[str, Callable[[float, float, np.random.Generator], Times]] = {
    "steady": steady,
    "bursty": bursty,
    "spiky": spiky,
}
"""What makes the times, by name."""
