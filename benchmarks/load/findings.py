"""What a run found: everything that is wrong, and the latencies by phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.load.front import KEPT
from benchmarks.load.history import fickle, lives, told
from benchmarks.load.run import Outcome

GROWTH = 16e6
"""How many bytes more an environment may take at the end: what allocators keep of models that are gone."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that is wrong, in words; the phase of each call, by its number."""

    wrong: list[str]
    phases: Mapping[int, str]


def findings(outcome: Outcome) -> Findings:
    """Return what the run found."""
    found = lives(outcome.records, outcome.changes)
    phases = {record.number: phase for life in found for record, phase in zip(life.records, life.phases(), strict=True)}
    wrong = [
        *_lost(outcome),
        *(f"{told(each)}: {each.verdict.wrong}" for each in outcome.records if each.verdict.wrong),
    ]
    wrong += [each for life in found for each in life.wrong]
    wrong += [*fickle(outcome.records, outcome.changes), *_misnamed(outcome), *_grown(outcome)]
    return Findings(wrong, phases)


def kept_memory(outcome: Outcome) -> dict[int, list[int]]:
    """Return the resident bytes of each environment that lives from start to end, at the end of each stage."""
    return {number: [each[number] for each in outcome.memory] for number in sorted(outcome.memory[0]) if number < KEPT}


def _lost(outcome: Outcome) -> Iterator[str]:
    plan = outcome.plan
    if lost := set(range(plan.calls)).difference(record.number for record in outcome.records):
        yield f"{len(lost)} of {plan.calls} calls were not made in {plan.seconds:.0f} s, the first is {min(lost)}"


def _misnamed(outcome: Outcome) -> Iterator[str]:
    """Yield what names a version that is not the model that it names beside it."""
    for record in outcome.records:
        version, models = record.verdict.version, record.verdict.models
        if version and outcome.versions.get(version, "none") not in models:
            yield f"{told(record)}: version {version} is {outcome.versions.get(version)!r}, not {models}"


def _grown(outcome: Outcome) -> Iterator[str]:
    """Yield what takes more memory at the end than after the first stage, with the same model."""
    for number, taken in kept_memory(outcome).items():
        if 0 in taken:
            yield f"the interpreter of environment {number} ended"
        elif taken[-1] - taken[0] > GROWTH:
            yield f"environment {number} took {taken[0]:,} bytes at the start, takes {taken[-1]:,} at the end"
