"""The writer of each estimator that is composed."""

from __future__ import annotations

from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import AffinityPropagation, Birch, BisectingKMeans, KMeans, MeanShift, MiniBatchKMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.covariance import EllipticEnvelope
from sklearn.cross_decomposition import CCA, PLSCanonical, PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
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
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

from convert.estimator.kinds import Kind
from convert.graph.ensembles.table import READERS
from convert.strategies.composed import (
    bayes,
    calibration,
    clusters,
    constants,
    ensembles,
    isotonic,
    kernels,
    linear,
    mixtures,
    multiclass,
    networks,
    trees,
    wrappers,
)
from convert.strategies.composed.composer import ClassifierWriter, RegressorWriter

CLASSIFIERS: dict[Kind, ClassifierWriter] = {
    **dict.fromkeys(READERS, trees.classifier),
    AffinityPropagation: clusters.nearest,
    BaggingClassifier: ensembles.bagging_classifier,
    BayesianGaussianMixture: mixtures.mixture,
    BernoulliNB: bayes.bernoulli,
    Birch: clusters.birch,
    BisectingKMeans: clusters.bisecting,
    CalibratedClassifierCV: calibration.calibrated_classifier,
    CategoricalNB: bayes.categorical,
    ComplementNB: bayes.complement,
    DummyClassifier: constants.classifier,
    EllipticEnvelope: mixtures.envelope,
    FixedThresholdClassifier: multiclass.threshold,
    GaussianMixture: mixtures.mixture,
    GaussianNB: bayes.gaussian,
    KMeans: clusters.k_means,
    LinearDiscriminantAnalysis: linear.logistic,
    LinearSVC: linear.without_probabilities,
    LogisticRegression: linear.logistic,
    LogisticRegressionCV: linear.logistic,
    MLPClassifier: networks.classifier,
    MeanShift: clusters.nearest,
    MiniBatchKMeans: clusters.k_means,
    MultinomialNB: bayes.multinomial,
    NearestCentroid: clusters.nearest_centroid,
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
    DummyRegressor: constants.regressor,
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
