"""What the comparison found, feature by feature, day by day, version by version."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from convert.drift import stability
from convert.drift.columns import BESIDE, MISSING, OUTSIDE, UNKNOWN, Column
from convert.drift.stability import Counts, chance, psi, word
from convert.drift.tally import Tally

POINTS = 0.02
"""By how much more, as a share of the rows, values are missing, unknown or outside where that is told of."""
ENDS = 9.23
"""Over the rows of the sample: the share that chance alone has beyond its two ends once in 1,000 times."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far what came in of a feature, or as the answer, is from the sample.

    psi: the population stability index; None where nothing came in. chance: what chance alone reaches once in 1,000.
    bins, expected, came: the bins by name, and the share of each in the sample and in what came in.
    missing, unknown, outside: shares of the rows; outside is below the least or above the greatest of the sample.
    outside_chance: what chance alone makes of it, once in 1,000 times.
    by_day: the index of each day, of those with rows enough to tell 0.25 from chance.
    """

    name: str
    type: str
    rows: int
    psi: float | None
    chance: float
    word: str
    bins: Sequence[str]
    expected: Sequence[float]
    came: Sequence[float]
    missing: float
    missing_expected: float
    unknown: float
    unknown_expected: float
    outside: float
    outside_chance: float
    by_day: Mapping[str, float]

    @property
    def gap(self) -> float:
        """By how much more, as a share of the rows, values are missing, unknown or outside, beyond sample and chance.

        Chance makes that much at the most once in 1,000 times: 3.3 standard deviations of a share of a half.
        """
        more = max(
            self.missing - self.missing_expected,
            self.unknown - self.unknown_expected,
            self.outside - self.outside_chance,
        )
        return more - 1.65 / math.sqrt(max(1, self.rows))

    def is_above(self, limit: float) -> bool:
        """Whether the index is above a limit, and above what chance alone makes of so few rows; or the gap is."""
        return self.gap > limit or (self.psi is not None and self.psi > max(limit, self.chance))


@dataclass(frozen=True, slots=True)
class Labels:
    """Rows and calls of a day or of a version, and the share of each label; empty where there is none to tell."""

    name: str
    rows: int
    calls: int
    labels: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Served:
    """What one version answered, from when to when; whether it is the one that is compared with."""

    version: str
    sha256: str
    candidate: bool
    compared: bool
    rows: int
    calls: int
    first: str
    last: str
    labels: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found; `expected_labels` are the shares of what the estimator answered to the sample."""

    model: str
    sha256: str
    since: str
    until: str
    sample_rows: int
    rows: int
    calls: int
    objects: int
    bad_lines: int
    older_lines: int
    features: Sequence[Shift]
    prediction: Shift | None
    expected_labels: Mapping[str, float]
    days: Sequence[Labels]
    versions: Sequence[Served]
    notes: Sequence[str]

    @property
    def compared(self) -> list[Shift]:
        """The features, and the answer if it is compared."""
        return [*self.features, *([self.prediction] if self.prediction is not None else [])]

    def above(self, limit: float) -> list[Shift]:
        """Return what is above a limit."""
        return [shift for shift in self.compared if shift.is_above(limit)]

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def findings(tally: Tally, *, model: str, sha256: str, until: str, sample_rows: int, objects: int) -> Findings:
    """Return what was found in what was counted."""
    days = dict(sorted(tally.days.items()))
    shifts = [_shift(column, {day: each.features[n] for day, each in days.items()}) for n, column in _each(tally)]
    answer = tally.answer
    answers = {day: each.answers for day, each in days.items() if each.answers is not None}
    labels = answer if answer is not None and answer.edges is None else None
    versions = sorted(tally.versions.values(), key=lambda version: version.first)
    served = [
        Served(
            each.version,
            each.sha256,
            each.candidate,
            each.sha256 == sha256,
            each.rows,
            each.calls,
            each.first,
            each.last,
            _label_shares(labels, each.answers),
        )
        for each in versions
    ]
    rows = sum(each.rows for each in days.values())
    return Findings(
        model=model,
        sha256=sha256,
        since=tally.since,
        until=until,
        sample_rows=sample_rows,
        rows=rows,
        calls=sum(each.calls for each in days.values()),
        objects=objects,
        bad_lines=tally.bad,
        older_lines=tally.older,
        features=sorted(shifts, key=lambda shift: -1 if shift.psi is None else shift.psi, reverse=True),
        prediction=None if answer is None or not answers else _shift(answer, answers),
        expected_labels=_label_shares(labels, None if labels is None else _whole(labels.reference)),
        days=[Labels(day, each.rows, each.calls, _label_shares(labels, each.answers)) for day, each in days.items()],
        versions=served,
        notes=list(_notes(tally, served, shifts, rows)),
    )


