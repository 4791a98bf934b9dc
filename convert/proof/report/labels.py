"""The sides of a plot, named after features."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from convert.page.plot import LONGEST, shortened
from convert.proof.report.axes import Axis


def label_axis(axes: Axes, axis: Axis, side: str) -> None:
    """Name the `side`, x or y, after the feature, with its range or its categories."""
    drawn = axes.xaxis if side == "x" else axes.yaxis
    (axes.set_xlim if side == "x" else axes.set_ylim)(*axis.ends)
    name = shortened(axis.name) if axis.scale == 1 else f"{shortened(axis.name)} / {axis.scale:.0e}"
    drawn.set_label_text(name, parse_math=False)
    if axis.categories is None:
        drawn.set_major_locator(MaxNLocator(5))
        return
    drawn.set_ticks(range(len(axis.categories)), labels=[shortened(text, 14) for text in axis.categories])
    for label in drawn.get_ticklabels():
        label.set(parse_math=False, fontsize=max(7, 12 - len(axis.categories) // 3))
        if side == "x" and max(map(len, axis.categories)) * len(axis.categories) > LONGEST:
            label.set(rotation=40, ha="right", rotation_mode="anchor")
