"""Figures as SVG that takes its text colour from the page, with points as pixels inside it."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convert.text import encodable

INK, LINE = "#0a0b0c", "#0d0e0f"
"""Stand for the page's colours of text and lines, which are others in the dark."""
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6bb1", "#a6761d")
"""Okabe and Ito's colours, which the colour-blind tell apart, without black and yellow; two more at the end."""
EQUAL, WITHIN, BEYOND, LABEL = "#9aa3ad", "#56a3d9", "#e8873a", "#d0102a"
"""The colours of: no difference, one that is allowed, one that is not, another label."""
UNITS_PER_INCH = 72
PIXELS = 144
SETTINGS: dict[Any, Any] = {"svg.fonttype": "none", "text.parse_math": False, "font.size": 13.0}
"""Text stays text, and a name with $ in it is no formula."""
LONGEST = 28

type Ramp = tuple[Sequence[str], str, str]


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with the words for it.

    text: what is to be seen, for those who don't see it.
    legend: colours with what they stand for.
    ramps: colours from one end of a scale to the other, with what either end stands for.
    """

    title: str
    svg: str
    text: str
    legend: Sequence[tuple[str, str]] = ()
    ramps: Sequence[Ramp] = ()
    notes: Sequence[str] = ()


def new_axes(width: int, height: int) -> tuple[Figure, Axes]:
    """Return a figure, so many SVG units wide and high, and its axes."""
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(width / UNITS_PER_INCH, height / UNITS_PER_INCH), layout="constrained")
        axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    axes.tick_params(colors=INK, labelcolor=INK, labelsize=12)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    for name, spine in axes.spines.items():
        spine.set_color(LINE)
        spine.set_visible(name in ("left", "bottom"))
    return figure, axes


def to_svg(figure: Figure, name: str) -> str:
    """Return the figure as an <svg> element whose ids start from `name`."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({**SETTINGS, "svg.hashsalt": name, "svg.id": f"plot-{name}"}):
        figure.savefig(buffer, format="svg", transparent=True, dpi=PIXELS, metadata=nothing)
    svg = buffer.getvalue()
    svg = re.sub(rf"(fill|stroke): {INK}", r"\1: currentColor", svg[svg.index("<svg") :])
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)  # each plot has the same ones
    return re.sub(rf"(fill|stroke): {LINE}", r"\1: var(--line)", svg)


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return the text on one line, its middle left out if it is longer than `longest`: long names differ at the end."""
    text = encodable(" ".join(text.split()))
    half = longest // 2
    return text if len(text) <= longest else f"{text[: half - 1]}…{text[-half:]}"


def number(value: float | None) -> str:
    """Return a difference for a person; None is how a certificate tells of one that is not finite."""
    return f"{value:.3g}" if value is not None and math.isfinite(value) else "NaN or ∞"