def _each(tally: Tally) -> Iterator[tuple[int, Column]]:
    return enumerate(tally.columns)


def _shift(column: Column, by_day: Mapping[str, Counts]) -> Shift:
    counts = sum(by_day.values(), np.zeros(len(column.bins) + BESIDE, np.int64))
    came, beside = counts[: len(column.bins)], counts[len(column.bins) :].tolist()
    known, rows = int(came.sum()), int(came.sum()) + beside[MISSING]
    index, limit = (psi(column.reference, came), chance(column.reference, came)) if known else (None, 0.0)
    return Shift(
        name=column.name,
        type=column.type,
        rows=rows,
        psi=index,
        chance=limit,
        word="nothing came in" if index is None else word(index, limit),
        bins=column.bins,
        expected=(column.reference / column.reference.sum()).tolist(),
        came=(came / max(1, known)).tolist(),
        missing=beside[MISSING] / max(1, rows),
        missing_expected=column.missing,
        unknown=beside[UNKNOWN] / max(1, rows),
        unknown_expected=column.unknown,
        outside=beside[OUTSIDE] / max(1, rows),
        outside_chance=min(1.0, ENDS / max(1, int(column.reference.sum()))),
        by_day=dict(_by_day(column, by_day)),
    )


def _by_day(column: Column, by_day: Mapping[str, Counts]) -> Iterator[tuple[str, float]]:
    for day, counts in by_day.items():
        came = counts[: len(column.bins)]
        if came.sum() and chance(column.reference, came) < stability.LARGE:
            yield day, psi(column.reference, came)


def _whole(reference: Counts) -> Counts:
    return np.concatenate([reference, np.zeros(BESIDE, np.int64)])


def _label_shares(labels: Column | None, counts: Counts | None) -> dict[str, float]:
    """Return the share of each label in what was answered; of what is no label of the model, if there is some."""
    if labels is None or counts is None:
        return {}
    of_labels = counts[: len(labels.bins)]
    found = (of_labels / max(1, int(of_labels.sum()))).tolist()
    told = dict(zip(labels.bins, found, strict=True))
    return told if found[-1] else dict(list(told.items())[:-1])


def _notes(tally: Tally, served: Sequence[Served], shifts: Sequence[Shift], rows: int) -> Iterator[str]:
    """Yield what is to be known of the lines."""
    if tally.bad:
        yield f"{tally.bad:,} of the lines are no captured rows, and not counted"
    current = [each for each in served if not each.candidate]
    if len(current) > 1:
        changes = ", ".join(f"{each.version} from {each.first[:16].replace('T', ' ')}" for each in current)
        yield f"the model changed in between: {changes}"
    if served and not any(each.compared for each in served):
        yield "none of the rows was scored by the model that they are compared with"
    for name, count in sorted(tally.others.items()):
        yield f"{count:,} rows have {name!r}, of which the model's card tells nothing"
    for shift in shifts:
        if shift.rows < rows:
            yield f"{rows - shift.rows:,} rows have no {shift.name!r}, or another kind of value"
    for shift in shifts:
        for what, share, expected in (
            ("missing", shift.missing, shift.missing_expected),
            ("unknown", shift.unknown, shift.unknown_expected),
        ):
            if share - expected > POINTS:
                yield f"{shift.name!r} is {what} in {share:.1%} of the rows, in {expected:.1%} of the sample"
        if shift.outside - shift.outside_chance > POINTS:
            yield f"{shift.name!r} is beyond the sample's least or greatest in {shift.outside:.1%} of the rows"
    if any(shift.word == "too few rows" for shift in shifts):
        yield "of so few rows, some indices are no higher than chance makes them once in 1,000 times"
