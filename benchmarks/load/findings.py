"""What a run found: everything that is wrong, and the latencies by phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.load.changes import State
from benchmarks.load.front import KEPT
from benchmarks.load.history import fickle, lives, told
from benchmarks.load.run import Outcome

GROWTH = 10e6
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


@dataclass(frozen=True, slots=True)
class Taken:
    """The resident bytes of an environment that lives from start to end.

    start: after the first stage. loaded: the most before S3 failed, when all models had been loaded. end: at the end.
    """

    start: int
    loaded: int
    end: int


def memory(outcome: Outcome) -> dict[int, Taken]:
    """Return what each environment that lives from start to end takes, 0 where it ended, by its number."""
    away = [stage for stage, change in enumerate(outcome.changes) if change.state is State.AWAY]
    taken = {number: [each[number] for each in outcome.memory] for number in sorted(outcome.memory[0]) if number < KEPT}
    return {number: Taken(each[0], max(each[: away[0]]), each[-1]) for number, each in taken.items()}


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
    """Yield what takes more memory at the end than it took for the same models before."""
    for number, taken in memory(outcome).items():
        if taken.end == 0:
            yield f"the interpreter of environment {number} ended"
        elif taken.end - taken.loaded > GROWTH:
            yield f"environment {number} takes {taken.end:,} bytes at the end, took {taken.loaded:,} before S3 failed"
