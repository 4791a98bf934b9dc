"""scikit-learn's insides: all that is read of it that is private, or that its documentation does not tell of.

Each function names the attribute that it reads, and where scikit-learn 1.9 makes it. A release that moves one is seen
by `tests/convert/estimator/test_insides.py`, which calls each function with a fitted estimator, says by name what is
gone, and lets no other module of `convert` read any but those beside it: `histogram_insides.py`, and for LightGBM and
XGBoost `booster_insides.py`.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma
from sklearn._loss.link import LogLink
from sklearn.ensemble._iforest import _average_path_length
from sklearn.mixture import BayesianGaussianMixture
from sklearn.mixture._gaussian_mixture import _compute_log_det_cholesky
from sklearn.preprocessing._data import BOUNDS_THRESHOLD

SKOPS_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree")
"""The types of trees in skops files: data, no code."""


def given_columns(transformer: Any, name: str) -> list[int]:
    """Return the places of the columns that a part of a ColumnTransformer is given.

    ``_transformer_to_input_indices``, made by `_validate_column_callables` in compose/_column_transformer.py.
    """
    return [int(column) for column in transformer._transformer_to_input_indices[name]]


def imputed_dtype(imputer: Any) -> np.dtype[Any] | None:
    """Return the type of the rows that a SimpleImputer was fitted on, None of a MissingIndicator, which keeps none.

    ``_fit_dtype``, made by `SimpleImputer._validate_input` in impute/_base.py.
    """
    return getattr(imputer, "_fit_dtype", None)


def one_hot_widths(encoder: Any) -> list[int]:
    """Return how many columns a OneHotEncoder makes of each feature.

    ``_n_features_outs``, made by `OneHotEncoder._set_drop_idx` in preprocessing/_encoders.py.
    """
    return [int(count) for count in encoder._n_features_outs]


def degrees(transformer: Any) -> tuple[int, int]:
    """Return the lowest and the highest degree of a PolynomialFeatures.

    ``_min_degree`` and ``_max_degree``, made by `PolynomialFeatures.fit` in preprocessing/_polynomial.py.
    """
    return int(transformer._min_degree), int(transformer._max_degree)


OF_COLUMNS = ("lambdas_", "quantiles_", "mean_", "scale_", "var_", "min_", "center_", "max_abs_")
"""Attributes of transformers whose last axis is that of the columns."""


def one_column(transformer: Any, place: int) -> Any:
    """Return a transformer that does to a matrix of one column what this one does to its column numbered `place`.

    ``_scaler`` of PowerTransformer, made by its `_fit` in preprocessing/_data.py, and ``_sklearn_output_config``, made
    by `set_output` in utils/_set_output.py.
    """
    one = copy.copy(transformer)
    one.n_features_in_, one._sklearn_output_config = 1, {}
    vars(one).pop("feature_names_in_", None)
    for name in OF_COLUMNS:
        if isinstance(getattr(one, name, None), np.ndarray):
            setattr(one, name, getattr(one, name)[..., place : place + 1])
    if hasattr(one, "_scaler"):
        one._scaler = one_column(one._scaler, place)
    return one


def power_scaler(transformer: Any) -> Any:
    """Return the StandardScaler that a PowerTransformer ends with, None where it does not standardize.

    ``_scaler``, made by `PowerTransformer._fit` in preprocessing/_data.py.
    """
    return getattr(transformer, "_scaler", None) if transformer.standardize else None


def quantile_bound() -> float:
    """Return how near to the ends of its quantiles QuantileTransformer takes a number for one of them.

    `BOUNDS_THRESHOLD`, in preprocessing/_data.py.
    """
    return float(BOUNDS_THRESHOLD)


def discriminant_count(transformer: Any) -> int:
    """Return how many columns LinearDiscriminantAnalysis makes.

    ``_max_components``, made by `LinearDiscriminantAnalysis.fit` in discriminant_analysis.py.
    """
    return int(transformer._max_components)


def boosting_start(estimator: Any) -> NDArray[np.float64]:
    """Return what the sums of gradient boosting start with on any row, (sums,), where its `init_` looks at none.

    `_raw_predict_init`, in ensemble/_gb.py.
    """
    [start] = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_), dtype=np.float32))
    return np.asarray(start, dtype=np.float64)


def boosted_shares(estimator: Any, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of two classes, (n, 2), that gradient boosting makes of raw scores, (n,).

    ``_loss`` and its `predict_proba`, made by `fit` in ensemble/_gb.py and in
    ensemble/_hist_gradient_boosting/gradient_boosting.py.
    """
    return np.asarray(estimator._loss.predict_proba(scores.reshape(-1, 1)), dtype=np.float64)


