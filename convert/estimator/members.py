"""The estimators that another is made of, where they are given its own rows, or some of their columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, RFECV
from sklearn.linear_model import RANSACRegressor
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.semi_supervised import SelfTrainingClassifier

from convert.estimator import insides
from convert.estimator.fitted import unwrapped


class Member(NamedTuple):
    """An estimator, and the places of the columns that it is given, None for all."""

    estimator: Any
    columns: tuple[int, ...] | None = None


def members_of(estimator: Any) -> list[Member]:
    """Return the members of a fitted ensemble, or of what wraps another; none for an estimator by itself."""
    estimator = unwrapped(estimator)
    find = MEMBERS.get(type(estimator))
    return [] if find is None else [member for member in find(estimator) if not isinstance(member.estimator, str)]


def _several(estimator: Any) -> Sequence[Member]:
    return [Member(each) for each in estimator.estimators_]


def _one(estimator: Any) -> Sequence[Member]:
    return [Member(estimator.estimator_)]


def _bagged(estimator: Any) -> Sequence[Member]:
    pairs = zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    return [Member(each, tuple(int(column) for column in columns)) for each, columns in pairs]


def _calibrated(estimator: Any) -> Sequence[Member]:
    return [Member(insides.calibrated(each).estimator) for each in estimator.calibrated_classifiers_]


def _of_chosen(estimator: Any) -> Sequence[Member]:
    return [Member(estimator.estimator_, tuple(np.flatnonzero(estimator.support_).tolist()))]


def _regressor(estimator: Any) -> Sequence[Member]:
    return [Member(estimator.regressor_)]


MEMBERS: dict[type, Callable[[Any], Sequence[Member]]] = {
    BaggingClassifier: _bagged,
    BaggingRegressor: _bagged,
    CalibratedClassifierCV: _calibrated,
    FixedThresholdClassifier: _one,
    OneVsOneClassifier: _several,
    OneVsRestClassifier: _several,
    RANSACRegressor: _one,
    RFE: _of_chosen,
    RFECV: _of_chosen,
    SelfTrainingClassifier: _one,
    StackingClassifier: _several,
    StackingRegressor: _several,
    TransformedTargetRegressor: _regressor,
    TunedThresholdClassifierCV: _one,
    VotingClassifier: _several,
    VotingRegressor: _several,
}
