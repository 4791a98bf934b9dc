"""Gradient boosting that starts from another estimator: in float64, or in float32, where that computes in it."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import HuberRegressor, LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from convert.errors import ConvertError
from convert.export import export
from convert.strategies.single import apart_in_float32, starts_in_float32
from tests.convert.strategies.test_registry import FOREST, ROWS, assert_certified, fitted


@pytest.mark.parametrize(
    "init",
    [
        *(DecisionTreeRegressor(max_depth=3), RandomForestRegressor(3, random_state=0), SVR(), LinearSVR()),
        make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=3)),
        make_pipeline(SimpleImputer(), RandomForestRegressor(3, random_state=0)),
        *(HistGradientBoostingRegressor(max_iter=3), BaggingRegressor(n_estimators=3, random_state=0)),
        VotingRegressor([("tree", DecisionTreeRegressor(max_depth=3)), ("machine", SVR())]),
    ],
    ids=repr,
)
def test_a_regressor_that_starts_from_another_is_certified(init: Any, tmp_path: Path) -> None:
    assert_certified(fitted(GradientBoostingRegressor(n_estimators=10, init=init), tmp_path), "float64 operators")


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "init",
    [
        *(AdaBoostClassifier(n_estimators=3), HistGradientBoostingClassifier(max_iter=3)),
        make_pipeline("passthrough", FOREST),
        make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=3)),
        VotingClassifier([("tree", DecisionTreeClassifier(max_depth=3)), ("forest", FOREST)], voting="soft"),
    ],
    ids=repr,
)
def test_a_classifier_that_starts_from_another_is_certified(init: Any, classes: int, tmp_path: Path) -> None:
    assert_certified(
        fitted(GradientBoostingClassifier(n_estimators=5, init=init), tmp_path, classes), "float64 operators"
    )


def test_the_exponential_loss_from_another_classifier_is_certified(tmp_path: Path) -> None:
    boosting = GradientBoostingClassifier(n_estimators=10, loss="exponential", init=FOREST)
    assert_certified(fitted(boosting, tmp_path, 2), "float64 operators")


SINGLE = "float64 operators on float32"


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "init",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=50, random_state=0)),
    ],
    ids=repr,
)
def test_a_classifier_that_starts_in_float32_is_certified(init: Any, classes: int, tmp_path: Path) -> None:
    boosting = GradientBoostingClassifier(n_estimators=5, init=init)
    assert_certified(fitted(boosting, tmp_path, classes), SINGLE, 1e-6)


@pytest.mark.parametrize(
    "init", [LinearRegression(), Ridge(), make_pipeline(StandardScaler(), HuberRegressor())], ids=repr
)
def test_a_regressor_that_starts_in_float32_is_certified(init: Any, tmp_path: Path) -> None:
    assert_certified(fitted(GradientBoostingRegressor(n_estimators=5, init=init), tmp_path), SINGLE, 1e-6)


def test_what_is_far_off_in_float32_is_refused_in_a_line(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 100))  # whose likelihoods have a hundred terms
    fitted_on = GradientBoostingClassifier(n_estimators=3, init=GaussianNB()).fit(rows, rows[:, :9].sum(axis=1) > 0)
    assert apart_in_float32(fitted_on) > 1e-6
    with pytest.raises(ConvertError, match="starts from init=GaussianNB, which scikit-learn computes in float32"):
        export(_saved(fitted_on, tmp_path), tmp_path / "model.onnx", name="model")


def _saved(estimator: Any, folder: Path) -> Path:
    joblib.dump(estimator, folder / "model.joblib")
    return folder / "model.joblib"


def test_only_what_starts_so_starts_in_float32() -> None:
    labels = ROWS[:, 0] > 0
    assert not starts_in_float32(GradientBoostingClassifier(n_estimators=2).fit(ROWS, labels))
    assert not starts_in_float32(GradientBoostingClassifier(n_estimators=2, init="zero").fit(ROWS, labels))
    assert not starts_in_float32(LogisticRegression().fit(ROWS, labels))
    assert starts_in_float32(GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(ROWS, labels))
