"""The writer of each estimator that is composed."""

from __future__ import annotations

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

from convert.estimator.kinds import Kind
from convert.graph.ensembles.table import READERS
from convert.strategies.composed import (
    bayes,
    calibration,
    ensembles,
    isotonic,
    kernels,
    linear,
    multiclass,
    networks,
    trees,
    wrappers,
)
from convert.strategies.composed.composer import ClassifierWriter, RegressorWriter

CLASSIFIERS: dict[Kind, ClassifierWriter] = {
    **dict.fromkeys(READERS, trees.classifier),
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
REGRESSORS: dict[Kind, RegressorWriter] = {
    **dict.fromkeys(READERS, trees.regressor),
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
