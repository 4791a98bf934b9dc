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
from convert.estimator.pandas_columns import Assigned, assigned

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
    found = _columns_of_lightgbm(estimator)
    if found is None:
        return None
    encoder = encode_in_place(found.categories, estimator.feature_names_in_)
    return encoder, _as_trees(booster_insides.lightgbm_trees(estimator))


def _columns_of_lightgbm(estimator: Any) -> Assigned | None:
    booster: Any = getattr(estimator, "booster_", None)  # none of one that is not fitted
    categories = getattr(booster, "pandas_categorical", None)
    if not categories:
        return None
    pairs = booster_insides.lightgbm_pairs(booster.model_to_string(num_iteration=1))
    found = assigned(pairs["feature_infos"].split(), categories)
    if found is None:
        raise ConvertError(
            f"{type(estimator).__name__} was fitted on {len(categories)} columns of categories, and does not tell which"
            " they are: give it none that is ordered, has one category or is all missing, but numbers instead"
        )
    return found


def needs_typed_sample(estimator: Any) -> bool:
    """Whether only the training table itself can tell which columns an estimator takes as categories."""
    if kind_of(estimator) not in LIGHTGBM:
        return False
    found = _columns_of_lightgbm(estimator)
    return found is not None and found.doubtful


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

    known = {place: _as_array(each, str(names[place])) for place, each in categories.items()}
    parts: list[tuple[str, Any, list[int]]] = []
    for place in range(len(names)):
        if place in known:
            encoder = PandasCategories(
                categories=[known[place]],
                handle_unknown="use_encoded_value",
                unknown_value=np.nan,
                encoded_missing_value=np.nan,
            )
            parts.append((f"categories {place}", encoder, [place]))
        elif parts and isinstance(parts[-1][1], FunctionTransformer):
            parts[-1][2].append(place)
        else:
            parts.append((f"numbers {place}", FunctionTransformer(), [place]))
    first = {name: known[place][:1] if place in known else [0.0] for place, name in enumerate(names)}
    return ColumnTransformer(parts, sparse_threshold=0).fit(pandas.DataFrame(first))


def _as_array(categories: list[Any], name: str) -> Any:
    """Return categories in their order: numbers as such, and others as objects.

    Raises ConvertError for categories of several types, and for numbers that are not sorted.
    """
    kinds = {"a string" if isinstance(one, str) else "a number" for one in categories}
    if len(kinds) > 1:
        raise ConvertError(f"the categories of {name!r} are strings and numbers: make strings of them before you fit")
    if kinds == {"a number"}:
        if sorted(set(categories)) != categories:
            raise ConvertError(f"the categories of {name!r} are numbers that are not sorted: sort them before you fit")
        return np.array(categories)
    made = np.empty(len(categories), dtype=object)
    made[:] = categories
    return made
