from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import AffinityPropagation, Birch, BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.covariance import EllipticEnvelope
from sklearn.cross_decomposition import CCA, PLSCanonical
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, RFECV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    RANSACRegressor,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid, NeighborhoodComponentsAnalysis
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from convert.errors import ConvertError
from convert.estimator.refused import REFUSED
from convert.export import export
from convert.model_file.disk import read_card
from convert.oracle.sample import Sample, write_sample
from convert.proof.verify import verify
from convert.strategies.composed.strategy import ESTIMATORS
from convert.strategies.registry import markdown
from tests.conftest import TESTS

ROWS = np.random.default_rng(2).normal(size=(300, 4))
SMALL_TREES = [("tree", DecisionTreeClassifier(max_depth=3)), ("linear", LogisticRegression())]
SMALL_REGRESSORS = [("tree", DecisionTreeRegressor(max_depth=3)), ("linear", LinearRegression())]
SCALED = [
    ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
    ("tree", make_pipeline(MinMaxScaler(), DecisionTreeClassifier(max_depth=3))),
]
"""Pipelines of equal length, which numpy takes for a matrix of steps."""
SETTINGS: dict[type, dict[str, Any]] = {
    AffinityPropagation: {"random_state": 0},
    BaggingClassifier: {"random_state": 0},
    BaggingRegressor: {"random_state": 0},
    BayesianGaussianMixture: {"n_components": 3, "random_state": 0},
    BisectingKMeans: {"n_clusters": 6, "random_state": 0},
    CCA: {"n_components": 1},
    EllipticEnvelope: {"random_state": 0},
    FixedThresholdClassifier: {"estimator": LogisticRegression(), "threshold": 0.3},
    GaussianMixture: {"n_components": 3, "random_state": 0},
    KMeans: {"n_clusters": 3, "random_state": 0},
    MLPClassifier: {"hidden_layer_sizes": (8,), "max_iter": 1000, "random_state": 0},
    MLPRegressor: {"hidden_layer_sizes": (8,), "max_iter": 1000, "random_state": 0},
    MiniBatchKMeans: {"n_clusters": 3, "random_state": 0},
    NuSVC: {"nu": 0.3},
    OneVsOneClassifier: {"estimator": LogisticRegression()},
    OneVsRestClassifier: {"estimator": LogisticRegression()},
    PLSCanonical: {"n_components": 1},
    RANSACRegressor: {"random_state": 0},
    RFE: {"estimator": LogisticRegression(), "n_features_to_select": 2},
    RFECV: {"estimator": LogisticRegression(), "cv": 2},
    SelfTrainingClassifier: {"estimator": LogisticRegression()},
    StackingClassifier: {"estimators": SMALL_TREES},
    StackingRegressor: {"estimators": SMALL_REGRESSORS},
    TunedThresholdClassifierCV: {"estimator": LogisticRegression(), "cv": 2},
    VotingClassifier: {"estimators": SMALL_TREES},
    VotingRegressor: {"estimators": SMALL_REGRESSORS},
}

COUNTS = {CategoricalNB, ComplementNB, MultinomialNB}
"""What takes counts, or numbers of categories."""
BINARY = {FixedThresholdClassifier, TunedThresholdClassifierCV}
"""What tells two classes from each other, not three."""

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:Stochastic Optimizer")


