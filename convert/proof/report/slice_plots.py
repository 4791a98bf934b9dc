"""The decision surfaces, or lines, of estimator and model file side by side, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb, to_rgba
from numpy.typing import NDArray

from convert.page.plot import BEYOND, EQUAL, LABEL, WITHIN, Plot, new_axes, number, to_svg
from convert.proof.report.answers import Answers
from convert.proof.report.classes import CLASSES_DRAWN, class_colour, class_legend, class_numbers
from convert.proof.report.labels import label_axis
from convert.proof.report.lines import difference_line, lines
from convert.proof.report.slices import Slice

ROWS_DRAWN = 500
VALUES = ("#3b4cc0", "#4aa5c9", "#8fcf9f", "#f2d16b", "#e2703a", "#b40426")
UNSURE = 0.25
"""How opaque the colour of a class is where all are equally probable."""
TITLES = ("scikit-learn", "model file")

type Floats = NDArray[np.float64]


def slice_plots(card: Mapping[str, Any], found: Slice | str, tolerance: float, training: Floats | None) -> list[Plot]:
    """Return a plot of what each model says, and one of where they differ; none if the estimator refuses to answer.

    `training` are rows (n, features) to draw on top.
    """
    if isinstance(found, str):
        return []
    if len(found.axes) == 1:
        plots = [lines(card, found)]
    elif card["task"] == "regression":
        plots = _value_surfaces(found, training)
    else:
        plots = _class_surfaces(card, found, training)
    return [*plots, _where_they_differ(card, found, tolerance, training)]


def _class_surfaces(card: Mapping[str, Any], found: Slice, training: Floats | None) -> list[Plot]:
    labels = card["classes"]["labels"]
    more = [f"and {len(labels) - CLASSES_DRAWN:,} more classes"] if len(labels) > CLASSES_DRAWN else []
    plots = []
    for title, answers in zip(TITLES, (found.expected, found.actual), strict=True):
        classes = class_numbers(card, answers)
        colours = np.array([*(class_colour(index) for index in range(len(labels))), to_rgb(EQUAL)])[classes]
        image = np.concatenate([colours, _opacity(answers, len(labels))[:, np.newaxis]], axis=1)
        shares = ", ".join(f"{label}: {(classes == index).mean():.0%}" for index, label in enumerate(labels[:6]))
        sure = ["the fainter the colour, the less probable the class"] if answers.probabilities is not None else []
        text = f"Share of the surface for each class: {shares}{' …' if len(labels) > 6 else ''}."
        plots.append(Plot(title, _surface(found, image, training, title), text, class_legend(card), notes=more + sure))
    return plots


def _opacity(answers: Answers, classes: int) -> Floats:
    if answers.probabilities is None:
        return np.full(len(answers.prediction), 0.8)
    chance = 1 / max(classes, 2)
    sure = (np.nan_to_num(answers.probabilities, nan=0.0, posinf=1.0).max(axis=1) - chance) / (1 - chance)
    return UNSURE + (1 - UNSURE) * sure.clip(0, 1)


def _value_surfaces(found: Slice, training: Floats | None) -> list[Plot]:
    low, high = _value_range([found.expected.prediction, found.actual.prediction])
    colours = LinearSegmentedColormap.from_list("values", VALUES, N=1024)
    plots = []
    for title, answers in zip(TITLES, (found.expected, found.actual), strict=True):
        values = answers.prediction.astype(np.float64)
        image = colours((values / 2 - low / 2) / (high / 2 - low / 2))
        image[~np.isfinite(values)] = to_rgba(EQUAL)
        text = "The values go from {} to {}.".format(*map(number, _value_range([values])))
        ramp = (VALUES, f"{low:.4g}", f"{high:.4g}")
        plots.append(Plot(title, _surface(found, image, training, title), text, (), [ramp]))
    return plots


def _value_range(values: Sequence[NDArray[Any]]) -> tuple[float, float]:
    together = np.concatenate(values).astype(np.float64)
    together = together[np.isfinite(together)]
    low, high = (float(together.min()), float(together.max())) if len(together) else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _surface(found: Slice, image: Floats, training: Floats | None, name: str) -> str:
    """Return the image (n, RGBA) over two axes."""
    figure, axes = new_axes(360, 330)
    across, up = found.axes
    extent = (*across.ends, *up.ends)
    pixels = image.reshape(*found.shape, 4)
    axes.imshow(pixels, origin="lower", extent=extent, aspect="auto", interpolation="none")
    if training is not None:
        _draw_training(axes, across.drawn(training[:, across.column]), up.drawn(training[:, up.column]))
    label_axis(axes, across, "x")
    label_axis(axes, up, "y")
    return to_svg(figure, name.replace(" ", "-"))


def _draw_training(axes: Axes, across: Floats, up: Floats) -> None:
    drawn = np.random.default_rng(0).permutation(len(across))[:ROWS_DRAWN]
    size = 13 if len(drawn) < 300 else 6
    axes.scatter(
        across[drawn], up[drawn], s=size, c="white", edgecolors="#20242a", linewidths=0.7, alpha=0.85, rasterized=True
    )


def _where_they_differ(card: Mapping[str, Any], found: Slice, tolerance: float, training: Floats | None) -> Plot:
    beyond = ~(found.difference <= tolerance)
    kinds = np.select([found.label_differs, beyond, found.difference > 0], [3, 2, 1], 0)
    opacity = np.array([0.25, 0.75, 1.0, 1.0])[kinds]
    colours = np.array([to_rgb(colour) for colour in (EQUAL, WITHIN, BEYOND, LABEL)])[kinds]
    image = np.concatenate([colours, opacity[:, np.newaxis]], axis=1)
    names = ("exactly equal", "within what is allowed", "more than is allowed", "another label")
    counts = np.bincount(kinds, minlength=4).tolist()
    legend = [
        (colour, f"{name}: {count:,}")
        for colour, name, count in zip((EQUAL, WITHIN, BEYOND, LABEL), names, counts, strict=True)
        if count
    ]
    svg = _surface(found, image, training, "differ") if len(found.axes) == 2 else difference_line(found, colours)
    return Plot("where they differ", svg, _difference_text(card, found, int(beyond.sum())), legend)


def _difference_text(card: Mapping[str, Any], found: Slice, beyond: int) -> str:
    points = len(found.difference)
    labels, differs = int(found.label_differs.sum()), int((found.difference != 0).sum())
    if not labels and not differs:
        return f"Nothing differs at any of the {points:,} points: not a bit."
    what = "values" if card["task"] == "regression" else "probabilities"
    text = f"{what} differ at {differs:,}, the largest difference is {number(float(np.max(found.difference)))}"
    text += f"; that is more than is allowed at {beyond:,} points." if beyond else ", which is allowed."
    if card["task"] == "regression":
        return f"Of {points:,} points, {text}"
    return f"Labels differ at {labels:,} of {points:,} points; {text}"
