"""Where the rows lie that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from convert.page.plot import EQUAL, LABEL, Plot, Ramp, new_axes, number, to_svg
from convert.proof.parity import Comparison
from convert.proof.report.axes import Axis
from convert.proof.report.labels import label_axis

DRAWN, LABELS_DRAWN = 8_000, 2_000
"""How many rows of each kind a plot shows at the most: the largest differences and a draw of the others."""
JITTER = 77
"""A seed that none of the rows has."""
WITHIN_SIZES, BEYOND_SIZES = ("#a8d3f0", "#2f7fbf"), ("#f0a83c", "#b8400e")
"""The colours of differences that are allowed, and of those that are not, from the smallest to the largest."""

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Points:
    """Rows as they are drawn; each is (n,): where, the difference, whether the label differs, whether it is shown."""

    across: Floats
    up: Floats
    difference: Floats
    label: NDArray[np.bool_]
    shown: NDArray[np.bool_]


def scatter(comparisons: Sequence[Comparison], axes_shown: Sequence[Axis], tolerance: float) -> Plot:
    """Return where the rows lie, coloured by how much they differ; over one feature, set by set."""
    places = [_places(each, number, axes_shown) for number, each in enumerate(comparisons)]
    across, up = (np.concatenate(parts) for parts in zip(*places, strict=True))
    difference = np.concatenate([each.difference for each in comparisons])
    label = np.concatenate([each.label_differs for each in comparisons])
    shown = axes_shown[0].shows(across) & (axes_shown[1].shows(up) if len(axes_shown) == 2 else True)
    figure, axes = new_axes(460, 340)
    points = Points(axes_shown[0].drawn(across), _drawn_up(up, axes_shown), difference, label, shown)
    ramps = _draw_rows(axes, points, tolerance)
    _label_scatter(axes, axes_shown, comparisons)
    legend = [(EQUAL, "exactly equal")] + ([(LABEL, "✕ another label")] if label.any() else [])
    text = _scatter_text(difference, label, tolerance)
    notes = [f"{int((~shown).sum()):,} rows lie outside what is drawn"] if not shown.all() else []
    notes += ["of very many rows some are drawn, and all of the largest differences"] if shown.sum() > DRAWN else []
    return Plot("Where do rows differ?", to_svg(figure, "scatter"), text, legend, ramps, notes)


def _places(comparison: Comparison, number: int, axes_shown: Sequence[Axis]) -> tuple[Floats, Floats]:
    """Return where rows are drawn, in the features' own numbers; on one axis, a band for each set of rows."""
    rows = comparison.rows
    across = rows[:, axes_shown[0].column]
    if len(axes_shown) == 2:
        up = rows[:, axes_shown[1].column]
    else:
        up = -number + np.random.default_rng(JITTER + number).uniform(-0.3, 0.3, len(rows))
    return across, up


def _drawn_up(up: Floats, axes_shown: Sequence[Axis]) -> Floats:
    return axes_shown[1].drawn(up) if len(axes_shown) == 2 else up


def _label_scatter(axes: Axes, axes_shown: Sequence[Axis], comparisons: Sequence[Comparison]) -> None:
    label_axis(axes, axes_shown[0], "x")
    if len(axes_shown) == 2:
        label_axis(axes, axes_shown[1], "y")
    else:
        axes.set_yticks([-place for place in range(len(comparisons))], labels=[each.source for each in comparisons])
        axes.set_ylim(-len(comparisons) + 0.5, 0.5)


def _draw_rows(axes: Axes, points: Points, tolerance: float) -> list[Ramp]:
    """Draw the points that are shown, the largest differences on top; return the scales of their colours."""
    generator = np.random.default_rng(0)
    equal = np.flatnonzero(points.shown & (points.difference == 0) & ~points.label)
    equal = generator.permutation(equal)[:DRAWN]
    axes.scatter(points.across[equal], points.up[equal], s=4, c=EQUAL, alpha=0.45, linewidths=0, rasterized=True)
    beyond = ~(points.difference <= tolerance)
    ramps: list[Ramp] = []
    kinds = ((WITHIN_SIZES, "allowed", ~beyond & (points.difference > 0)), (BEYOND_SIZES, "not allowed", beyond))
    for colours, name, kind in kinds:
        chosen = _largest_and_some(np.flatnonzero(points.shown & kind), points.difference, generator)
        if len(chosen):
            low, high = _draw_sizes(axes, points, chosen, colours)
            ramps.append((colours, f"{name}: {low}", high))
    crossed = generator.permutation(np.flatnonzero(points.shown & points.label))[:LABELS_DRAWN]
    across, up = points.across[crossed], points.up[crossed]
    marks = axes.scatter(across, up, s=26, marker="x", color=LABEL, linewidths=1.3, rasterized=True)
    marks.set_path_effects([patheffects.Stroke(linewidth=2.2, foreground="white"), patheffects.Normal()])
    return ramps


def _draw_sizes(axes: Axes, points: Points, chosen: NDArray[np.intp], colours: Sequence[str]) -> tuple[str, str]:
    """Draw the chosen points in the colours of their sizes; return the smallest and the largest size."""
    powers = np.log10(points.difference[chosen])
    finite = powers[np.isfinite(powers)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    place = np.where(np.isfinite(powers), (powers - low) / max(high - low, 1.0), 1.0)
    colour = LinearSegmentedColormap.from_list("sizes", colours)(place)
    axes.scatter(points.across[chosen], points.up[chosen], s=9, c=colour, alpha=0.9, linewidths=0, rasterized=True)
    largest = number(float(points.difference[chosen][-1]))
    return (number(10**low) if len(finite) else ""), largest


def _largest_and_some(rows: NDArray[np.intp], sizes: Floats, generator: np.random.Generator) -> NDArray[np.intp]:
    """Return the rows with the largest differences and a draw of the others, in order of size; NaN is the largest."""
    ordered = rows[np.argsort(sizes[rows], kind="stable")]
    some, largest = ordered[: -DRAWN // 2], ordered[-DRAWN // 2 :]
    drawn = np.sort(generator.permutation(len(some))[: DRAWN // 2])
    return np.concatenate([some[drawn], largest])


def _scatter_text(difference: Floats, label: NDArray[np.bool_], tolerance: float) -> str:
    differs, labels = int((difference != 0).sum()), int(label.sum())
    if not differs and not labels:
        return f"Nothing differs anywhere: these are rows out of the {len(difference):,} that were tried."
    beyond = int((~(difference <= tolerance)).sum())
    numbers = f"umbers differ at {differs:,} of {len(difference):,} rows, by more than is allowed at {beyond:,}."
    return f"Labels differ at {labels:,} rows; n{numbers}" if labels else f"N{numbers}"
