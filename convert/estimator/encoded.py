"""Ensembles of trees that encode categories themselves, as the encoder and the trees behind it that they are."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

from convert.errors import ConvertError
from convert.estimator import booster_insides, histogram_insides
from convert.estimator.kinds import kind_of

HISTOGRAM_BOOSTING = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
LIGHTGBM = ("lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor")
XGBOOST = tuple(f"xgboost.{name}" for name in ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"))


class PandasCategories(OrdinalEncoder):  # type: ignore[misc]  # scikit-learn has no types
    """The encoder within an estimator that takes pandas' columns of categories, and no strings.

    Of what is none of its categories, and of what is missing, it makes NaN.
    """


def encoder_and_trees(estimator: Any) -> tuple[Any, Any] | None:
    """Return the transformer that encodes an ensemble's categories, and one of the same trees that takes what it makes.

    None for an estimator that encodes nothing. Raises ConvertError where its columns of categories can't be told.

    >>> import numpy as np
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> boosting = HistGradientBoostingClassifier(categorical_features=[1])
    >>> encoder, trees = encoder_and_trees(boosting.fit(np.array([[0.5, 7], [1.5, 8]] * 20), [0, 1] * 20))
    >>> encoder.transform(np.array([[0.5, 8], [0.5, 9]]))  # the categories come first
    array([[1. , 0.5],
           [nan, 0.5]])
    """
    if getattr(estimator, "categories_are_numbers_", False):
        return None
    if isinstance(estimator, HISTOGRAM_BOOSTING):
        preprocessor = histogram_insides.histogram_preprocessor(estimator)
        return None if preprocessor is None else (preprocessor, histogram_insides.histogram_trees(estimator))
    if kind_of(estimator) in LIGHTGBM:
        return _of_lightgbm(estimator)
    return _of_xgboost(estimator) if kind_of(estimator) in XGBOOST else None


def _of_lightgbm(estimator: Any) -> tuple[Any, Any] | None:
    """Follow _data_from_pandas of lightgbm/basic.py: of categories, their numbers."""
    booster: Any = getattr(estimator, "booster_", None)  # none of one that is not fitted
    categories = getattr(booster, "pandas_categorical", None)
    if not categories:
        return None
    lines = booster.model_to_string(num_iteration=1).splitlines()
    infos = next(line for line in lines if line.startswith("feature_infos=")).partition("=")[2].split()
    by_set = [place for place, info in enumerate(infos) if not info.startswith("[") and info != "none"]
    if len(by_set) != len(categories):
        raise ConvertError(
            f"{type(estimator).__name__} was fitted on {len(categories)} columns of categories, of which it splits"
            f" {len(by_set)} by sets: give it none that is ordered or has one category only, but numbers instead"
        )
    encoder = encode_in_place(dict(zip(by_set, categories, strict=True)), estimator.feature_names_in_)
    return encoder, _as_trees(booster_insides.lightgbm_trees(estimator))


def _of_xgboost(estimator: Any) -> tuple[Any, Any] | None:
    """Follow the columns of categories that XGBoost keeps, and refuses others of."""
    categories = booster_insides.xgboost_categories(estimator) if hasattr(estimator, "n_features_in_") else {}
    if not categories:
        return None
    return encode_in_place(categories, estimator.feature_names_in_), _as_trees(copy.copy(estimator))


def _as_trees(estimator: Any) -> Any:
    """Mark a copy of an estimator as one that is given numbers of categories."""
    estimator.categories_are_numbers_ = True
    return estimator


def encode_in_place(categories: dict[int, list[Any]], names: Any) -> ColumnTransformer:
    """Return what encodes some of the columns called `names`, by their places, and leaves all where they are."""
    import pandas

    parts: list[tuple[str, Any, list[int]]] = []
    for place in range(len(names)):
        if place in categories:
            known = _as_array(categories[place])
            encoder = PandasCategories(
                categories=[known],
                handle_unknown="use_encoded_value",
                unknown_value=np.nan,
                encoded_missing_value=np.nan,
            )
            parts.append((f"categories {place}", encoder, [place]))
        elif parts and isinstance(parts[-1][1], FunctionTransformer):
            parts[-1][2].append(place)
        else:
            parts.append((f"numbers {place}", FunctionTransformer(), [place]))
    first = {name: [categories[place][0] if place in categories else 0.0] for place, name in enumerate(names)}
    return ColumnTransformer(parts, sparse_threshold=0).fit(pandas.DataFrame(first))


def _as_array(categories: list[Any]) -> Any:
    """Return categories in their order: as numbers, if they are sorted ones, else as objects."""
    numbers = np.array(categories) if all(isinstance(one, int | float) for one in categories) else None
    if numbers is not None and numbers.dtype.kind in "iuf" and (numbers[1:] > numbers[:-1]).all():
        return numbers
    made = np.empty(len(categories), dtype=object)
    made[:] = categories
    return made
