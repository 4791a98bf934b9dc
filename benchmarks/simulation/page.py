"""What was simulated, as lines of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.simulation.measured import Spread
from benchmarks.simulation.runs import PERCENTILES, Plan, Run
from benchmarks.tables import table


def lines(plan: Plan, start: Spread, call: Spread, found: Sequence[Run]) -> Iterator[str]:
    """Return a paragraph and a table."""
    yield (
        f"{plan.seconds / 60:g} minutes with {plan.rate:g} calls a second in the mean, seed {plan.seed}. With one vCPU"
        f" a call of two rows takes {call.median * 1e3:.2f} ms ({call.least * 1e3:.2f} to {call.most * 1e3:.2f}), one"
        f" that waits for a new environment {start.median * 1e3:.0f} ms ({start.least * 1e3:.0f} to"
        f" {start.most * 1e3:.0f}) more: [measured](../benchmarks/RESULTS.md), with 20 ms to S3."
    )
    yield ""
    percentiles = [f"p{each}, ms" for each in PERCENTILES]
    head = ["traffic", "MB", "provisioned", "calls", "cold", "at once", *percentiles, "$ a million"]
    yield from table(head, (_row(run) for run in found))


def _row(run: Run) -> list[str]:
    return [
        run.traffic,
        f"{run.memory:,}",
        str(run.provisioned),
        f"{run.calls:,}",
        f"{run.cold:,}",
        str(run.most_at_once),
        *(f"{each * 1e3:,.{1 if each < 0.1 else 0}f}" for each in run.percentiles),
        f"{run.million:.2f}",
    ]
