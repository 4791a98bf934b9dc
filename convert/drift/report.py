"""The page that shows what shifted: one HTML file that loads nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.drift.findings import POINTS, Findings, Shift
from convert.drift.plots import labels, over_days, overview, spread
from convert.drift.tables import against, index, percent
from convert.errors import listed
from convert.page.render import rendered

PLOTTED = 12
"""Of how many features the page shows how they spread, those that shifted most."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The headline: `kind` says in which colours it is shown."""

    kind: str
    mark: str
    title: str
    text: str


def write_report(file: Path, found: Findings) -> None:
    """Write the page; raise OSError if that can't be done."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the fonts that matplotlib lacks
        page = _page(found)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")


def _page(found: Findings) -> str:
    answer = [found.prediction] if found.prediction is not None else []
    drawn = [*answer, *found.features[:PLOTTED]]
    return rendered(
        "drift/page.html",
        found=found,
        verdict=verdict(found),
        facts=list(_facts(found)),
        overview=overview(sorted(found.compared, key=lambda shift: -(shift.psi or 0.0))),
        pair=[plot for plot in (labels(found), over_days(found.features)) if plot is not None],
        spreads=[spread(shift, number) for number, shift in enumerate(drawn)],
        percent=percent,
        against=against,
        index=index,
    )


def verdict(found: Findings) -> Verdict:
    """Return what is to be seen first."""
    large = [shift for shift in found.compared if shift.word == "large"]
    moderate = [shift for shift in found.compared if shift.word == "moderate"]
    gaps = [shift for shift in found.compared if shift.gap > POINTS]
    absent = [shift for shift in found.compared if shift.psi is None]
    if gaps and not large:
        names = listed([shift.name for shift in sorted(gaps, key=lambda shift: -shift.gap)])
        return Verdict(
            "failed", "▲", f"{_title(gaps, found)} with more gaps", f"Missing, unknown or outside more often: {names}."
        )
    if large:
        return Verdict("failed", "▲", f"{_title(large, found)} shifted", _names("By 0.25 and more", large))
    if absent:
        names = listed([shift.name for shift in absent])
        return Verdict(
            "failed", "▲", f"{_title(absent, found)} did not come in", f"There is nothing to compare: {names}."
        )
    if moderate:
        return Verdict(
            "moderate", "△", f"{_title(moderate, found)} shifted a little", _names("By 0.1 to 0.25", moderate)
        )
    if any(shift.word != "stable" for shift in found.compared):
        return Verdict(
            "tested", "…", "Too few rows to tell", "What is above 0.1 is not above what chance makes of them."
        )
    return Verdict("proved", "✔", "What comes in is like the sample", "No index is above 0.1.")


def _title(shifts: Sequence[Shift], found: Findings) -> str:
    """Return how many features there are among the shifts, and the answer if it is."""
    count = len(shifts) - (found.prediction in shifts)
    features = f"{count} of {len(found.features)} features" if count else ""
    return " and ".join(part for part in (features, "the answer" if found.prediction in shifts else "") if part)


def _names(size: str, shifts: Sequence[Shift]) -> str:
    names = listed([shift.name for shift in sorted(shifts, key=lambda shift: -(shift.psi or 0.0))])
    return f"{size}: {names}."


def _facts(found: Findings) -> Iterator[tuple[str, str]]:
    yield "model", found.model
    yield "SHA-256", found.sha256
    yield "from", _time(found.since)
    yield "to", _time(found.until)
    yield "days with rows", f"{len(found.days):,}"
    yield "calls", f"{found.calls:,}"
    yield "rows", f"{found.rows:,}"
    yield "files", f"{found.objects:,}"
    yield "rows of the sample", f"{found.sample_rows:,}"


def _time(moment: str) -> str:
    return f"{moment[:16].replace('T', ' ')} UTC"
