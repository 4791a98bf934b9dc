"""Regressors around others, and estimators that choose their columns first."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from convert.errors import ConvertError
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.graph.transformers.function import function_of
from convert.strategies.composed.composer import Composer


def consensus(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write RANSACRegressor.predict: that of the regressor that was fitted on the inliers."""
    return composer.regressor(rows, estimator.estimator_)


def transformed_target(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write TransformedTargetRegressor.predict."""
    return _write_inverse(composer.graph, composer.regressor(rows, estimator.regressor_), estimator.transformer_)


def classifier_of_chosen(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write RFE.predict and .predict_proba of a classifier."""
    return composer.classifier(_chosen(composer, rows, estimator), estimator.estimator_)


def regressor_of_chosen(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write RFE.predict of a regressor."""
    return composer.regressor(_chosen(composer, rows, estimator), estimator.estimator_)


def _chosen(composer: Composer, rows: Columns, estimator: Any) -> Columns:
    return rows.chosen(composer.graph, estimator.get_support(indices=True).tolist())


def _write_inverse(graph: Graph, value: Value, transformer: Any) -> Value:
    """Write the inverse_transform of a transformer of the target, for `value` (n, 1)."""
    if isinstance(transformer, FunctionTransformer):
        if transformer.inverse_func is None:
            return value
        return function_of(transformer.inverse_func, transformer.inv_kw_args).write(graph, value)
    if isinstance(transformer, StandardScaler):
        if transformer.with_std:
            value = graph.node("Mul", value, graph.constant(np.asarray(transformer.scale_, dtype=np.float64)))
        if transformer.with_mean:
            value = graph.node("Add", value, graph.constant(np.asarray(transformer.mean_, dtype=np.float64)))
        return value
    raise ConvertError(
        "TransformedTargetRegressor is written with inverse_func=numpy.exp, with StandardScaler(), or with neither: fit"
        " it with one of those"
    )
