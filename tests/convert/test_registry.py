from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from rich.console import Console
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cross_decomposition import CCA, PLSCanonical
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, RFECV
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    RANSACRegressor,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from convert.errors import ConvertError
from convert.export import export
from convert.model_file import read_card
from convert.registry import markdown
from convert.sample import Sample, write_sample
from convert.strategies.composed import ESTIMATORS
from convert.verify import verify
from tests.conftest import TESTS

ROWS = np.random.default_rng(2).normal(size=(300, 4))
SMALL_TREES = [("tree", DecisionTreeClassifier(max_depth=3)), ("linear", LogisticRegression())]
SMALL_REGRESSORS = [("tree", DecisionTreeRegressor(max_depth=3)), ("linear", LinearRegression())]
SETTINGS: dict[type, dict[str, Any]] = {
    BaggingClassifier: {"random_state": 0},
    BaggingRegressor: {"random_state": 0},
    MLPClassifier: {"hidden_layer_sizes": (8,), "max_iter": 1000, "random_state": 0},
    MLPRegressor: {"hidden_layer_sizes": (8,), "max_iter": 1000, "random_state": 0},
    NuSVC: {"nu": 0.3},
    StackingClassifier: {"estimators": SMALL_TREES},
    StackingRegressor: {"estimators": SMALL_REGRESSORS},
    VotingClassifier: {"estimators": SMALL_TREES},
    VotingRegressor: {"estimators": SMALL_REGRESSORS},
    RANSACRegressor: {"random_state": 0},
    SelfTrainingClassifier: {"estimator": LogisticRegression()},
}
WRAPPING = (FixedThresholdClassifier, OneVsOneClassifier, OneVsRestClassifier, RFE, RFECV, TunedThresholdClassifierCV)
SETTINGS |= {kind: {"n_components": 1} for kind in (CCA, PLSCanonical)}
SETTINGS |= {kind: {"estimator": LogisticRegression()} for kind in WRAPPING}
POSITIVE = {CategoricalNB, ComplementNB, GammaRegressor, MultinomialNB, PoissonRegressor}
"""What counts, or has a logarithm taken of its values."""
TWO_CLASSES = {FixedThresholdClassifier, TunedThresholdClassifierCV}
NUMBERED = {SelfTrainingClassifier}
"""What takes no strings for labels."""

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:Stochastic Optimizer")


def fitted(estimator: Any, folder: Path, classes: int = 3) -> Path:
    score = ROWS.sum(axis=1)
    places, rows = np.digitize(score, [-1, 1][: classes - 1]), ROWS
    labels = places if type(estimator) in NUMBERED else np.array(["low", "middle", "high"])[places]
    if type(estimator) in POSITIVE:
        rows, score = np.abs(ROWS).round(), np.abs(score) + 1
    if type(estimator) is IsotonicRegression:
        rows = ROWS[:, :1]
    estimator.fit(rows, labels if is_classifier(estimator) else score)
    joblib.dump(estimator, folder / "model.joblib")
    write_sample(folder / "model.csv", Sample(("a", "b", "c", "d")[: rows.shape[1]], rows))
    return folder / "model.joblib"


def assert_certified(model: Path, strategy: str) -> None:
    folder = model.parent
    assert export(model, folder / "model.onnx", name="model").strategy == strategy
    with (folder / "output.txt").open("w") as file:
        agree = verify(model, folder / "model.onnx", None, Console(file=file, width=120))
    assert agree, (folder / "output.txt").read_text()
    certificate = read_card((folder / "model.onnx").read_bytes())["certificate"]
    assert certificate["label_differences"] == certificate["refusals"]["differences"] == 0
    assert certificate["largest_difference"] < 1e-9


def test_the_documentation_holds_the_table() -> None:
    assert markdown() in (TESTS.parent / "docs" / "estimators.md").read_text()


@pytest.mark.parametrize("kind", sorted(ESTIMATORS, key=str), ids=str)
def test_what_is_listed_as_certified_is(kind: type, tmp_path: Path) -> None:
    classes = 2 if kind in TWO_CLASSES else 3
    assert_certified(fitted(kind(**SETTINGS.get(kind, {})), tmp_path, classes), "float64 operators")


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
    GradientBoostingClassifier(n_estimators=10, init=DecisionTreeClassifier(max_depth=3)),
    make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=10, init=FOREST)),
]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator", OTHERS, ids=range(len(OTHERS)))
def test_their_settings_are_certified(estimator: Any, classes: int, tmp_path: Path) -> None:
    assert_certified(fitted(estimator, tmp_path, classes), "float64 operators")


@pytest.mark.parametrize(
    "init", [DecisionTreeRegressor(max_depth=3), RandomForestRegressor(3, random_state=0)], ids=repr
)
def test_a_regressor_that_starts_from_another_is_certified(init: Any, tmp_path: Path) -> None:
    assert_certified(fitted(GradientBoostingRegressor(n_estimators=10, init=init), tmp_path), "float64 operators")


def test_the_exponential_loss_from_another_classifier_is_certified(tmp_path: Path) -> None:
    boosting = GradientBoostingClassifier(n_estimators=10, loss="exponential", init=FOREST)
    assert_certified(fitted(boosting, tmp_path, 2), "float64 operators")


def test_the_best_estimator_of_a_search_is_what_is_exported(tmp_path: Path) -> None:
    search = GridSearchCV(make_pipeline(MinMaxScaler(), FOREST), {"randomforestclassifier__max_depth": [8, 9]}, cv=2)
    assert_certified(fitted(search, tmp_path), "float64 trees")


NEIGHBOURS = KNeighborsClassifier()


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (NEIGHBOURS, "takes other neighbours than scikit-learn"),
        (KNeighborsRegressor(), "takes other neighbours than scikit-learn"),
        (
            VotingClassifier([("a", NEIGHBOURS), ("b", LogisticRegression())]),
            "takes other neighbours than scikit-learn",
        ),
        (OneVsRestClassifier(NEIGHBOURS), "takes other neighbours than scikit-learn"),
        (CalibratedClassifierCV(FOREST, method="temperature"), "written with method='sigmoid' or 'isotonic'"),
        (GradientBoostingClassifier(init=GaussianNB()), "starts from init=GaussianNB, which scikit-learn computes in"),
        (BaggingClassifier(LinearSVC()), "is written if its members have probabilities"),
        (make_pipeline(PCA(2), FOREST), "compares what PCA sums up"),
    ],
    ids=range(8),
)
def test_what_would_be_wrong_is_refused(estimator: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConvertError, match=message) as raised:
        export(fitted(estimator, tmp_path), tmp_path / "model.onnx", name="model")
    assert len(str(raised.value)) < 400
