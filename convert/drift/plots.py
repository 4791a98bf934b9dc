"""What was found, as plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from convert.drift.findings import Findings, Shift
from convert.drift.stability import LARGE, MODERATE
from convert.page.plot import EQUAL, INK, LINE, PALETTE, Plot, new_axes, shortened, to_svg

STABLE_COLOUR, MODERATE_COLOUR, LARGE_COLOUR, UNSURE_COLOUR = "#009e73", "#e69f00", "#d0102a", EQUAL
COLOURS = {"stable": STABLE_COLOUR, "moderate": MODERATE_COLOUR, "large": LARGE_COLOUR}
MOST_BARS, MOST_LINES, MOST_LABELS, MOST_DAYS = 20, 5, 8, 31
"""How much of the features, of their lines, of labels and of days is drawn."""
REST = "others"


def overview(shifts: Sequence[Shift]) -> Plot:
    """Return the indices of the features that shifted most, longest bar first."""
    drawn = [shift for shift in shifts if shift.psi is not None][:MOST_BARS]
    figure, axes = new_axes(560, 90 + 24 * len(drawn))
    places = np.arange(len(drawn))[::-1]
    values = [shift.psi or 0.0 for shift in drawn]
    axes.barh(places, values, 0.7, color=[COLOURS.get(shift.word, UNSURE_COLOUR) for shift in drawn])
    axes.set_xlim(0, max([*values, LARGE]) * 1.18)
    axes.set_ylim(-0.6, max(len(drawn) - 0.4, 1))
    axes.set_yticks(places, labels=[shortened(shift.name) for shift in drawn])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    for place, value in zip(places, values, strict=True):
        axes.text(value, place, f" {value:.3f}", va="center", color=INK, fontsize=11)
    for limit in (MODERATE, LARGE):
        axes.axvline(limit, color=LINE, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.set_xlabel("population stability index; the lines are 0.1 and 0.25")
    legend = [(STABLE_COLOUR, "stable"), (MODERATE_COLOUR, "moderate"), (LARGE_COLOUR, "large")]
    legend += [(UNSURE_COLOUR, "too few rows")] if any(shift.word not in COLOURS for shift in drawn) else []
    left = len(shifts) - len(drawn)
    notes = [f"{left:,} more that shifted less are not drawn."] if left else []
    return Plot("How far each has shifted", to_svg(figure, "overview"), _overview_text(drawn), legend, notes=notes)


def spread(shift: Shift, number: int) -> Plot:
    """Return how the sample and what came in spread over a feature's bins, side by side."""
    figure, axes = new_axes(400, 300)
    drawn = list(zip(shift.bins, shift.expected, shift.came, strict=True))
    if shift.type in ("str", "label") and not any(drawn[-1][1:]):  # all others, of which there are none
        del drawn[-1]
    bins, expected, came = zip(*drawn, strict=True)
    places = np.arange(len(bins))
    axes.bar(places - 0.21, expected, 0.4, color=EQUAL)
    axes.bar(places + 0.21, came, 0.4, color=PALETTE[0])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _name_bins(axes, bins)
    index = "nothing came in" if shift.psi is None else f"{shift.psi:.3f}, {shift.word}"
    legend = [(EQUAL, "sample"), (PALETTE[0], "came in")]
    return Plot(
        f"{shortened(shift.name, 40)}: {index}", to_svg(figure, f"spread-{number}"), _spread_text(shift), legend
    )


def labels(found: Findings) -> Plot | None:
    """Return the share of each label, in the sample and day by day; None where there are no labels."""
    names = [*found.expected_labels]
    if not names or not found.days:
        return None
    shown = sorted(names, key=lambda name: -found.expected_labels[name])[:MOST_LABELS]
    shown = [name for name in names if name in shown]
    days = found.days[-MOST_DAYS:]
    columns = [found.expected_labels, *(day.labels for day in days)]
    places = np.array([0.0, *(np.arange(len(days)) + 1.4)])
    figure, axes = new_axes(560, 320)
    bottom = np.zeros(len(columns))
    legend = []
    for number, name in enumerate([*shown, REST] if len(shown) < len(names) else shown):
        others = number == len(shown)
        heights = np.array([_share(column, shown, name, others) for column in columns])
        colour = EQUAL if others else PALETTE[number % len(PALETTE)]
        axes.bar(places, heights, 0.86, bottom, color=colour)
        bottom += heights
        legend.append((colour, name))
    every = 1 + len(days) // 10
    texts = ["sample", *(day.name[5:] if n % every == 0 else "" for n, day in enumerate(days))]
    axes.set_xticks(places, labels=texts)
    axes.set_ylim(0, 1)
    axes.set_xlim(-0.7, places[-1] + 0.7)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    text = f"The share of each label in the answers to the sample, and on each of {len(days)} days."
    return Plot("Labels by day", to_svg(figure, "labels"), text, legend)


def over_days(shifts: Sequence[Shift]) -> Plot | None:
    """Return the index, day by day, of what shifted most; None where no two days have rows enough."""
    drawn = [shift for shift in shifts if len(shift.by_day) > 1][:MOST_LINES]
    days = sorted({day for shift in drawn for day in shift.by_day})[-MOST_DAYS:]
    if len(days) < 2:
        return None
    figure, axes = new_axes(560, 320)
    legend = []
    for number, shift in enumerate(drawn):
        values = [shift.by_day.get(day, np.nan) for day in days]
        axes.plot(range(len(days)), values, color=PALETTE[number], marker="o", markersize=4, linewidth=2)
        legend.append((PALETTE[number], shortened(shift.name)))
    for limit in (MODERATE, LARGE):
        axes.axhline(limit, color=LINE, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.set_ylim(0, max(LARGE * 1.2, axes.get_ylim()[1]))
    every = 1 + len(days) // 10
    axes.set_xticks(range(0, len(days), every), labels=[day[5:] for day in days[::every]])
    axes.set_ylabel("PSI of the day")
    text = f"The index of each day by itself, of the {len(drawn)} that shifted most; the lines are 0.1 and 0.25."
    return Plot("When it began", to_svg(figure, "days"), text, legend)


def _share(column: Mapping[str, float], shown: Sequence[str], name: str, others: bool) -> float:
    if others:
        return sum(share for label, share in column.items() if label not in shown)
    return column.get(name, 0.0)


def _name_bins(axes: Axes, bins: Sequence[str]) -> None:
    axes.set_xticks(range(len(bins)), labels=[shortened(name, 14) for name in bins])
    for label in axes.get_xticklabels():
        label.set(rotation=40, ha="right", rotation_mode="anchor", fontsize=max(7, 12 - len(bins) // 4))
        label.set_parse_math(False)


def _overview_text(drawn: Sequence[Shift]) -> str:
    above = [shift for shift in drawn if shift.word in ("moderate", "large")]
    if not above:
        return f"None of {len(drawn)} is above 0.1 by more than chance."
    told = ", ".join(f"{shortened(shift.name)} ({shift.psi:.3f}, {shift.word})" for shift in above[:MOST_LINES])
    return f"{len(above)} of {len(drawn)} shifted: {told}{', …' if len(above) > MOST_LINES else '.'}"


def _spread_text(shift: Shift) -> str:
    if shift.psi is None:
        return "Nothing came in."
    apart = [after - before for before, after in zip(shift.expected, shift.came, strict=True)]
    most = max(range(len(apart)), key=lambda place: abs(apart[place]))
    return (
        f"Most apart in “{shift.bins[most]}”: {shift.came[most]:.1%} of {shift.rows:,} rows that came in,"
        f" {shift.expected[most]:.1%} of the sample."
    )