def rows_for(estimator: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows as the estimator can be fitted on them."""
    if isinstance(estimator, IsotonicRegression):
        return rows[:, :1]
    return np.abs(rows).round() if type(estimator) in COUNTS else rows


def targets_for(estimator: Any, score: NDArray[np.float64], labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels for a classifier, and else the score, or what is above 0 where that is asked for."""
    if is_classifier(estimator):
        return labels
    return np.exp(score / 4) if isinstance(estimator, GammaRegressor | PoissonRegressor) else score


def fitted(estimator: Any, folder: Path, classes: int = 3) -> Path:
    rows, score = rows_for(estimator, ROWS), ROWS.sum(axis=1)
    limits = [-1, 1][: 1 if type(estimator) in BINARY else classes - 1]
    words = np.array([0, 1] if isinstance(estimator, SelfTrainingClassifier) else ["low", "middle", "high"])
    places = np.minimum(np.digitize(score, limits), len(words) - 1)
    fitting = estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator
    fitting.fit(rows, targets_for(estimator, score, words[places]))
    joblib.dump(estimator, folder / "model.joblib")
    write_sample(folder / "model.csv", Sample(("a", "b", "c", "d")[: rows.shape[1]], rows))
    return folder / "model.joblib"


def assert_certified(model: Path, strategy: str, tolerance: float = 1e-9) -> None:
    folder = model.parent
    assert export(model, folder / "model.onnx", name="model").strategy == strategy
    with (folder / "output.txt").open("w") as file:
        agree = verify(model, folder / "model.onnx", None, Console(file=file, width=120))
    assert agree, (folder / "output.txt").read_text()
    certificate = read_card((folder / "model.onnx").read_bytes())["certificate"]
    assert certificate["label_differences"] == certificate["refusals"]["differences"] == 0
    assert certificate["largest_difference"] < tolerance


def test_the_documentation_holds_the_table() -> None:
    assert markdown() in (TESTS.parent / "docs" / "estimators.md").read_text()


@pytest.mark.parametrize("kind", sorted(ESTIMATORS, key=str), ids=str)
def test_what_is_listed_as_certified_is(kind: type, tmp_path: Path) -> None:
    assert_certified(fitted(kind(**SETTINGS.get(kind, {})), tmp_path), "float64 operators")


FOREST = RandomForestClassifier(5, max_depth=4, random_state=0)
OTHERS = [
    SVC(kernel="linear", decision_function_shape="ovo"),
    SVC(kernel="poly", break_ties=True),
    SVC(kernel="sigmoid"),
    SGDClassifier(loss="log_loss"),
    SGDClassifier(loss="modified_huber"),
    MLPClassifier((8, 4), activation="tanh", max_iter=1000),
    MLPClassifier((8,), activation="logistic", max_iter=1000),
    CalibratedClassifierCV(FOREST, cv=3, method="isotonic"),
    CalibratedClassifierCV(GaussianNB(), ensemble=False),
    CalibratedClassifierCV(SVC(), cv=2),
    VotingClassifier(SMALL_TREES, voting="soft", weights=[1, 3]),
    VotingClassifier([("pipeline", make_pipeline(StandardScaler(), SVC())), ("forest", FOREST)], weights=[2, 1]),
    StackingClassifier([("svc", SVC()), ("ridge", RidgeClassifier())], stack_method="predict", passthrough=True),
    StackingClassifier([("svc", LinearSVC()), ("forest", FOREST)], final_estimator=FOREST),
    BaggingClassifier(LogisticRegression(), max_features=0.5),
    make_pipeline(StandardScaler(), LogisticRegression()),
    CalibratedClassifierCV(GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2), cv=2),
    *(VotingClassifier(SCALED), VotingClassifier(SCALED, voting="soft"), StackingClassifier(SCALED, cv=2)),
    VotingClassifier([*SCALED, ("nested", VotingClassifier(SCALED)), ("dropped", "drop")]),
    StackingClassifier(SCALED, final_estimator=make_pipeline(StandardScaler(), LogisticRegression()), cv=2),
    BaggingClassifier(make_pipeline(StandardScaler(), LogisticRegression()), 3),
    BaggingClassifier(GridSearchCV(SCALED[0][1], {"logisticregression__C": [1, 2]}, cv=2), 3),
    CalibratedClassifierCV(SCALED[0][1], cv=2),
    *(OneVsRestClassifier(each) for each in (SCALED[0][1], SCALED[1][1], LinearSVC(), LinearRegression(), FOREST)),
    *(OneVsOneClassifier(each) for each in (SCALED[0][1], SCALED[1][1], LinearSVC(), FOREST)),
    *(RFE(SCALED[0][1], importance_getter="named_steps.logisticregression.coef_"), FrozenEstimator(SCALED[0][1])),
    make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2)),
    make_pipeline(SplineTransformer(extrapolation="periodic"), LogisticRegression()),
    GradientBoostingClassifier(n_estimators=10, init=DecisionTreeClassifier(max_depth=3)),
    make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=10, init=FOREST)),
]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator", OTHERS, ids=range(len(OTHERS)))
def test_their_settings_are_certified(estimator: Any, classes: int, tmp_path: Path) -> None:
    assert_certified(fitted(estimator, tmp_path, classes), "float64 operators")


