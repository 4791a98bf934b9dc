"""How far a run is, for a person: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

LINE_SECONDS = 10.0
"""How often there is a line where there is no terminal."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a run is: rows of about rows_about, chunks of chunks_planned, and rows a second of who is at it now."""

    rows: int
    rows_about: int
    chunks: int
    chunks_planned: int
    rate: float = 0.0

    @classmethod
    def of(
        cls,
        run: Mapping[str, Any],
        records: Iterable[Mapping[str, Any]],
        since: datetime | None = None,
        seconds: float = 0.0,
    ) -> Pace:
        """Return it of a run's plan and records; the rows in all are told by the bytes that each row took so far.

        since: when the execution began whose rate it is, None for none; seconds: how long ago that is.
        """
        found = list(records)
        rows, size = sum(each["rows"] for each in found), sum(each["bytes_in"] for each in found)
        about = round(rows * run["bytes"] / size) if rows and size else run["rows_about"]
        whole = len(found) >= run["chunks"]
        rate = 0.0
        if since is not None and seconds > 0:
            since = since.replace(microsecond=0)  # S3 tells whole seconds
            rate = sum(each["rows"] for each in found if each["written"] >= since) / seconds
        return cls(rows, rows if whole else max(about, rows), len(found), run["chunks"], rate)

    @property
    def left(self) -> float | None:
        """About how many seconds are left; None while nobody can tell.

        >>> Pace(250, 1000, 1, 4, 50.0).left
        15.0
        """
        return (self.rows_about - self.rows) / self.rate if self.rate else None

    def line(self) -> str:
        """Return it in a line.

        >>> Pace(250, 1000, 1, 4, 50.0).line()
        '250 of about 1,000 rows, 1 of 4 chunks, 50 rows/s, about 15 s left'
        """
        of = "" if self.chunks >= self.chunks_planned else f" of about {self.rows_about:,}"
        told = f"{self.rows:,}{of} rows, {self.chunks} of {self.chunks_planned} chunks"
        return told if self.left is None else f"{told}, {self.rate:,.0f} rows/s, about {span(self.left)} left"


def span(seconds: float) -> str:
    """Return a time as a person says it.

    >>> span(4.2), span(75), span(7380)
    ('4 s', '1 min 15 s', '2 h 3 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Bar:
    """Shows how far a run is, each time that it is told."""

    def __init__(self, console: Console) -> None:
        self._console, self._said = console, time.monotonic()
        self._progress = Progress(
            BarColumn(30), TextColumn("{task.description}"), console=console, disable=not console.is_terminal
        )
        self._task = self._progress.add_task("planning", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, pace: Pace) -> None:
        """Show how far it is."""
        self._progress.update(self._task, completed=pace.rows, total=max(1, pace.rows_about), description=pace.line())
        if not self._console.is_terminal and time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            self._console.print(pace.line(), soft_wrap=True)
