"""What was found, as tables for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table

from convert.drift.findings import Findings, Shift
from convert.text import plain

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"large": "red", "moderate": "yellow", "stable": "green"}
SHOWN = 40
"""How many features the table has at the most, those that shifted most."""
LABELS = 8
"""Of how many labels shares are shown."""


def show(found: Findings, console: Console) -> None:
    """Print it: the features, the days, the versions, what else is to be known."""
    console.print(headline(found), soft_wrap=True)
    console.print(_features(found))
    if len(found.features) > SHOWN:
        console.print(f"… and {len(found.features) - SHOWN:,} more features that shifted less")
    console.print(_days(found))
    if len(found.versions) > 1:
        console.print(_versions(found))
    for note in found.notes:
        console.print(f"[yellow]{plain(note)}[/]", soft_wrap=True)


def headline(found: Findings) -> str:
    """Return what was compared with what, in a sentence."""
    return (
        f"{found.rows:,} rows of {found.calls:,} calls since {found.since[:16].replace('T', ' ')} UTC against"
        f" {found.sample_rows:,} rows of the sample of {plain(found.model)}"
    )


def _features(found: Findings) -> Table:
    table = Table("feature", title="what came in against the sample")
    for name in ("PSI", "", "missing", "unknown", "outside"):
        table.add_column(name, justify="left" if not name else "right")
    for shift in [*found.features[:SHOWN], *([found.prediction] if found.prediction is not None else [])]:
        is_answer = shift is found.prediction
        if is_answer:
            table.add_section()
        style = STYLES.get(shift.word, "")
        table.add_row(plain(shift.name), index(shift), shift.word, *_cells(shift), style=style)
    return table


def _cells(shift: Shift) -> Iterator[str]:
    yield against(shift.missing, shift.missing_expected)
    yield against(shift.unknown, shift.unknown_expected) if shift.type in ("str", "label") else ""
    yield percent(shift.outside) if shift.type == "float" else ""


def index(shift: Shift) -> str:
    """Return an index as text."""
    return "-" if shift.psi is None else f"{shift.psi:.3f}"


def against(share: float, expected: float) -> str:
    """Return a share, and what it is in the sample, if either is there."""
    return f"{percent(share)} (was {percent(expected)})" if expected else percent(share)


def percent(share: float) -> str:
    """Return a share as text.

    >>> percent(0), percent(0.00012), percent(0.25)
    ('0 %', '<0.1 %', '25.0 %')
    """
    if share == 0:
        return "0 %"
    return "<0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def _days(found: Findings) -> Table:
    labels = [*found.expected_labels][:LABELS]
    table = Table("day", title="by day" if not labels else "by day, with the share of each label")
    for name in ("rows", "calls", *map(plain, labels)):
        table.add_column(name, justify="right")
    if labels:
        table.add_row(
            "sample", f"{found.sample_rows:,}", "", *(percent(found.expected_labels[each]) for each in labels)
        )
        table.add_section()
    for day in found.days:
        shares = [percent(day.labels.get(label, 0.0)) for label in labels]
        table.add_row(day.name, f"{day.rows:,}", f"{day.calls:,}", *shares)
    return table


def _versions(found: Findings) -> Table:
    table = Table("version", "SHA-256", "from", "to", title="by version of the model")
    labels = [*found.expected_labels][:LABELS]
    for name in ("rows", *map(plain, labels)):
        table.add_column(name, justify="right")
    for each in found.versions:
        name = plain(each.version) + (" (candidate)" if each.candidate else "")
        shares = [percent(each.labels.get(label, 0.0)) for label in labels]
        times = (each.first[:16].replace("T", " "), each.last[:16].replace("T", " "))
        style = "bold" if each.compared else ""
        table.add_row(name, plain(each.sha256[:12]), *times, f"{each.rows:,}", *shares, style=style)
    return table
