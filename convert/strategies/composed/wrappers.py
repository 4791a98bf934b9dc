"""Regressors around others, and estimators that choose their columns first."""

from __future__ import annotations

from typing import Any

from sklearn.preprocessing import PowerTransformer

from convert.errors import ConvertError
from convert.estimator.fitted import parts_of
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Value
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.targets import write_inverse
from convert.strategies.single import has_float32


def consensus(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write RANSACRegressor.predict: that of the regressor that was fitted on the inliers."""
    return composer.regressor(rows, estimator.estimator_)


def transformed_target(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write TransformedTargetRegressor.predict."""
    _check_inverse(estimator)
    value = composer.regressor(rows, estimator.regressor_)
    return write_inverse(composer.graph, value, estimator.transformer_)


def _check_inverse(estimator: Any) -> None:
    """Raise ConvertError for an inverse of powers that is computed in float32, as XGBoost predicts: digits are lost."""
    powers = any(isinstance(part, PowerTransformer) for part in parts_of(estimator.transformer_))
    if powers and has_float32(estimator.regressor_):
        raise ConvertError(
            "TransformedTargetRegressor undoes a PowerTransformer in float32, in which XGBoost predicts, and loses"
            " digits: fit it with func=numpy.log1p and inverse_func=numpy.expm1"
        )


def classifier_of_chosen(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write RFE.predict and .predict_proba of a classifier."""
    return composer.classifier(_chosen(composer, rows, estimator), estimator.estimator_)


def regressor_of_chosen(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write RFE.predict of a regressor."""
    return composer.regressor(_chosen(composer, rows, estimator), estimator.estimator_)


def _chosen(composer: Composer, rows: Columns, estimator: Any) -> Columns:
    return rows.chosen(composer.graph, estimator.get_support(indices=True).tolist())
