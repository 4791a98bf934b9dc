"""What estimator and model file say along one feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from convert.page.plot import Plot, new_axes, to_svg
from convert.proof.report.classes import CLASSES_DRAWN, class_colour, class_legend, class_numbers
from convert.proof.report.labels import label_axis
from convert.proof.report.slices import Slice

type Floats = NDArray[np.float64]


def lines(card: Mapping[str, Any], found: Slice) -> Plot:
    """Return one plot with both models' lines, the model file's dashed on top of scikit-learn's."""
    figure, axes = new_axes(460, 300)
    [axis] = found.axes
    across = axis.drawn(axis.points(found.shape[1]))
    left, right = _curves(card, found)
    for index, (one, other) in enumerate(zip(left, right, strict=True)):
        marker = "" if axis.categories is None else "o"
        axes.plot(across, one, color=class_colour(index), linewidth=5, alpha=0.45, marker=marker)
        axes.plot(across, other, color=class_colour(index), linewidth=1.6, linestyle=(0, (3, 1.5)), marker=marker)
    label_axis(axes, axis, "x")
    axes.set_ylabel("value" if card["task"] == "regression" else "probability of the class")
    legend = [(to_hex(class_colour(0)), "value")] if card["task"] == "regression" else class_legend(card)
    text = f"What both models say along “{axis.name}”: scikit-learn as a broad pale line, the model file dashed on it."
    return Plot("scikit-learn and model file", to_svg(figure, "lines"), text, legend)


def _curves(card: Mapping[str, Any], found: Slice) -> Iterator[list[Floats]]:
    """Yield each model's lines: its value, or its probabilities, or else which class it is."""
    for answers in (found.expected, found.actual):
        if card["task"] == "regression":
            yield [answers.prediction.astype(np.float64)]
            continue
        drawn = range(len(card["classes"]["labels"][:CLASSES_DRAWN]))
        if answers.probabilities is None:
            classes = class_numbers(card, answers)
            yield [(classes == index) * 1.0 for index in drawn]
        else:
            yield [answers.probabilities[:, index] for index in drawn]


def difference_line(found: Slice, colours: Floats) -> str:
    """Return the difference along the axis, in the colours (n, RGB); one that is not finite is drawn at the top."""
    figure, axes = new_axes(460, 300)
    [axis] = found.axes
    finite = np.where(np.isfinite(found.difference), found.difference, np.nan)
    top = float(np.nanmax(finite, initial=0.0))
    drawn = np.where(np.isnan(finite), top, finite)
    axes.scatter(axis.drawn(axis.points(found.shape[1])), drawn, s=8, c=colours, linewidths=0)
    axes.set_ylim(-0.05 * (top or 1), 1.1 * (top or 1))
    if not top:
        axes.set_yticks([0])
    label_axis(axes, axis, "x")
    axes.set_ylabel("difference")
    return to_svg(figure, "differ")
