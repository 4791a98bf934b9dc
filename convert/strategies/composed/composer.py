"""Estimators put together: each writer may ask the composer for those that its estimator is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lasso,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR

from convert.columns import Columns
from convert.errors import ConvertError
from convert.estimator import steps_of
from convert.graph import Graph
from convert.strategies.answers import Labelled
from convert.strategies.composed import bayes, boosting, calibration, ensembles, kernels, linear, networks
from convert.strategies.heads import write_label, write_value
from convert.strategies.trees import write_sums
from convert.transforms import write_steps
from convert.trees import READERS, read_trees

type ClassifierWriter = Callable[[Composer, Columns, Any], Labelled]
type RegressorWriter = Callable[[Composer, Columns, Any], str]


class Composer:
    """Writes estimators into one graph; what is fitted on the same rows shares them."""

    def __init__(self, graph: Graph) -> None:
        """Write into `graph`."""
        self.graph = graph

    def classifier(self, rows: Columns, estimator: Any) -> Labelled:
        """Write a classifier, a pipeline or not; raise ConvertError for one that is not written."""
        rows, last = self._behind_steps(rows, estimator)
        if type(last) in READERS:
            ensemble = read_trees(last)
            if ensemble.init is not None:
                return boosting.classifier(self, rows, last, ensemble)
            return write_label(self.graph, write_sums(self.graph, rows.name, len(rows.categories), ensemble), ensemble)
        return _writer_of(last, CLASSIFIERS)(self, rows, last)

    def regressor(self, rows: Columns, estimator: Any) -> str:
        """Write a regressor; return the name of its value, (n, 1) float64; raise ConvertError as `classifier` does."""
        rows, last = self._behind_steps(rows, estimator)
        if type(last) in READERS:
            ensemble = read_trees(last)
            if ensemble.init is not None:
                return boosting.regressor(self, rows, last, ensemble)
            return write_value(self.graph, write_sums(self.graph, rows.name, len(rows.categories), ensemble), ensemble)
        return _writer_of(last, REGRESSORS)(self, rows, last)

    def label_number(self, rows: Columns, estimator: Any) -> str:
        """Write the label of a classifier whose classes are numbers, (n, 1) float64."""
        answer = self.classifier(rows, estimator)
        classes = self.graph.constant(np.asarray(estimator.classes_, dtype=np.float64)[:, np.newaxis])
        return self.graph.node("Gather", classes, answer.class_index, axis=0)

    def _behind_steps(self, rows: Columns, estimator: Any) -> tuple[Columns, Any]:
        """Write the transformers of a pipeline; return what they make, and the estimator behind them."""
        estimator = estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator
        estimator = getattr(estimator, "best_estimator_", estimator)  # of a search
        if not isinstance(estimator, Pipeline):
            return rows, estimator
        *transformers, last = steps_of(estimator)
        return self._behind_steps(write_steps(self.graph, rows, transformers), last)


def _writer_of[W](estimator: Any, writers: dict[type, W]) -> W:
    writer = writers.get(type(estimator))
    if writer is None:
        raise ConvertError(f"{type(estimator).__name__} is not among the estimators that are written in float64")
    return writer


CLASSIFIERS: dict[type, ClassifierWriter] = {
    BaggingClassifier: ensembles.bagging_classifier,
    CalibratedClassifierCV: calibration.calibrated_classifier,
    GaussianNB: bayes.gaussian,
    LinearDiscriminantAnalysis: linear.logistic,
    LinearSVC: linear.without_probabilities,
    LogisticRegression: linear.logistic,
    LogisticRegressionCV: linear.logistic,
    MLPClassifier: networks.classifier,
    NuSVC: kernels.classifier,
    Perceptron: linear.without_probabilities,
    RidgeClassifier: linear.without_probabilities,
    RidgeClassifierCV: linear.without_probabilities,
    SGDClassifier: linear.stochastic,
    SVC: kernels.classifier,
    StackingClassifier: ensembles.stacking_classifier,
    VotingClassifier: ensembles.voting_classifier,
}
REGRESSORS: dict[type, RegressorWriter] = {
    BaggingRegressor: ensembles.bagging_regressor,
    BayesianRidge: linear.regressor,
    ElasticNet: linear.regressor,
    ElasticNetCV: linear.regressor,
    HuberRegressor: linear.regressor,
    Lasso: linear.regressor,
    LassoCV: linear.regressor,
    LinearRegression: linear.regressor,
    LinearSVR: linear.regressor,
    MLPRegressor: networks.regressor,
    NuSVR: kernels.regressor,
    Ridge: linear.regressor,
    RidgeCV: linear.regressor,
    SGDRegressor: linear.regressor,
    SVR: kernels.regressor,
    StackingRegressor: ensembles.stacking_regressor,
    VotingRegressor: ensembles.voting_regressor,
}
