"""The results as one picture: bars for size, cold start, warm round trip and memory."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import COLD, COLD_LATE, COLD_TLS, MEMORY, UNZIPPED, WARM, ZIPPED, Results

PANELS = (
    ("Size, MB", {"zipped": ZIPPED, "unzipped": UNZIPPED}),
    ("Cold start, ms", {"S3 without latency": COLD, "S3 with 20 ms": COLD_LATE, "S3 over TLS": COLD_TLS}),
    ("Warm round trip, ms", {"": WARM}),
    ("Peak memory, MB", {"": MEMORY}),
)
COLOURS = ("#2f6f9f", "#9cc3dd", "#d9a25f")


def draw(results: Results, out: Path) -> None:
    """Write the chart as PNG to `out`: medians, with a line from the least to the most that was measured."""
    figure = Figure(figsize=(14, 8), layout="constrained")
    for axes, (title, series) in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
        for number, (label, name) in enumerate(series.items()):
            _bars(axes, results.figures[name], number, len(series), label)
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xticks(range(len(results.figures[COLD])), results.figures[COLD])
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(y=0.12)
        if len(series) > 1:
            axes.legend(frameon=False)
    figure.suptitle(f"The same model behind the same API; medians of {results.repetitions} runs, less is better")
    figure.savefig(out, dpi=110, metadata={"Software": None})


def _bars(axes: Axes, values: Mapping[str, Sequence[float]], number: int, of: int, label: str) -> None:
    """Draw one series, `number` of so many, beside the others."""
    width = 0.8 / of
    for position, samples in enumerate(values.values()):
        median = statistics.median(samples)
        spread = [[median - min(samples)], [max(samples) - median]]
        bars = axes.bar(
            position + (number - (of - 1) / 2) * width,
            median,
            width,
            color=COLOURS[number],
            yerr=spread if len(samples) > 1 else None,
            ecolor="#555555",
            label=label if position == 0 else None,
        )
        axes.bar_label(bars, [f"{median:.{1 if median < 10 else 0}f}"], padding=3, fontsize=8)
