"""The insides of HistGradientBoosting: all that is read of it that is private, as in `insides.py`."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import FunctionTransformer


class HistogramTree(NamedTuple):
    """The nodes of a tree of HistGradientBoosting, and, (sets, 256), which categories go left at splits by sets.

    A node's ``bitset_idx`` is the number of its set.
    """

    nodes: NDArray[Any]
    sets: NDArray[np.bool_]


def histogram_stages(estimator: Any) -> list[list[HistogramTree]]:
    """Return the trees of HistGradientBoosting, for each stage and each sum.

    ``_predictors``, made by `fit` in ensemble/_hist_gradient_boosting/gradient_boosting.py, their ``nodes`` and
    ``raw_left_cat_bitsets``, eight words of 32 bits, the lowest first, made by `make_predictor` in grower.py.
    """
    return [
        [HistogramTree(each.nodes, _bits(each.raw_left_cat_bitsets)) for each in stage]
        for stage in estimator._predictors
    ]


def _bits(words: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return np.unpackbits(words.astype("<u4").view(np.uint8), axis=1, bitorder="little").astype(np.bool_)


def histogram_start(estimator: Any) -> NDArray[np.float64]:
    """Return what the sums of HistGradientBoosting start with, (sums,).

    ``_baseline_prediction``, made by `fit` in ensemble/_hist_gradient_boosting/gradient_boosting.py.
    """
    return np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(-1)


def histogram_preprocessor(estimator: Any) -> Any | None:
    """Return what encodes the categories of HistGradientBoosting and puts them in front, None where there are none.

    ``_preprocessor``, made by `_preprocess_X` in ensemble/_hist_gradient_boosting/gradient_boosting.py: a
    ColumnTransformer of an OrdinalEncoder, and of a function that makes float64 of the other columns and changes none.
    """
    preprocessor = getattr(estimator, "_preprocessor", None)
    if preprocessor is None:
        return None
    kept = copy.copy(preprocessor)
    kept.transformers_ = [(name, _without_check(part), columns) for name, part, columns in preprocessor.transformers_]
    return kept


def _without_check(part: Any) -> Any:
    if isinstance(part, FunctionTransformer):
        part = copy.copy(part)
        part.func = None
    return part


def histogram_trees(estimator: Any) -> Any:
    """Return HistGradientBoosting of the same trees that takes what its own preprocessor makes.

    ``_preprocessor`` and ``_is_categorical_remapped``, made as above.
    """
    trees = copy.copy(estimator)
    trees._preprocessor, trees.is_categorical_ = None, estimator._is_categorical_remapped
    vars(trees).pop("feature_names_in_", None)
    return trees
