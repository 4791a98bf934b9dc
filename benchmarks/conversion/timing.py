"""Latency and throughput of anything that scores rows; also run by the interpreter of tl2cgen."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Rows = NDArray[np.float64]
type Score = Callable[[Rows], Any]

PAIRS = 256
SECONDS = 0.05
"""How long calls with 2 rows go on, and passes over all rows."""


def latency(score: Score, rows: Rows) -> float:
    """Return the median time, in seconds, of a call with 2 rows, each call with others than the one before."""
    pairs = [np.ascontiguousarray(rows[start : start + 2]) for start in range(0, 2 * PAIRS, 2)]
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for pair in pairs:
            start = time.perf_counter()
            score(pair)
            taken.append(time.perf_counter() - start)
            if taken[-1] > SECONDS / PAIRS and time.perf_counter() > end:
                break
    return statistics.median(taken)


def throughput(score: Score, rows: Rows, batch: int) -> float:
    """Return how many rows a second are scored, `batch` at once: in the best pass of those that take `SECONDS`."""
    batches = [rows[start : start + batch] for start in range(0, len(rows), batch)]
    best, end = float("inf"), time.perf_counter() + SECONDS
    while best == float("inf") or time.perf_counter() < end:
        start = time.perf_counter()
        for part in batches:
            score(part)
        best = min(best, time.perf_counter() - start)
    return len(rows) / best
