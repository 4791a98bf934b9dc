"""Which transformers are written, each by the file that knows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
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
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection

from convert.estimator.encoded import PandasCategories
from convert.graph.transformers import (
    binarizer,
    discretizer,
    encoders,
    function,
    imputers,
    layouts,
    normalizer,
    polynomial,
    power,
    projections,
    quantiles,
    scalers,
    selectors,
    splines,
)
from convert.graph.transformers.layouts import InTurn, SideBySide
from convert.graph.transformers.transformer import Transformer

TRANSFORMERS: dict[type, Transformer] = {
    Binarizer: binarizer.BINARIZER,
    FactorAnalysis: projections.FACTOR_ANALYSIS,
    FastICA: projections.INDEPENDENT_COMPONENTS,
    FunctionTransformer: function.FUNCTION,
    GaussianRandomProjection: projections.COMPONENTS,
    GenericUnivariateSelect: selectors.SELECTOR,
    IncrementalPCA: projections.PRINCIPAL_COMPONENTS,
    KBinsDiscretizer: discretizer.DISCRETIZER,
    LinearDiscriminantAnalysis: projections.DISCRIMINANTS,
    MaxAbsScaler: scalers.MAX_ABS,
    MinMaxScaler: scalers.MIN_MAX,
    MissingIndicator: imputers.INDICATOR,
    NeighborhoodComponentsAnalysis: projections.COMPONENTS,
    Normalizer: normalizer.NORMALIZER,
    OneHotEncoder: encoders.ONE_HOT,
    OrdinalEncoder: encoders.ORDINAL,
    PandasCategories: encoders.ORDINAL,
    PCA: projections.PRINCIPAL_COMPONENTS,
    PolynomialFeatures: polynomial.POLYNOMIAL,
    PowerTransformer: power.POWER,
    QuantileTransformer: quantiles.QUANTILES,
    RFE: selectors.SELECTOR,
    RFECV: selectors.SELECTOR,
    RobustScaler: scalers.ROBUST,
    SelectFdr: selectors.SELECTOR,
    SelectFpr: selectors.SELECTOR,
    SelectFromModel: selectors.SELECTOR,
    SelectFwe: selectors.SELECTOR,
    SelectKBest: selectors.SELECTOR,
    SelectPercentile: selectors.SELECTOR,
    SequentialFeatureSelector: selectors.SELECTOR,
    SimpleImputer: imputers.IMPUTER,
    SparseRandomProjection: projections.COMPONENTS,
    SplineTransformer: splines.SPLINES,
    StandardScaler: scalers.STANDARD,
    TargetEncoder: encoders.TARGET,
    TruncatedSVD: projections.COMPONENTS,
    VarianceThreshold: selectors.SELECTOR,
}
"""By class, what writes and follows it."""
LAYOUTS: dict[type, Callable[[Any], InTurn | SideBySide]] = {
    ColumnTransformer: layouts.column_transformer,
    FeatureUnion: layouts.feature_union,
    Pipeline: layouts.pipeline,
}
"""By class of those that are made of others, how."""


def is_curve(part: Any) -> bool:
    """Whether a part of an estimator is a curve, and not what a ColumnTransformer passes columns through with."""
    kind = TRANSFORMERS.get(type(part))
    return kind is not None and kind.curve and not (isinstance(part, FunctionTransformer) and part.func is None)
