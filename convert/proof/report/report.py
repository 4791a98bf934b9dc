"""The page that shows whether the served model is the scikit-learn model: one HTML file that loads nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.oracle.sample import Sample
from convert.proof.parity import Comparison
from convert.proof.report.answers import Ask
from convert.proof.report.axes import check_features, choose_axes, make_axes, middle_row, placed_rows, spread
from convert.proof.report.histogram import histogram
from convert.proof.report.page import Plots, render, shown_values
from convert.proof.report.scatter import scatter
from convert.proof.report.slice_plots import slice_plots
from convert.proof.report.slices import cut

PAGE = "index.html"


def write_report(
    folder: Path,
    card: Mapping[str, Any],
    comparisons: Sequence[Comparison],
    expected: Ask,
    actual: Ask,
    *,
    thresholds: Sequence[NDArray[np.float64]],
    sample: Sample | None,
    features: tuple[str, str] | None = None,
) -> Path:
    """Write `folder`/index.html and return its path.

    `card` holds the certificate, `expected` and `actual` answer rows (n, features) as estimator and model file do;
    `thresholds` are those of each feature, `features` the two to plot, by default those that matter most. Raises
    ConvertError for a feature that the card does not have, OSError if the folder can't be written.
    """
    check_features(card, features)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numbers at the limits overflow on their way, as they should
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the fonts that matplotlib lacks
        plots = _plots(card, comparisons, expected, actual, thresholds, sample, features)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / PAGE
    page.write_text(render(card, comparisons, plots), encoding="utf-8")
    return page


def _plots(
    card: Mapping[str, Any],
    comparisons: Sequence[Comparison],
    expected: Ask,
    actual: Ask,
    thresholds: Sequence[NDArray[np.float64]],
    sample: Sample | None,
    features: tuple[str, str] | None,
) -> Plots:
    tolerance = float(card["certificate"]["tolerance"])
    rows = placed_rows(card, comparisons, sample)
    axes = choose_axes(make_axes(card, rows), rows, expected, thresholds, features)
    middle = middle_row(rows)
    found = cut(card, axes, middle, expected, actual)
    shown = {axis.name for axis in axes}
    names = [feature["name"] for feature in card["features"]]
    held = [pair for pair in zip(names, shown_values(card, middle.tolist()), strict=True) if pair[0] not in shown]
    return Plots(
        histogram(comparisons, tolerance),
        scatter(comparisons, [spread(axis, comparisons) for axis in axes], tolerance),
        slice_plots(card, found, tolerance, rows if sample is not None else None),
        held,
        found if isinstance(found, str) else "",
    )
