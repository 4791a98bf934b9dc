"""How large the numbers are that a graph computes with, where products or sums of larger ones may overflow.

What becomes of a sum that overflows depends on the order of its terms: infinity, or no number. And what refuses
infinity refuses some rows of large numbers, though it takes each of them alone.
"""

from __future__ import annotations

from typing import Any

from sklearn.cluster import AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.neighbors import NearestCentroid

from convert.estimator.fitted import parts_of
from convert.graph.transformers.table import TRANSFORMERS
from convert.graph.transformers.transformer import SUMS
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle

SQUARES = 1e100
SQUARING = (
    *(AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans, NearestCentroid),
    KernelRidge,
    *(BayesianGaussianMixture, EllipticEnvelope, GaussianMixture, QuadraticDiscriminantAnalysis),
)
"""What squares the numbers that it is given, or multiplies them with its centres."""


def accepts(oracle: Oracle) -> list[Accepts]:
    """Return what of the values that the estimator accepts a graph computes with, feature by feature."""
    limits = [limit for part in parts_of(oracle.estimator) if (limit := _limit_of(part)) is not None]
    return [asked.within(min(limits)) if limits else asked for asked in oracle.accepts]


def _limit_of(part: Any) -> float | None:
    if isinstance(part, SQUARING):
        return SQUARES
    if isinstance(part, BernoulliNB | ComplementNB | MultinomialNB):
        return SUMS
    kind = TRANSFORMERS.get(type(part))
    return None if kind is None or kind.limit is None else kind.limit(part)
