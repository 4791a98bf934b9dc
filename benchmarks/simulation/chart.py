"""What was simulated, as a picture: the slow calls and the cost by memory, for each kind of traffic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.chart import COLOURS
from benchmarks.simulation.runs import MEMORY_SIZES, PERCENTILES, PROVISIONED, Run
from benchmarks.simulation.traffic import TRAFFIC

STYLES = {50: ":", 95: "--", 99: "-.", 99.9: "-"}
SAME_EACH_TIME: Any = {"svg.hashsalt": "plume", "svg.fonttype": "none", "font.family": "sans-serif"}


def draw(found: Sequence[Run], out: Path) -> None:
    """Write the chart as SVG to `out`."""
    with mpl.rc_context(SAME_EACH_TIME):
        figure = Figure(figsize=(14, 8), layout="constrained")
        grid = figure.subplots(2, len(TRAFFIC), sharex=True, sharey="row")
        for column, traffic in enumerate(TRAFFIC):
            of_it = [run for run in found if run.traffic == traffic]
            _latency(grid[0][column], of_it)
            _cost(grid[1][column], of_it)
            grid[0][column].set_title(f"{traffic} traffic", loc="left", fontweight="bold")
            grid[1][column].set_xlabel("memory, MB")
        grid[0][0].set_ylabel("ms from call to answer")
        grid[1][0].set_ylabel("US dollars for a million calls")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, loc="outside lower right", ncols=4)
        figure.suptitle("Simulated: latency and cost by traffic, memory and provisioned concurrency; less is better")
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})


def _latency(axes: Axes, found: Sequence[Run]) -> None:
    for colour, provisioned in zip(COLOURS, PROVISIONED, strict=False):
        of_it = [run for run in found if run.provisioned == provisioned]
        for number, percentile in enumerate(PERCENTILES):
            axes.plot(
                range(len(of_it)),
                [run.percentiles[number] * 1e3 for run in of_it],
                STYLES[percentile],
                color=colour,
                marker="o",
                markersize=4,
                label=f"p{percentile}, {provisioned} provisioned",
            )
    axes.set_yscale("log")
    _finish(axes)


def _cost(axes: Axes, found: Sequence[Run]) -> None:
    width = 0.8 / len(PROVISIONED)
    for number, provisioned in enumerate(PROVISIONED):
        of_it = [run for run in found if run.provisioned == provisioned]
        places = [place + (number - (len(PROVISIONED) - 1) / 2) * width for place in range(len(of_it))]
        bars = axes.bar(places, [run.million for run in of_it], width, color=COLOURS[number])
        axes.bar_label(bars, [f"{run.million:.1f}" for run in of_it], padding=3, fontsize=8)
    axes.margins(y=0.12)
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.set_xticks(range(len(MEMORY_SIZES)), [f"{memory:,}" for memory in MEMORY_SIZES])
    axes.spines[["top", "right"]].set_visible(False)
