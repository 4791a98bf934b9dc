"""A run as a page."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.load.findings import Findings, memory
from benchmarks.load.history import PHASES, WARM, Record
from benchmarks.load.run import MODEL_TTL, PAUSES, Outcome
from benchmarks.tables import table


def page(outcome: Outcome, found: Findings) -> str:
    """Return the page in Markdown."""
    by_phase = {
        phase: [record for record in outcome.records if found.phases[record.number] == phase] for phase in PHASES
    }
    kinds = sorted({record.kind for record in outcome.records})
    by_kind = {kind: [record for record in by_phase[WARM] if record.kind == kind] for kind in kinds}
    statuses = Counter(record.verdict.status for record in outcome.records)
    sections = [
        ["# Load", "", _setting(outcome)],
        ["![What each call took](load.png)"],
        [_found(found)],
        ["## By phase", "", *_latencies(by_phase)],
        ["## Warm, by dialect", "", *_latencies(by_kind)],
        [
            "## By status",
            "",
            *table(["status", "answers"], [[str(each), f"{statuses[each]:,}"] for each in sorted(statuses)]),
        ],
        ["## Memory, MB", "", *_memory(outcome)],
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _setting(outcome: Outcome) -> str:
    plan, environments = outcome.plan, {record.environment for record in outcome.records}
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("onnxruntime", "numpy"))
    return (
        f"Written by `make load` on {platform.system()} {platform.machine()} with {os.cpu_count()} cores, Python"
        f" {platform.python_version()}, {versions}. {plan.calls:,} calls in {outcome.seconds:,.0f} s (seed"
        f" {plan.seed}), {len(outcome.changes)} changes in {plan.rounds} rounds, at most {plan.environments}"
        f" environments at a time, {len(environments)} in all, through AWS's Runtime Interface Emulator and"
        " awslambdaric over the built layer. A small front gives each one call at a time, makes another when all are"
        " busy, and ends one now and then. Between calls the interpreter is stopped, as Lambda freezes it. MODEL_TTL is"
        f" {MODEL_TTL} s; between two changes all environments are idle for {min(PAUSES)} or {max(PAUSES)} s. Clients,"
        " front, emulator and environments share the cores, and latencies have that in them. A call's time is that from"
        " the event to the answer, without its wait for an environment. Cold is the first call of an environment; of a"
        " reload are the first answer by another model and the call before it, beside which that was loaded; warm are"
        " the others. Those of seconds are of an environment that starts while S3 hangs, and has no model, or of one"
        " that waits in vain to see whether there is another."
    )


def _found(found: Findings) -> str:
    if not found.wrong:
        return (
            "Every call was answered; every answer was that of the estimator whose model file it names, labels bit for"
            " bit, probabilities within 1e-15; none came from a file that is refused, or from an earlier model than"
            " the environment had answered by before."
        )
    return f"**{len(found.wrong)} things were wrong**, which the run has listed."


def _latencies(groups: dict[str, list[Record]]) -> Iterator[str]:
    rows = ([name, f"{len(records):,}", *_percentiles(records)] for name, records in groups.items())
    return table(["", "calls", "p50, ms", "p99, ms", "most, ms"], rows)


def _percentiles(records: Sequence[Record]) -> list[str]:
    if not records:
        return ["-"] * 3
    taken = np.array([record.seconds for record in records]) * 1e3
    return [f"{np.percentile(taken, share):,.1f}" for share in (50, 99, 100)]


def _memory(outcome: Outcome) -> Iterator[str]:
    rows = (
        [str(number), *(f"{each / 1e6:.1f}" for each in (taken.start, taken.loaded, taken.end))]
        for number, taken in memory(outcome).items()
    )
    return table(["environment", "after the first stage", "most before S3 failed", "at the end"], rows)
