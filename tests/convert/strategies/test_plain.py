"""What earns a class its place among those that skl2onnx may write: it is compared where it could differ."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from rich.console import Console
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, KBinsDiscretizer, Normalizer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.export import export
from convert.oracle.sample import Sample, write_sample
from convert.proof.parity import Candidate
from convert.proof.verify import verify
from convert.strategies import plain
from convert.strategies.table import STRATEGIES
from tests.conftest import oracle_of

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = np.random.default_rng(4)
ROWS = GENERATOR.normal(size=(200, 3)).round(1) * [1.0, 1e4, 1e-4]
SCORE = ROWS @ [1.0, 1e-4, 1e4]
LARGE = float(np.finfo(np.float32).max)
EDGES = np.concatenate(
    [
        *(np.full((1, 3), value) for value in (0.0, -0.0, 1.0, 5e-324, 1e-300, 1e30)),
        *(sign * np.eye(3) * size for sign in (1, -1) for size in (5e-324, 1e-8, 1.0, 1e8, LARGE)),
        ROWS,
        *(np.nextafter(ROWS[:20], side) for side in (-np.inf, np.inf)),
    ]
)
LABELS = {
    "two": np.array(["no", "yes"])[(SCORE > 0).astype(int)],
    "three": np.digitize(SCORE, [-1, 1]),
    "booleans": SCORE > 0,
    "floats": np.digitize(SCORE, [-1, 1]) * 2.0,
}
TIE = LogisticRegression()
"""Whose two classes tie where its score is 0."""
TIE.classes_, TIE.coef_, TIE.intercept_, TIE.n_features_in_ = np.array([0, 1]), np.ones((1, 3)), np.zeros(1), 3

EARNING = [
    (LinearRegression(), SCORE),
    *((LogisticRegression(), labels) for labels in LABELS.values()),
    *((LogisticRegression(C=1e4, fit_intercept=False), LABELS[name]) for name in ("two", "three")),
    (make_pipeline(StandardScaler(), LinearRegression()), SCORE),
    *((make_pipeline(StandardScaler(with_mean=mean), LogisticRegression()), LABELS["three"]) for mean in (True, False)),
    (make_pipeline(StandardScaler(with_std=False), make_pipeline(StandardScaler(), TIE)), LABELS["two"]),
]


@pytest.mark.parametrize(("estimator", "target"), EARNING, ids=range(len(EARNING)))
def test_it_is_right_at_its_edges(estimator: Any, target: Any) -> None:
    oracle = oracle_of(estimator.fit(ROWS, target), ROWS)
    answers = Candidate(plain.write_graph(oracle, "model")).run(EDGES)
    if oracle.task == "regression":
        expected = oracle.predict(EDGES)
        np.testing.assert_allclose(answers["value"][:, 0], expected, rtol=1e-9, atol=1e-9)
        return
    assert answers["label"].tolist() == oracle.predict(EDGES).tolist()
    np.testing.assert_allclose(answers["probabilities"], np.asarray(oracle.predict_proba(EDGES)), atol=1e-12)


def test_a_tie_goes_to_the_first_class() -> None:
    oracle = oracle_of(TIE)
    rows = np.array([[0.0, 0.0, 0.0], [1.0, -1.0, 0.0], [5e-324, 0.0, 0.0], [-5e-324, 0.0, 0.0], [-0.0, 0.0, 0.0]])
    labels = Candidate(plain.write_graph(oracle, "model")).run(rows)["label"]
    assert labels.tolist() == oracle.predict(rows).tolist()


def test_it_is_exported_and_verified(tmp_path: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS["two"])
    joblib.dump(pipeline, tmp_path / "model.joblib")
    write_sample(tmp_path / "model.csv", Sample(("a", "b", "c"), ROWS))
    export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model", strategy="skl2onnx")
    assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", None, Console(quiet=True), random_rows=1000)


def test_every_class_on_the_list_earns_its_place() -> None:
    tried = [step for estimator, _ in EARNING for step in getattr(estimator, "named_steps", {"": estimator}).values()]
    assert {type(step) for step in tried} == set(plain.ALLOWED)
    assert any(isinstance(estimator, Pipeline) for estimator, _ in EARNING)


@pytest.mark.parametrize(
    "estimator",
    [
        BernoulliNB(),
        Ridge(),
        DecisionTreeClassifier(max_depth=2),
        CalibratedClassifierCV(LogisticRegression(), cv=2),
        FixedThresholdClassifier(LogisticRegression(), threshold=0.2),
        *(make_pipeline(each, LogisticRegression()) for each in (Binarizer(), Normalizer(), PCA(2))),
        make_pipeline(KBinsDiscretizer(3), LogisticRegression()),
    ],
    ids=repr,
)
def test_nothing_else_goes_through(estimator: Any) -> None:
    oracle = oracle_of(estimator.fit(ROWS, LABELS["three"] > 0), ROWS)
    with pytest.raises(ConvertError, match="is not let through skl2onnx, but only LinearRegression, Lo"):
        STRATEGIES["skl2onnx"].write_graph(oracle, "model")
