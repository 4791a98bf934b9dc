"""Captured lines are counted, day by day, a block of them at a time: what is kept does not grow with their number."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convert.drift.columns import BESIDE, Column
from convert.drift.stability import Counts

TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(\.\d+)?Z")
MOST_NAMES = 1000
"""Of how many features that the model does not take the names are kept."""

type Line = Mapping[str, Any]


@dataclass(slots=True)
class Version:
    """What a version of the model answered: rows, calls, from when to when, and how often each label or bin."""

    version: str
    sha256: str
    candidate: bool
    rows: int = 0
    calls: int = 0
    first: str = ""
    last: str = ""
    answers: Counts | None = None


@dataclass(slots=True)
class Day:
    """A day's rows and calls, the counts of each feature (`Column.count`), and those of the answers."""

    features: list[Counts]
    answers: Counts | None
    rows: int = 0
    calls: int = 0


@dataclass(slots=True)
class Tally:
    """What was counted so far. Rows of the candidate count as rows that came in; their answers, for its version only.

    since: the earliest time that counts, as lines have it.
    bad: lines that are none; older: those from before; others: features that the model does not take.
    """

    columns: Sequence[Column]
    answer: Column | None
    since: str = ""
    days: dict[str, Day] = field(default_factory=dict)
    versions: dict[tuple[str, str, bool], Version] = field(default_factory=dict)
    bad: int = 0
    older: int = 0
    others: Counter[str] = field(default_factory=Counter)

    def add(self, block: Iterable[bytes]) -> None:
        """Count some lines."""
        by_day: dict[str, list[Line]] = defaultdict(list)
        for line in map(self._read, block):
            if line is not None:
                by_day[line["time"][:10]].append(line)
        for day, lines in by_day.items():
            self._count(self._day(day), lines)

    def _read(self, text: bytes) -> Line | None:
        """Return a line that counts."""
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not _is_line(line):
            self.bad += bool(text.strip())
            return None
        if line["time"].removesuffix("Z") < self.since.removesuffix("Z"):  # as "." is less than "Z"
            self.older += 1
            return None
        return dict(line)

    def _day(self, day: str) -> Day:
        if day not in self.days:
            empty = [np.zeros(len(column.bins) + BESIDE, np.int64) for column in self.columns]
            self.days[day] = Day(empty, _none_of(self.answer))
        return self.days[day]

    def _count(self, day: Day, lines: Sequence[Line]) -> None:
        day.rows += len(lines)
        day.calls += _calls(lines)
        for column, counts in zip(self.columns, day.features, strict=True):
            name = column.name
            having = [line for line in lines if name in line["features"]]
            odd = [name in line.get("unknown", ()) for line in having]
            counts += column.count([line["features"][name] for line in having], odd)
        self._note_others(lines)
        by_version: dict[tuple[str, str, bool], list[Line]] = defaultdict(list)
        for line in lines:
            whose = str(line.get("version", "")), str(line.get("sha256", "")), bool(line.get("candidate"))
            by_version[whose].append(line)
        for whose, those in by_version.items():
            answers = self._count_version(whose, those)
            if day.answers is not None and answers is not None and not whose[2]:
                day.answers += answers

    def _count_version(self, whose: tuple[str, str, bool], lines: Sequence[Line]) -> Counts | None:
        """Count what a version answered; return how often it answered what."""
        if whose not in self.versions:
            self.versions[whose] = Version(*whose, answers=_none_of(self.answer))
        version = self.versions[whose]
        version.rows += len(lines)
        version.calls += _calls(lines)
        times = [line["time"] for line in lines]
        version.first = min([version.first, *times] if version.first else times)
        version.last = max([version.last, *times])
        if self.answer is None or version.answers is None:
            return None
        answers = self.answer.count([line.get("prediction") for line in lines], [False] * len(lines))
        version.answers += answers
        return answers

    def _note_others(self, lines: Iterable[Line]) -> None:
        known = {column.name for column in self.columns}
        for line in lines:
            for name in line["features"].keys() - known:
                if name in self.others or len(self.others) < MOST_NAMES:
                    self.others[name] += 1


def _is_line(line: Any) -> bool:
    return (
        isinstance(line, dict)
        and isinstance(line.get("time"), str)
        and TIME.fullmatch(line["time"]) is not None
        and isinstance(line.get("features"), dict)
        and isinstance(line.get("unknown", []), list)
    )


def _calls(lines: Iterable[Line]) -> int:
    """Return how many calls lines are of: each has one first row."""
    return sum(line.get("row", 0) == 0 for line in lines)


def _none_of(answer: Column | None) -> Counts | None:
    return None if answer is None else np.zeros(len(answer.bins) + BESIDE, np.int64)
