"""How large the numbers are that a graph computes with, where products or sums of larger ones may overflow.

What becomes of a sum that overflows depends on the order of its terms: infinity, or no number. And what refuses
infinity refuses some rows of large numbers, though it takes each of them alone.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.cluster import AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.neighbors import NearestCentroid

from convert.estimator.fitted import parts_of
from convert.graph.transformers.table import TRANSFORMERS, is_curve
from convert.graph.transformers.transformer import SUMS
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.strategies.single import starts_in_float32

SQUARES = 1e100
SQUARING = (
    *(AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans, NearestCentroid),
    KernelRidge,
    *(BayesianGaussianMixture, EllipticEnvelope, GaussianMixture, QuadraticDiscriminantAnalysis),
)
"""What squares the numbers that it is given, or multiplies them with its centres."""
SINGLE_SUMS = 1e15
"""Up to here sums of products do not overflow in float32, if weights are no larger than 1e20."""
STEP = 0.97
POWER = 0.95
"""How much nearer to 0 numbers are, and the exponents of those above 1, where those at the end would overflow."""


def accepts(oracle: Oracle) -> list[Accepts]:
    """Return what of the values that the estimator accepts a graph computes with, feature by feature."""
    limits = [limit for part in parts_of(oracle.estimator) if (limit := _limit_of(part)) is not None]
    return [asked.within(min(limits)) if limits else asked for asked in oracle.accepts]


def accepts_of_operators(oracle: Oracle) -> list[Accepts]:
    """Return the same where curves are written: nothing that makes numbers near to what overflows."""
    made = accepts(oracle)
    if not any(is_curve(part) for part in parts_of(oracle.estimator)):
        return made
    return [_short_of_overflow(oracle, column, each.within(SUMS)) for column, each in enumerate(made)]


def _short_of_overflow(oracle: Oracle, column: int, accepts: Accepts) -> Accepts:
    """Return less of what is accepted at an end where the next number would overflow in the estimator."""
    if accepts.values:
        return accepts
    low, high = (
        _inward(end, toward) if end is not None and _overflows(oracle, column, end, toward) else end
        for end, toward in ((accepts.low, -1.0), (accepts.high, 1.0))
    )
    return replace(accepts, low=low, high=high)


def _inward(end: float, toward: float) -> float:
    """Return a number further in, by so much that an exponential of it, or a power, is smaller by 9 decimals."""
    size = abs(end)
    if end * toward > 0:
        return math.copysign(min(size * STEP, size**POWER), end)
    return math.copysign(max(size / STEP, size**POWER), end)


def _overflows(oracle: Oracle, column: int, end: float, toward: float) -> bool:
    row = oracle.row[np.newaxis].copy()
    row[:, column] = np.nextafter(end, toward * np.inf)
    with warnings.catch_warnings(record=True) as caught, np.errstate(over="warn"):
        warnings.simplefilter("always")
        with contextlib.suppress(Exception):  # whatever the estimator raises where it refuses
            oracle.predict(row)
    return any("overflow" in str(warning.message) for warning in caught)


def _limit_of(part: Any) -> float | None:
    if starts_in_float32(part):
        return SINGLE_SUMS
    if not hasattr(part, "n_features_in_"):  # one that was copied to be fitted
        return None
    if isinstance(part, SQUARING):
        return SQUARES
    if isinstance(part, BernoulliNB | ComplementNB | MultinomialNB):
        return SUMS
    kind = TRANSFORMERS.get(type(part))
    return None if kind is None or kind.limit is None else kind.limit(part)
