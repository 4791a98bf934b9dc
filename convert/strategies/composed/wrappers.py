"""Regressors around others, and estimators that choose their columns first."""

from __future__ import annotations

from typing import Any

from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Value
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.targets import write_inverse


def consensus(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write RANSACRegressor.predict: that of the regressor that was fitted on the inliers."""
    return composer.regressor(rows, estimator.estimator_)


def transformed_target(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write TransformedTargetRegressor.predict."""
    value = composer.regressor(rows, estimator.regressor_)
    return write_inverse(composer.graph, value, estimator.transformer_)


def classifier_of_chosen(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write RFE.predict and .predict_proba of a classifier."""
    return composer.classifier(_chosen(composer, rows, estimator), estimator.estimator_)


def regressor_of_chosen(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write RFE.predict of a regressor."""
    return composer.regressor(_chosen(composer, rows, estimator), estimator.estimator_)


def _chosen(composer: Composer, rows: Columns, estimator: Any) -> Columns:
    return rows.chosen(composer.graph, estimator.get_support(indices=True).tolist())
