"""What one half writes, the other lets in: every estimator of the registry, every way to write it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
)
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from convert.seal import seal
from convert.strategies import EXACT, STRATEGIES, composed, plain
from convert.strategies.composed import ESTIMATORS
from convert.trees import READERS
from lambda_fn.errors import ServiceError
from lambda_fn.guard import check_model
from tests.conftest import oracle_of
from tests.convert.test_registry import SETTINGS

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = np.random.default_rng(2).normal(size=(200, 3)).round()
CLASSES: dict[str, NDArray[Any]] = {
    "two": np.array([0, 1]),
    "three": np.array([0, 1, 2]),
    "strings": np.array(["one", "two", "three"]),
    "two strings": np.array(["one", "two"]),
    "booleans": np.array([False, True]),
    "floats": np.array([0.0, 1.0, 2.0]),
}
"""What classifiers are fitted on."""
NOT_BY_SKL2ONNX = {HistGradientBoostingClassifier, HistGradientBoostingRegressor, IsolationForest}
SIMPLE = [
    *(LogisticRegression, LinearRegression, Ridge, Lasso, SGDClassifier, LinearSVC, SVC),
    *(MLPClassifier, MLPRegressor, GaussianNB, LinearDiscriminantAnalysis),
]
"""What goes through skl2onnx behind a transformer that is not written in float64."""
REFUSED = {AdaBoostClassifier}
"""What skl2onnx writes with an operator that does not load, ConstantOfShape. It converts exactly without skl2onnx."""


def targets(kind: type) -> list[str]:
    return list(CLASSES) if is_classifier(kind(**SETTINGS.get(kind, {}))) else ["numbers"]


def fitted(kind: type, target: str) -> Any:
    estimator = kind(**SETTINGS.get(kind, {}))
    small = {"n_estimators": 3, "max_iter": 3, "max_depth": 2}  # or else random thresholds make too many cells
    estimator.set_params(**{name: value for name, value in small.items() if name in estimator.get_params()})
    if kind is IsolationForest:
        return estimator.set_params(max_samples=6).fit(ROWS)
    score = ROWS.sum(axis=1)
    if target == "numbers":
        return estimator.fit(ROWS, score)
    return estimator.fit(ROWS, CLASSES[target][np.digitize(score, [-1, 1][: len(CLASSES[target]) - 1])])


@pytest.mark.parametrize("strategy", [each.name for each in EXACT])
@pytest.mark.parametrize(("kind", "target"), [(kind, target) for kind in READERS for target in targets(kind)])
def test_what_is_made_of_trees_gets_in(kind: type, target: str, strategy: str) -> None:
    check_model(seal(STRATEGIES[strategy].write_graph(oracle_of(fitted(kind, target)), "model")))


@pytest.mark.parametrize("strategy", [each.name for each in EXACT])
def test_what_never_splits_gets_in(strategy: str) -> None:
    constant = DecisionTreeRegressor().fit(ROWS, np.ones(len(ROWS)))
    check_model(seal(STRATEGIES[strategy].write_graph(oracle_of(constant), "model")))


@pytest.mark.parametrize(("kind", "target"), [(kind, target) for kind in ESTIMATORS for target in targets(kind)])
def test_what_is_written_in_float64_gets_in(kind: type, target: str) -> None:
    check_model(seal(composed.write_graph(oracle_of(fitted(kind, target)), "model")))


BY_SKL2ONNX = [
    (kind, target) for kind in (*SIMPLE, *READERS) if kind not in NOT_BY_SKL2ONNX | REFUSED for target in targets(kind)
]


@pytest.mark.parametrize("double", [True, False], ids=["float64", "float32"])
@pytest.mark.parametrize(("kind", "target"), BY_SKL2ONNX)
def test_what_skl2onnx_writes_gets_in(kind: type, target: str, double: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not double:
        monkeypatch.setattr(plain, "_computes", lambda *_: False)
    check_model(seal(plain.write_graph(oracle_of(fitted(kind, target)), "model")))


def test_a_pipeline_by_skl2onnx_gets_in() -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, ROWS[:, 0] > 0)
    check_model(seal(plain.write_graph(oracle_of(pipeline), "model")))


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_told(kind: type) -> None:
    with pytest.raises(ServiceError, match="'ConstantOfShape'"):
        check_model(seal(plain.write_graph(oracle_of(fitted(kind, "three")), "model")))
