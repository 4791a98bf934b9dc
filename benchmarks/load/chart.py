"""A run as one picture: what each call took, by phase, and the changes."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.load.changes import State
from benchmarks.load.findings import Findings
from benchmarks.load.history import COLD, RELOAD, WARM
from benchmarks.load.run import Outcome

COLOURS = {WARM: "#9cc3dd", RELOAD: "#d9a25f", COLD: "#2f6f9f"}
SIZES = {WARM: 2, RELOAD: 8, COLD: 14}


def draw(outcome: Outcome, found: Findings, out: Path) -> None:
    """Write the chart as PNG to `out`."""
    figure = Figure(figsize=(14, 7), layout="constrained")
    axes = figure.subplots()
    for phase, colour in COLOURS.items():
        of_it = [record for record in outcome.records if found.phases[record.number] == phase]
        numbers, taken = [record.number for record in of_it], [record.seconds * 1e3 for record in of_it]
        axes.scatter(numbers, taken, SIZES[phase], colour, label=f"{phase} ({len(of_it):,})", linewidths=0)
    of_a_round = (len(outcome.changes) - 1) // outcome.plan.rounds
    for stage, (first, change) in enumerate(zip(outcome.firsts, outcome.changes, strict=True)):
        axes.axvline(first, color="#999999" if change.state is State.SOUND else "#cc5555", linewidth=0.5)
        if stage < of_a_round:
            axes.text(first, 1, change.name, transform=axes.get_xaxis_transform(), rotation=90, va="top", fontsize=7)
    axes.set_yscale("log")
    axes.set_xlabel("call")
    axes.set_ylabel("ms from the event to the answer")
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside lower right", ncols=3, markerscale=2)
    figure.suptitle(
        "Calls while models change; lines are changes, red where S3 has no sound model, named in the first round"
    )
    figure.savefig(out, dpi=110, metadata={"Software": None})
