"""Estimators put together: each writer may ask the composer for those that its estimator is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import CCA, PLSCanonical, PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, RFECV
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    PoissonRegressor,
    QuantileRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDOneClassSVM,
    SGDRegressor,
    TheilSenRegressor,
    TweedieRegressor,
)
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

from convert.columns import Columns
from convert.errors import ConvertError
from convert.estimator import steps_of
from convert.graph import Graph
from convert.refused import not_written
from convert.strategies.answers import Labelled
from convert.strategies.composed import (
    bayes,
    boosting,
    calibration,
    ensembles,
    isotonic,
    kernels,
    linear,
    multiclass,
    networks,
    wrappers,
)
from convert.strategies.heads import write_label, write_value
from convert.strategies.trees import write_sums
from convert.transforms import write_steps
from convert.trees import READERS, TreeEnsemble, read_trees

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
            return write_label(self.graph, self._sums(rows, last, ensemble), ensemble)
        return _writer_of(last, CLASSIFIERS)(self, rows, last)

    def regressor(self, rows: Columns, estimator: Any) -> str:
        """Write a regressor; return the name of its value, (n, 1) float64; raise ConvertError as `classifier` does."""
        rows, last = self._behind_steps(rows, estimator)
        if type(last) in READERS:
            ensemble = read_trees(last)
            if ensemble.init is not None:
                return boosting.regressor(self, rows, last, ensemble)
            return write_value(self.graph, self._sums(rows, last, ensemble), ensemble)
        return _writer_of(last, REGRESSORS)(self, rows, last)

    def label_number(self, rows: Columns, estimator: Any) -> str:
        """Write the label of a classifier whose classes are numbers, (n, 1) float64."""
        answer = self.classifier(rows, estimator)
        classes = self.graph.constant(np.asarray(estimator.classes_, dtype=np.float64)[:, np.newaxis])
        return self.graph.node("Gather", classes, answer.class_index, axis=0)

    def _sums(self, rows: Columns, estimator: Any, ensemble: TreeEnsemble) -> str:
        return write_sums(self.graph, rows.compared_by(estimator), len(rows.categories), ensemble)

    def _behind_steps(self, rows: Columns, estimator: Any) -> tuple[Columns, Any]:
        """Write the transformers of a pipeline; return what they make, and the estimator behind them."""
        *transformers, last = steps_of(estimator)
        return write_steps(self.graph, rows, transformers), last


def _writer_of[W](estimator: Any, writers: dict[type, W]) -> W:
    writer = writers.get(type(estimator))
    if writer is None:
        raise ConvertError(not_written(estimator))
    return writer


CLASSIFIERS: dict[type, ClassifierWriter] = {
    BaggingClassifier: ensembles.bagging_classifier,
    BernoulliNB: bayes.bernoulli,
    CalibratedClassifierCV: calibration.calibrated_classifier,
    CategoricalNB: bayes.categorical,
    ComplementNB: bayes.complement,
    FixedThresholdClassifier: multiclass.threshold,
    GaussianNB: bayes.gaussian,
    LinearDiscriminantAnalysis: linear.logistic,
    LinearSVC: linear.without_probabilities,
    LogisticRegression: linear.logistic,
    LogisticRegressionCV: linear.logistic,
    MLPClassifier: networks.classifier,
    MultinomialNB: bayes.multinomial,
    NuSVC: kernels.classifier,
    OneClassSVM: kernels.outliers,
    OneVsOneClassifier: multiclass.every_pair,
    OneVsRestClassifier: multiclass.one_against_rest,
    PassiveAggressiveClassifier: linear.without_probabilities,
    Perceptron: linear.without_probabilities,
    QuadraticDiscriminantAnalysis: bayes.quadratic,
    RFE: wrappers.classifier_of_chosen,
    RFECV: wrappers.classifier_of_chosen,
    RidgeClassifier: linear.without_probabilities,
    RidgeClassifierCV: linear.without_probabilities,
    SGDClassifier: linear.stochastic,
    SGDOneClassSVM: linear.outliers,
    SVC: kernels.classifier,
    SelfTrainingClassifier: multiclass.self_training,
    StackingClassifier: ensembles.stacking_classifier,
    TunedThresholdClassifierCV: multiclass.threshold,
    VotingClassifier: ensembles.voting_classifier,
}
REGRESSORS: dict[type, RegressorWriter] = {
    ARDRegression: linear.regressor,
    BaggingRegressor: ensembles.bagging_regressor,
    BayesianRidge: linear.regressor,
    CCA: linear.centred,
    ElasticNet: linear.regressor,
    ElasticNetCV: linear.regressor,
    GammaRegressor: linear.log_link,
    HuberRegressor: linear.regressor,
    IsotonicRegression: isotonic.regressor,
    KernelRidge: kernels.ridge,
    Lars: linear.regressor,
    LarsCV: linear.regressor,
    Lasso: linear.regressor,
    LassoCV: linear.regressor,
    LassoLars: linear.regressor,
    LassoLarsCV: linear.regressor,
    LassoLarsIC: linear.regressor,
    LinearRegression: linear.regressor,
    LinearSVR: linear.regressor,
    MLPRegressor: networks.regressor,
    NuSVR: kernels.regressor,
    OrthogonalMatchingPursuit: linear.regressor,
    OrthogonalMatchingPursuitCV: linear.regressor,
    PLSCanonical: linear.centred,
    PLSRegression: linear.centred,
    PassiveAggressiveRegressor: linear.regressor,
    PoissonRegressor: linear.log_link,
    QuantileRegressor: linear.regressor,
    RANSACRegressor: wrappers.consensus,
    RFE: wrappers.regressor_of_chosen,
    RFECV: wrappers.regressor_of_chosen,
    Ridge: linear.regressor,
    RidgeCV: linear.regressor,
    SGDRegressor: linear.regressor,
    SVR: kernels.regressor,
    StackingRegressor: ensembles.stacking_regressor,
    TheilSenRegressor: linear.regressor,
    TransformedTargetRegressor: wrappers.transformed_target,
    TweedieRegressor: linear.log_link,
    VotingRegressor: ensembles.voting_regressor,
}