@pytest.mark.parametrize(
    "transformer",
    [
        *(PCA(3), PCA(2, whiten=True), IncrementalPCA(2), TruncatedSVD(2), FactorAnalysis(2), FastICA(2)),
        *(GaussianRandomProjection(2, random_state=0), SparseRandomProjection(2, random_state=0), Normalizer("l1")),
        *(Normalizer("l2"), LinearDiscriminantAnalysis(), NeighborhoodComponentsAnalysis(2, random_state=0)),
    ],
    ids=repr,
)
def test_what_sums_up_is_certified_in_front_of_a_linear_model_and_refused_in_front_of_trees(
    transformer: Any, tmp_path: Path
) -> None:
    assert_certified(fitted(make_pipeline(transformer, LogisticRegression()), tmp_path), "float64 operators")
    name = type(transformer).__name__
    with pytest.raises(ConvertError, match=f"RandomForestClassifier compares what {name} sums up"):
        export(fitted(make_pipeline(transformer, FOREST), tmp_path), tmp_path / "model.onnx", name="model")


COVARIANCES = ("full", "tied", "diag", "spherical")


@pytest.mark.parametrize(
    "estimator",
    [
        *(GaussianMixture(3, covariance_type=kind, random_state=0) for kind in COVARIANCES),
        *(BayesianGaussianMixture(n_components=3, covariance_type=kind, random_state=0) for kind in COVARIANCES),
        BayesianGaussianMixture(weight_concentration_prior_type="dirichlet_distribution", random_state=0),
        *(KMeans(1), BisectingKMeans(1), Birch(n_clusters=None, threshold=2.0), NearestCentroid(priors="empirical")),
        *(make_pipeline(StandardScaler(), DummyClassifier(strategy=each)) for each in ("prior", "most_frequent")),
        *(DummyClassifier(strategy="constant", constant="low"), DummyRegressor(strategy="median")),
    ],
    ids=repr,
)
def test_clusters_mixtures_and_baselines_are_certified(estimator: Any, tmp_path: Path) -> None:
    assert_certified(fitted(estimator, tmp_path), "float64 operators")


def test_the_best_estimator_of_a_search_is_what_is_exported(tmp_path: Path) -> None:
    search = GridSearchCV(make_pipeline(MinMaxScaler(), FOREST), {"randomforestclassifier__max_depth": [8, 9]}, cv=2)
    assert_certified(fitted(search, tmp_path), "float64 trees")


class FunctionOfMine(LogisticRegression):  # type: ignore[misc]
    """An estimator of one's own, which might do anything."""


NEIGHBOURS = KNeighborsClassifier()


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (NEIGHBOURS, "takes other neighbours than scikit-learn"),
        (KNeighborsRegressor(), "takes other neighbours than scikit-learn"),
        (VotingClassifier([("a", NEIGHBOURS), ("b", LogisticRegression())]), "KNeighborsClassifier is not converted"),
        (OneVsRestClassifier(NEIGHBOURS), "takes other neighbours than scikit-learn"),
        (OneVsRestClassifier(make_pipeline(PCA(2), FOREST)), "RandomForestClassifier compares what PCA sums up"),
        (FunctionOfMine(), "FunctionOfMine is not converted: it is no class of scikit-learn"),
        (make_pipeline(KBinsDiscretizer(dtype=np.float32), LogisticRegression()), "not with numpy.float32"),
        (KernelRidge(kernel="laplacian"), "written with the kernels linear, poly, rbf and sigmoid"),
        (TransformedTargetRegressor(func=np.cbrt, inverse_func=np.sin), "runs sin"),
        (make_pipeline(FunctionTransformer(np.sin), LogisticRegression()), "FunctionTransformer runs sin"),
        (CalibratedClassifierCV(FOREST, method="temperature"), "written with method='sigmoid' or 'isotonic'"),
        (BaggingClassifier(LinearSVC()), "is written if its members have probabilities"),
        (make_pipeline(PCA(2), FOREST), "RandomForestClassifier compares what PCA sums up"),
        (DummyClassifier(strategy="uniform"), "answers at random: fit it with strategy='prior'"),
        (make_pipeline(KMeans(3), LogisticRegression()), "KMeans is not converted: its distances are not written"),
        (NearestCentroid(metric="manhattan"), "written with metric='euclidean'"),
        (make_pipeline(Binarizer(threshold=99), GaussianMixture(2)), "GaussianMixture has a column that hardly varies"),
        (make_pipeline(Binarizer(threshold=3), GaussianNB()), "GaussianNB has a column that hardly varies"),
    ],
    ids=range(18),
)
def test_what_would_be_wrong_is_refused(estimator: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConvertError, match=message) as raised:
        export(fitted(estimator, tmp_path), tmp_path / "model.onnx", name="model")
    assert len(str(raised.value)) < 300


def test_every_refusal_says_why_and_what_to_do() -> None:
    assert all(len(reason) > 10 and len(advice) > 6 for reason, advice in REFUSED.values())
