"""What was set out to be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.results import COLD, COLD_LATE, MEMORY, Results


@dataclass(frozen=True, slots=True)
class Target:
    """A limit and what was measured, in the same unit; at most the limit, or else at least."""

    what: str
    limit: float
    measured: float
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """Whether what was measured is within the limit, to the last digit."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def targets(results: Results) -> Iterator[Target]:
    """Return every target with what `results` say of it."""
    yield Target("cold start, plume / floor", 1.15, results.ratio(COLD, "plume", "floor"))
    yield Target("cold start with 20 ms of S3 latency, plume / floor", 1.25, results.ratio(COLD_LATE, "plume", "floor"))
    yield Target("cold start, seed / plume", 8, results.ratio(COLD, "seed", "plume"), at_least=True)
    yield Target("cold start, web / plume", 3.8, results.ratio(COLD, "web", "plume"), at_least=True)
    yield Target("handler, 2 rows, plume / steps", 1.5, results.call_ratio("plume 2", "steps 2"))
    yield Target(
        "2 rows, scikit-learn's predict alone / plume's handler",
        15,
        results.call_ratio("predict 2", "plume 2"),
        at_least=True,
    )
    yield Target("which model answers a call, and whose it is, µs", 3, results.call("whose") * 1e6)
    many = results.call_ratio("plume 10000", "steps 10000")
    yield Target("handler, 10,000 rows of JSON, plume / steps", 1.15, many)
    yield Target("peak memory, plume, MB", 70, results.median(MEMORY, "plume"))
    for architecture, size in results.layers.items():
        yield Target(f"layer {architecture}, zipped, MB", 21, size.zipped / 1e6)
        yield Target(f"layer {architecture}, unzipped, MB", 60, size.unzipped / 1e6)
