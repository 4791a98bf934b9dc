"""How large the differences are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import NDArray

from convert.page.plot import INK, LABEL, PALETTE, Plot, new_axes, number, to_svg
from convert.proof.parity import Comparison

DECADES = 4
"""How many powers of ten a histogram shows at least."""
LEAST = 0.5
"""Where the axis of counts starts: below 1, which is still to be seen."""
LOWEST = -20
"""The power of ten that smaller differences are counted with."""
GAP = 0.12
"""How much wider the place of what is equal, or not finite, is than that of a power of ten, by how many there are."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

type Floats = NDArray[np.float64]


def histogram(comparisons: Sequence[Comparison], tolerance: float) -> Plot:
    """Return how many rows differ by how much, in powers of ten, with the tolerance."""
    differences = [each.difference for each in comparisons]
    together = np.concatenate(differences)
    first, last = _decades(together, tolerance)
    counts = [_counts(each, first, last) for each in differences]
    figure, axes = new_axes(460, 340)
    start = _label_decades(axes, first, last, not np.isfinite(together).all())
    places = np.array([0.0, *(start + 0.5 + np.arange(last - first + 1)), 2 * start + last - first + 1])
    width = 0.84 / len(counts)
    for set_number, count in enumerate(counts):
        left = places - 0.42 + set_number * width
        height = np.maximum(count - LEAST, 0)
        axes.bar(left, height, width * 0.92, LEAST, align="edge", color=PALETTE[set_number % len(PALETTE)])
    axes.set_yscale("log")
    axes.set_ylim(LEAST, 4 * max(count.max() for count in counts))
    axes.yaxis.set_major_locator(FixedLocator([10.0**power for power in range(7)]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.minorticks_off()
    axes.set_ylabel("rows")
    _mark_tolerance(axes, tolerance, start - first)
    legend = [(PALETTE[place % len(PALETTE)], each.source) for place, each in enumerate(comparisons)]
    return Plot(
        "How large are the differences?", to_svg(figure, "histogram"), _histogram_text(together, tolerance), legend
    )


def _decades(differences: Floats, tolerance: float) -> tuple[int, int]:
    """Return the first and the last power of ten to show."""
    shown = [each for each in (*differences[np.isfinite(differences)], tolerance) if each > 0]
    powers = np.floor(np.log10(shown)).astype(int).clip(LOWEST) if shown else np.array([LOWEST + DECADES])
    return min(int(powers.min()), int(powers.max()) - DECADES + 1), int(powers.max())


def _counts(differences: Floats, first: int, last: int) -> Floats:
    """Return how many are 0, in each power of ten from `first` to `last`, and not finite."""
    finite = differences[np.isfinite(differences)]
    powers = np.floor(np.log10(finite[finite > 0])).clip(first, last).astype(int) - first
    inside = np.bincount(powers, minlength=last - first + 1)
    return np.array([(finite == 0).sum(), *inside, len(differences) - len(finite)], dtype=np.float64)


def _label_decades(axes: Axes, first: int, last: int, not_finite: bool) -> float:
    """Label what is equal, every few powers of ten, and what is not finite; return where the first power starts."""
    decades = last - first + 1
    start = 0.5 + GAP * decades
    every = 1 + decades // 7
    powers = range(first + (-first) % every, last + 2, every)
    ticks = [0.0, *(start + power - first for power in powers)]
    labels = ["exactly\nequal", *map(_power, powers)]
    end = start + decades
    if not_finite:
        ticks, labels = [*ticks, end + start], [*labels, "NaN\nor ∞"]
    axes.set_xlim(-0.6, end + (start + 0.6 if not_finite else 0.3))
    axes.set_xticks(ticks, labels=labels)
    axes.set_xlabel("difference between the two models")
    return start


def _power(power: int) -> str:
    return "10" + str(power).translate(SUPERSCRIPTS)


def _mark_tolerance(axes: Axes, tolerance: float, zeroth: float) -> None:
    """Draw what is allowed as a line, with all beyond it tinted; 10⁰ is at `zeroth`."""
    place = zeroth + np.log10(tolerance) if tolerance > 0 else 0.5
    axes.axvspan(place, axes.get_xlim()[1], color=LABEL, alpha=0.07, linewidth=0)
    axes.axvline(place, color=LABEL, linewidth=1.8, linestyle=(0, (4, 2)))
    name = f"allowed: {tolerance:.0e}" if tolerance > 0 else "nothing is allowed"
    right = place > sum(axes.get_xlim()) / 2
    axes.annotate(
        f"{name} ▸" if right else f"◂ {name}",
        (place, 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if right else 5, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        color=INK,
        fontsize=12,
    )


def _histogram_text(differences: Floats, tolerance: float) -> str:
    equal, beyond = int((differences == 0).sum()), int((~(differences <= tolerance)).sum())
    if equal == len(differences):
        return f"All {equal:,} rows are exactly equal: not a bit of any answer differs."
    finite = differences[np.isfinite(differences)]
    not_finite = len(differences) - len(finite)
    return (
        f"{equal:,} of {len(differences):,} rows are exactly equal. {len(differences) - equal - beyond:,} differ by no"
        f" more than what is allowed ({tolerance:g}), {beyond:,} by more; the largest finite difference is"
        f" {number(float(finite.max(initial=0.0)))}"
        + (f", and {not_finite:,} are not finite numbers." if not_finite else ".")
    )
