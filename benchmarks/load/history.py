"""What all answers together say, environment by environment: whether each was in time, and which calls met a reload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.load.changes import Change, State
from benchmarks.load.verdict import Verdict

COLD, WARM, RELOAD = "cold", "warm", "reload"
PHASES = (COLD, RELOAD, WARM)
REMEMBERED = 4
"""For how many stages an environment that could not load a model may say so: it remembers failures for 10 s."""


@dataclass(frozen=True, slots=True)
class Record:
    """A call that was made, by which environment, as which of its calls, and what its answer says.

    began: the last stage whose change was made when the call was. ended: the last that had begun when it was answered.
    settled: whether its environment was idle for so long that it has to know what was published before.
    """

    number: int
    kind: str
    user: str
    environment: int
    turn: int
    began: int
    ended: int
    settled: bool
    seconds: float
    verdict: Verdict


class Life:
    """The calls of one environment, in their order.

    stages: for each call, of which stage its answer tells; None where it tells of none. That never goes back.
    wrong: what is wrong with answers that are right by themselves.
    """

    def __init__(self, records: Sequence[Record], changes: Sequence[Change]) -> None:
        self.records = records
        self.stages: list[int | None] = []
        self.wrong: list[str] = []
        self._changes = changes
        known, scored = records[0].began, False
        for record in records:
            known = max(known, record.began) if record.settled else known
            stage = self._stage(record, known) if record.verdict.models else None
            self.stages.append(stage)
            if stage is not None and changes[stage].current in record.verdict.models:  # candidates are looked at apart
                known = stage
            if record.verdict.status == 503 and (scored or not self._may_lack(record)):
                self.wrong.append(f"{told(record)}: 503, {'after scores' if scored else 'although one is published'}")
            scored = scored or bool(record.verdict.models)

    def phases(self) -> list[str]:
        """Return the phase of each call; of a reload are the first by another model, and the call before it."""
        phases = [COLD] + [WARM] * (len(self.records) - 1)
        known: int | None = None
        for turn, stage in enumerate(self.stages):
            if stage is not None and known is not None and stage > known:
                phases[turn] = RELOAD
                phases[turn - 1] = phases[turn - 1] if turn == 1 else RELOAD
            if stage is not None:
                known = max(stage, known or 0)
        return phases

    def _stage(self, record: Record, known: int) -> int | None:
        """Return the first stage from `known` on in which one of the answer's models answers."""
        for stage in range(known, record.ended + 1):
            if not set(record.verdict.models).isdisjoint(self._changes[stage].models):
                return stage
        self.wrong.append(
            f"{told(record)}: by {record.verdict.models}, although '{self._changes[known].name}' was known"
        )
        return None

    def _may_lack(self, record: Record) -> bool:
        """Whether an environment that has scored nothing yet may have no model."""
        recent = self._changes[max(record.began - REMEMBERED, 0) : record.ended + 1]
        return any(change.state is not State.SOUND for change in recent)


def lives(records: Iterable[Record], changes: Sequence[Change]) -> list[Life]:
    """Return the life of each environment."""
    ordered = sorted(records, key=lambda record: (record.environment, record.turn))
    return [Life(list(of_one), changes) for _, of_one in groupby(ordered, lambda record: record.environment)]


def fickle(records: Iterable[Record], changes: Sequence[Change]) -> Iterator[str]:
    """Yield where a user is answered now by the candidate and now by the current model.

    Compared are the answers of environments that have both, while nothing changes: first the current one has answered,
    and then the candidate, which may have been the current one before.
    """
    first: dict[tuple[int, str], str] = {}
    current: set[tuple[int, int]] = set()
    both: set[tuple[int, int]] = set()
    for record in sorted(records, key=lambda record: (record.environment, record.turn)):
        models, stage = record.verdict.models, record.began
        if len(models) != 1 or record.ended != stage or not changes[stage].candidate:
            continue
        place = record.environment, stage
        if models[0] == changes[stage].current:
            current.add(place)
        elif place in current:
            both.add(place)
        if record.user and place in both:
            before = first.setdefault((stage, record.user), models[0])
            if before != models[0]:
                yield f"{told(record)}: {record.user} is answered by {models[0]}, was by {before}"


def told(record: Record) -> str:
    """Return a record as messages name it."""
    return f"call {record.number} ({record.kind}, environment {record.environment}, stage {record.began})"
