"""Where the columns that transformers make come from: which feature each one tells of, and in what way."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

FLOAT32 = np.dtype(np.float32)
FITTED_ON_FLOAT32: NDArray[Any] = np.empty(0, FLOAT32)
"""What stands among the categories of a feature that a scaler or an imputer computes with in float32."""
COMPARED_AS_FLOAT32: NDArray[Any] = np.empty(0, FLOAT32)
"""What stands there for numbers that were learnt from float32, and that the feature is compared with."""
PANDAS_CATEGORY: NDArray[Any] = np.empty(0, object)
"""What stands there for a feature that an estimator takes as pandas' column of categories only."""

type Origins = list[Origin | None]
type Known = list[list[NDArray[Any]]]
"""For each feature, the categories that each encoder or imputer on it knows."""


class Origin(NamedTuple):
    """The feature that a column is made from, and how.

    ``value``: it is the feature, missing values replaced or not. ``replaced``: it is, some number aside that stands for
    missing values. ``grows``: where the feature grows, it does not fall. ``binned``: it grows, too, and
    is the number of a bin. ``category``: it tells which of the known categories the feature is.
    """

    feature: int
    how: Literal["value", "replaced", "grows", "binned", "category"]


def untouched(features: int) -> Origins:
    """Return the origins of the features themselves."""
    return [Origin(feature, "value") for feature in range(features)]


def grown(column: Origin | None) -> Origin | None:
    """Return the origin of a column that grows with `column`."""
    rises = column is not None and column.how in {"value", "grows", "binned"}
    return Origin(column.feature, "grows") if column is not None and rises else None


def told(column: Origin | None) -> Origin | None:
    """Return the origin of a column that tells which category `column` is."""
    return None if column is None else Origin(column.feature, "category")


def replaced(column: Origin | None, marker: NDArray[Any], known: Known) -> Origin | None:
    """A number that stands for a missing value falls out of the order, and is one more that is known."""
    if column is None or column.how not in {"value", "replaced"}:
        return None
    known[column.feature].append(marker)
    return Origin(column.feature, "replaced")
