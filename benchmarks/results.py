"""What a run of the benchmark found, and the figures that page, chart and targets take from it."""

from __future__ import annotations

import statistics
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cost import Load
from benchmarks.harness import Contender, Measurements

ZIPPED, UNZIPPED = "zipped, MB", "unzipped, MB"
COLD, COLD_LATE, COLD_TLS = "cold start, ms", "cold start with 20 ms of S3, ms", "cold start with S3 over TLS, ms"
WARM, MEMORY = "warm round trip, ms", "peak memory, MB"

type Figures = Mapping[str, Mapping[str, Sequence[float]]]
"""Figure, then contender, then what each repetition measured; MB are 1,000,000 bytes."""
type Ratios = Mapping[str, tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Size:
    """A zip's size and that of what is in it, in bytes."""

    zipped: int
    unzipped: int

    @classmethod
    def of(cls, path: Path) -> Size:
        """Return the size of the zip at `path`."""
        with zipfile.ZipFile(path) as archive:
            return cls(path.stat().st_size, sum(entry.file_size for entry in archive.infolist()))


@dataclass(frozen=True, slots=True)
class Results:
    """All that was measured.

    calls: seconds a call in the process, samples by name (benchmarks/in_process).
    layers: by architecture.
    """

    figures: Figures
    calls: Mapping[str, Sequence[float]]
    layers: Mapping[str, Size]
    repetitions: int

    def median(self, figure: str, contender: str) -> float:
        """Return the median of a figure."""
        return statistics.median(self.figures[figure][contender])

    def ratio(self, figure: str, contender: str, reference: str) -> float:
        """Return `contender` over `reference`, the median of the repetitions: both are of the same moments."""
        return _ratio(self.figures[figure], contender, reference)

    def call(self, name: str) -> float:
        """Return the median seconds of a call in the process."""
        return statistics.median(self.calls[name])

    def call_ratio(self, name: str, reference: str) -> float:
        """Return the same for two calls in the process."""
        return _ratio(self.calls, name, reference)

    def load(self, contender: str) -> Load:
        """Return what a contender's cost follows from; a cold start has the latency of S3 in it."""
        warm, cold = self.median(WARM, contender) / 1e3, self.median(COLD_LATE, contender) / 1e3
        return Load(warm, cold, self.median(MEMORY, contender) * 1e6)


def _ratio(samples: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    return statistics.median(a / b for a, b in zip(samples[one], samples[other], strict=True))


def figures(contenders: Sequence[Contender], measured: Mapping[str, Measurements]) -> Figures:
    """Return the figures of all contenders; what uses no S3 starts alike, wherever that is."""
    found: dict[str, dict[str, Sequence[float]]] = {}
    for contender in contenders:
        results = measured[contender.name]
        samples: dict[str, Sequence[float]] = {
            ZIPPED: [contender.zipped / 1e6],
            UNZIPPED: [contender.tree.size() / 1e6],
            COLD: [seconds * 1e3 for seconds in results.cold],
            COLD_LATE: [seconds * 1e3 for seconds in results.cold_late or results.cold],
            COLD_TLS: [seconds * 1e3 for seconds in results.cold_tls or results.cold],
            WARM: [seconds * 1e3 for seconds in results.warm],
            MEMORY: [size / 1e6 for size in results.memory],
        }
        for figure, values in samples.items():
            found.setdefault(figure, {})[contender.name] = values
    return found
