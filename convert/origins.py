"""Where the columns that transformers make come from: which feature each one tells of, and in what way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from convert.errors import ConvertError
from convert.estimator import unwrapped

FLOAT32 = np.dtype(np.float32)
FITTED_ON_FLOAT32: NDArray[Any] = np.empty(0, FLOAT32)
"""What stands among the categories of a feature that a scaler or an imputer computes with in float32."""

type Origins = list[Origin | None]
type Known = list[list[NDArray[Any]]]
"""For each feature, the categories that each encoder or imputer on it knows."""


class Origin(NamedTuple):
    """The feature that a column is made from, and how.

    ``value``: it is the feature, missing values replaced or not. ``replaced``: it is, some number aside that stands for
    missing values. ``grows``: where the feature grows, it does not fall. ``category``: it tells which of the known
    categories the feature is.
    """

    feature: int
    how: Literal["value", "replaced", "grows", "category"]


@dataclass(frozen=True, slots=True)
class Traced:
    """What `trace` finds.

    columns: the origin of each column that the last transformer makes, None for one made of several features or in an
    unknown way; None if not even their number is known.
    known: for each feature, the categories that the encoders and imputers on it know.
    """

    columns: Origins | None
    known: Known


def trace(transformers: Sequence[Any], features: int) -> Traced:
    """Follow the columns of `features` features through fitted transformers."""
    known: Known = [[] for _ in range(features)]
    columns: Origins | None = untouched(features)
    for transformer in transformers:
        columns = None if columns is None else _follow(transformer, columns, known)
    return Traced(columns, known)


def untouched(features: int) -> Origins:
    """Return the origins of the features themselves."""
    return [Origin(feature, "value") for feature in range(features)]


def _follow(transformer: Any, columns: Origins, known: Known) -> Origins | None:
    if transformer is None or isinstance(transformer, str):  # "passthrough"
        return columns
    transformer = unwrapped(transformer)
    follower = FOLLOWERS.get(type(transformer))
    return None if follower is None else follower(transformer, columns, known)


def _scaler(scaler: Any, columns: Origins, known: Known) -> Origins:
    """Every scaler divides by, or multiplies with, a number above 0; rounding keeps the order."""
    for column in columns if FLOAT32 in {getattr(values, "dtype", None) for values in vars(scaler).values()} else ():
        if column is not None and column.how == "value":
            known[column.feature].append(FITTED_ON_FLOAT32)
    return [Origin(c.feature, "grows") if c is not None and c.how in {"value", "grows"} else None for c in columns]


def _function(transformer: Any, columns: Origins, known: Known) -> Origins:
    return columns if transformer.func is None else [None] * len(columns)


def _imputer(imputer: Any, columns: Origins, known: Known) -> Origins:
    """Follow the columns that are kept, and the indicators behind them; NaN is in no order that could break."""
    missing = imputer.missing_values
    for column, statistic in zip(columns, imputer.statistics_, strict=True):
        if column is not None and column.how == "value":
            known[column.feature] += _known_to(imputer, statistic)
    if missing is not None and not marks_nan(missing):
        columns = [_replaced(column, _marker(imputer), known) for column in columns]
    made = [columns[index] for index in imputed_columns(imputer)]
    if imputer.add_indicator:
        told = [columns[index] for index in imputer.indicator_.features_]
        made += [None if column is None else Origin(column.feature, "category") for column in told]
    return made


def _known_to(imputer: Any, statistic: Any) -> Iterator[NDArray[Any]]:
    """Yield what an imputer knows of a feature: what it fills in, if that is no number, and None or NaN in objects.

    It tells one from the other there, and does not tell whether it ever saw the one that it fills. Where it was fitted
    on objects that are all numbers, some were None, most likely: NaN among objects stands for that doubt.
    """
    if statistic is None or isinstance(statistic, str | bool):
        yield np.array([statistic], dtype=object)
    if imputer._fit_dtype == FLOAT32:
        yield FITTED_ON_FLOAT32
    missing = imputer.missing_values
    if missing is None:
        yield np.array([None], dtype=object)
    elif imputer._fit_dtype.kind == "O" and marks_nan(missing):
        doubtful = isinstance(missing, float) and all(isinstance(each, Real) for each in imputer.statistics_)
        yield np.array([np.nan], dtype=object if doubtful else np.float64)


def _replaced(column: Origin | None, marker: NDArray[Any], known: Known) -> Origin | None:
    """A number that stands for a missing value falls out of the order, and is one more that is known."""
    if column is None or column.how not in {"value", "replaced"}:
        return None
    known[column.feature].append(marker)
    return Origin(column.feature, "replaced")


def _marker(imputer: Any) -> NDArray[Any]:
    """Return what stands for a missing value, in the type of the rows if they may hold it in that type only."""
    marker = np.array([imputer.missing_values])
    narrow = imputer._fit_dtype in (np.float32, np.float16) and marker.dtype.kind == "f"
    rounded = marker.astype(imputer._fit_dtype) if narrow else marker
    return marker if np.array_equal(rounded.astype(marker.dtype), marker) else rounded


def marks_nan(missing: Any) -> bool:
    """Whether an imputer's `missing_values` are NaN, or pandas' NA, which are None and NaN as well."""
    return type(missing).__name__ == "NAType" or (isinstance(missing, float) and missing != missing)


def imputed_columns(imputer: Any) -> list[int]:
    """Return the columns that a SimpleImputer keeps: those for which it has a value, which may be None."""
    statistics = enumerate(imputer.statistics_.tolist())
    return [column for column, value in statistics if value is None or value == value]


def _encoder(encoder: Any, columns: Origins, known: Known) -> Origins:
    made: Origins = []
    for column, categories, count in zip(columns, encoder.categories_, outputs_of(encoder), strict=True):
        if column is not None and column.how in {"value", "replaced"}:
            known[column.feature].append(categories)
            made += [Origin(column.feature, "category")] * count
        else:
            made += [None] * count
    return made


def outputs_of(encoder: Any) -> list[int]:
    """Return how many columns the encoder makes of each of its features."""
    if isinstance(encoder, OneHotEncoder):
        return [int(count) for count in encoder._n_features_outs]
    several = isinstance(encoder, TargetEncoder) and encoder.target_type_ == "multiclass"
    return [len(encoder.classes_) if several else 1] * len(encoder.categories_)


def _selector(selector: Any, columns: Origins, known: Known) -> Origins:
    return [columns[index] for index in selector.get_support(indices=True)]


def _column_transformer(transformer: Any, columns: Origins, known: Known) -> Origins:
    made: Origins = []
    for name, part, _ in transformer.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        chosen = [columns[index] for index in transformer._transformer_to_input_indices[name]]
        place = transformer.output_indices_[name]
        followed = _follow(part, chosen, known) if chosen else []
        made += [None] * (place.stop - place.start) if followed is None else followed
    return made


def _indicator(indicator: Any, columns: Origins, known: Known) -> Origins:
    if indicator.missing_values is not None and indicator.missing_values == indicator.missing_values:
        columns = [_replaced(column, indicator.missing_values, known) for column in columns]
    told = [columns[index] for index in indicated_columns(indicator)]
    return [None if column is None else Origin(column.feature, "category") for column in told]


def indicated_columns(indicator: Any) -> list[int]:
    """Return the columns of which a MissingIndicator tells what is missing.

    Raises ConvertError where it refuses a number in the others: a feature takes an interval of numbers.
    """
    marker = indicator.missing_values
    if indicator.features == "missing-only" and indicator.error_on_new and marker is not None and marker == marker:
        raise ConvertError(f"MissingIndicator refuses {marker!r} where it is new: fit it with error_on_new=False")
    return [int(column) for column in indicator.features_]


def _discretizer(discretizer: Any, columns: Origins, known: Known) -> Origins:
    if discretizer.encode == "ordinal":
        return _scaler(discretizer, columns, known)
    return [None] * int(sum(discretizer.n_bins_))


def _polynomial(transformer: Any, columns: Origins, known: Known) -> Origins:
    """Follow the columns that are no products."""
    return [columns[int(powers.argmax())] if powers.sum() == 1 else None for powers in transformer.powers_]


def _feature_union(union: Any, columns: Origins, known: Known) -> Origins | None:
    made: Origins = []
    for _, part in union.transformer_list:
        followed = [] if isinstance(part, str) and part == "drop" else _follow(part, list(columns), known)
        made += [None] * len(part.get_feature_names_out()) if followed is None else followed
    return made


def _pipeline(pipeline: Any, columns: Origins, known: Known) -> Origins | None:
    followed: Origins | None = columns
    for _, step in pipeline.steps:
        followed = None if followed is None else _follow(step, followed, known)
    return followed


FOLLOWERS: dict[type, Callable[[Any, Origins, Known], Origins | None]] = {
    Binarizer: _scaler,
    ColumnTransformer: _column_transformer,
    FeatureUnion: _feature_union,
    FunctionTransformer: _function,
    GenericUnivariateSelect: _selector,
    KBinsDiscretizer: _discretizer,
    MaxAbsScaler: _scaler,
    MinMaxScaler: _scaler,
    MissingIndicator: _indicator,
    OneHotEncoder: _encoder,
    OrdinalEncoder: _encoder,
    Pipeline: _pipeline,
    PolynomialFeatures: _polynomial,
    RFE: _selector,
    RFECV: _selector,
    RobustScaler: _scaler,
    SelectFdr: _selector,
    SelectFpr: _selector,
    SelectFromModel: _selector,
    SelectFwe: _selector,
    SelectKBest: _selector,
    SelectPercentile: _selector,
    SequentialFeatureSelector: _selector,
    SimpleImputer: _imputer,
    StandardScaler: _scaler,
    TargetEncoder: _encoder,
    VarianceThreshold: _selector,
}
