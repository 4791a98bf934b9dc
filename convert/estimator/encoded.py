"""Ensembles of trees that encode categories themselves, as the encoder and the trees behind it that they are."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from convert.estimator import insides

HISTOGRAM_BOOSTING = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


def encoder_and_trees(estimator: Any) -> tuple[Any, Any] | None:
    """Return the transformer that encodes an ensemble's categories, and one of the same trees that takes what it makes.

    None for an estimator that encodes nothing.

    >>> import numpy as np
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> boosting = HistGradientBoostingClassifier(categorical_features=[1])
    >>> encoder, trees = encoder_and_trees(boosting.fit(np.array([[0.5, 7], [1.5, 8]] * 20), [0, 1] * 20))
    >>> encoder.transform(np.array([[0.5, 8], [0.5, 9]]))  # the categories come first
    array([[1. , 0.5],
           [nan, 0.5]])
    """
    if not isinstance(estimator, HISTOGRAM_BOOSTING):
        return None
    preprocessor = insides.histogram_preprocessor(estimator)
    return None if preprocessor is None else (preprocessor, insides.histogram_trees(estimator))