def voted_shares(estimator: Any, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of two classes, (n, 2), that AdaBoostClassifier makes of its decisions, (n,).

    `_compute_proba_from_decision`, in ensemble/_weight_boosting.py.
    """
    return np.asarray(estimator._compute_proba_from_decision(scores, 2), dtype=np.float64)


def isolation_depths(estimator: Any, number: int) -> NDArray[np.float64]:
    """Return what each node of a tree of an isolation forest adds to the sum of a row's depths, (nodes,).

    ``_decision_path_lengths`` and ``_average_path_length_per_tree``, added up by `_compute_score_samples` in
    ensemble/_iforest.py.
    """
    lengths = estimator._decision_path_lengths[number] + estimator._average_path_length_per_tree[number] - 1.0
    return np.asarray(lengths, dtype=np.float64)


def isolation_scale(estimator: Any) -> float:
    """Return the average length of a path in an isolation forest's sample.

    ``_max_samples``, made by `IsolationForest._fit`, and `_average_path_length`, in ensemble/_iforest.py.
    """
    [average] = _average_path_length([estimator._max_samples])
    return float(average)


def member_weights(ensemble: Any) -> list[float] | None:
    """Return the weights of the members of a voting ensemble that are not dropped, None where all are alike.

    ``_weights_not_none``, a property of `_BaseVoting` in ensemble/_voting.py.
    """
    weights: list[float] | None = ensemble._weights_not_none
    return weights


class SupportVectors(NamedTuple):
    """What libsvm computes with: see `dual`, `intercept`, `gamma` and `counts` of `support_vector_machine`."""

    dual: NDArray[np.float64]
    intercept: NDArray[np.float64]
    gamma: float
    counts: NDArray[np.int64]
    probability: bool


def support_vector_machine(estimator: Any) -> SupportVectors:
    """Return libsvm's own numbers, whose signs those that scikit-learn shows may not have.

    ``_dual_coef_``, made dense, (classes - 1, vectors), ``_intercept_``, (pairs,), ``_gamma``, ``_n_support``,
    (classes,), and ``_effective_probability``, made by `BaseLibSVM.fit` in svm/_base.py.
    """
    dual = estimator._dual_coef_
    dual = dual.toarray() if hasattr(dual, "toarray") else dual
    return SupportVectors(
        np.asarray(dual, dtype=np.float64),
        np.asarray(estimator._intercept_, dtype=np.float64),
        float(estimator._gamma),
        np.asarray(estimator._n_support, dtype=np.int64),
        bool(getattr(estimator, "_effective_probability", False)),
    )


def has_log_link(estimator: Any) -> bool:
    """Whether a generalised linear model has a logarithmic link.

    ``_base_loss`` and its ``link``, made by `_GeneralizedLinearRegressor.fit` in linear_model/_glm/glm.py.
    """
    return isinstance(estimator._base_loss.link, LogLink)


def subtracted_means(estimator: Any) -> NDArray[np.float64]:
    """Return what PLS regressions subtract from rows first, (features,).

    ``_x_mean``, made by `_PLS.fit` in cross_decomposition/_pls.py.
    """
    return np.asarray(estimator._x_mean, dtype=np.float64)


def positive_label(estimator: Any) -> Any:
    """Return the label that TunedThresholdClassifierCV takes for the positive one, None where that is the second.

    ``_curve_scorer``, made by `TunedThresholdClassifierCV._fit` in model_selection/_classification_threshold.py, and
    its `_get_pos_label`, of metrics/_scorer.py.
    """
    return estimator._curve_scorer._get_pos_label()


class Calibrated(NamedTuple):
    """A classifier within CalibratedClassifierCV, the method of its calibrators, and those, one for each score."""

    estimator: Any
    method: str
    calibrators: list[Any]


def calibrated(member: Any) -> Calibrated:
    """Return what a `_CalibratedClassifier` holds: ``estimator``, ``method`` and ``calibrators`` of calibration.py."""
    return Calibrated(member.estimator, str(member.method), list(member.calibrators))


def sigmoid_line(calibrator: Any) -> tuple[float, float]:
    """Return slope and intercept of a `_SigmoidCalibration`: ``a_`` and ``b_``, made by its `fit` in calibration.py."""
    return float(calibrator.a_), float(calibrator.b_)


class Bisection(NamedTuple):
    """Where BisectingKMeans splits a cluster: both centres, (2, features), and what is behind each, or its label."""

    centers: NDArray[np.float64]
    left: Bisection | int
    right: Bisection | int


def bisections(estimator: Any) -> Bisection | int:
    """Return the first split of BisectingKMeans, or the label of its only cluster.

    ``_bisecting_tree`` and ``_X_mean``, made by `BisectingKMeans.fit` in cluster/_bisect_k_means.py.
    """
    mean = getattr(estimator, "_X_mean", 0.0)

    def split(node: Any) -> Bisection | int:
        if node.left is None:
            return int(node.label)
        return Bisection(np.vstack((node.left.center, node.right.center)) + mean, split(node.left), split(node.right))

    return split(estimator._bisecting_tree)


def mixture_constants(estimator: Any) -> NDArray[np.float64]:
    """Return what the logarithm of each component's weighted density is where a row is its mean, (components,).

    `_estimate_log_weights` and `_compute_log_det_cholesky`, and what `BayesianGaussianMixture._estimate_log_prob` adds,
    in mixture/_gaussian_mixture.py and mixture/_bayesian_mixture.py.
    """
    width = estimator.means_.shape[1]
    determinant = _compute_log_det_cholesky(estimator.precisions_cholesky_, estimator.covariance_type, width)
    constants = np.float64(determinant) - 0.5 * width * np.log(2 * np.pi) + estimator._estimate_log_weights()
    if isinstance(estimator, BayesianGaussianMixture):
        freedom = np.asarray(estimator.degrees_of_freedom_)
        halves = 0.5 * (freedom - np.arange(width)[:, np.newaxis])
        spread = width * np.log(2.0) + digamma(halves).sum(axis=0) - width / estimator.mean_precision_
        constants = constants + 0.5 * (spread - width * np.log(freedom))
    return np.asarray(constants, dtype=np.float64)


def scaler_of_powers(transformer: Any) -> Any:
    """Return the StandardScaler behind the powers of a PowerTransformer with standardize=True.

    ``_scaler``, made by `PowerTransformer._fit` in preprocessing/_data.py.
    """
    return transformer._scaler
