"""The numbers that a part of an estimator may compare its input with, as its attributes and parameters show them."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.graph.ensembles.table import is_made_of_trees, read_trees

WEIGHTS = frozenset({
    *("coef_", "coefs_", "intercept_", "intercepts_", "components_", "scale_", "scalings_", "var_", "dual_coef_"),
    *("singular_values_", "explained_variance_", "explained_variance_ratio_", "feature_importances_", "sigma_"),
    *("feature_log_prob_", "covariance_", "precision_", "alphas_", "scores_", "pvalues_", "ranking_"),
})  # fmt: skip
"""Attributes that rows are multiplied with, or that are only told: nothing is compared with them."""
LISTED = 16
"""How long a list of parameters is at the most, such as a range."""


def numbers_of(part: Any, width: int) -> list[Floats]:
    """Return, for each of the `width` columns that the part is given, sorted distinct finite numbers; 0 is always one.

    Which of its attributes a part compares with is not known in general: all are taken that have the shape. A number
    that nothing is compared with does no harm.
    """
    if is_made_of_trees(part):
        try:
            return read_trees(part).thresholds(width)
        except ConvertError:
            return [np.empty(0)] * width
    everywhere, own = [np.zeros(1)], [[] for _ in range(width)]  # type: tuple[list[Floats], list[list[Floats]]]
    for name, value in getattr(part, "__dict__", {}).items():
        if name in WEIGHTS or isinstance(value, bool) or value is None:
            continue
        everywhere += _everywhere(value)
        for column, numbers in _by_column(value, width):
            own[column].append(numbers)
    return [_sorted(np.concatenate([*everywhere, *numbers])) for numbers in own]


def _everywhere(value: Any) -> Iterator[Floats]:
    """Yield a number that stands for all columns, or a few: a threshold, a range."""
    if isinstance(value, Real):
        yield np.array([float(value)])
    elif isinstance(value, tuple | list) and 0 < len(value) <= LISTED and all(isinstance(each, Real) for each in value):
        yield np.array([float(each) for each in value])


def _by_column(value: Any, width: int) -> Iterator[tuple[int, Floats]]:
    """Yield the numbers in an array with a place for each column, or in a list with an array for each."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.ndim in {1, 2}:
        table = value[:, np.newaxis] if width == 1 and value.ndim == 1 else np.atleast_2d(value)
        if table.shape[1] == width:
            yield from enumerate(table.T.astype(np.float64))
    elif isinstance(value, list | tuple | np.ndarray) and len(value) == width:
        for column, each in enumerate(value):
            numbers = getattr(each, "t", each)  # the knots of a spline
            if isinstance(numbers, np.ndarray) and numbers.dtype.kind in "fiuO" and numbers.ndim == 1:
                yield column, _numbers_among(numbers)


def _numbers_among(values: Any) -> Floats:
    if values.dtype.kind != "O":
        return np.asarray(values, dtype=np.float64)
    return np.array([float(each) for each in values if isinstance(each, Real) and not isinstance(each, bool)])


def _sorted(numbers: Floats) -> Floats:
    return np.unique(numbers[np.isfinite(numbers)])
