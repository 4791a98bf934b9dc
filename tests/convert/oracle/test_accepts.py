"""What is asked of an estimator, against what it does."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from rich.console import Console
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from convert.errors import ConvertError
from convert.export import export
from convert.oracle.accepts import LARGEST, LARGEST_AS_FLOAT32, Accepts
from convert.oracle.asking import ask
from convert.oracle.sample import Sample, write_sample
from convert.proof.verify import verify
from lambda_fn.model.model import Model
from tests.conftest import oracle_of

ROWS = np.random.default_rng(4).normal(size=(200, 2))
LABELS = ROWS[:, 0] > 0
BOOSTING = GradientBoostingClassifier(n_estimators=5)

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (BOOSTING, Accepts(False, -LARGEST_AS_FLOAT32, LARGEST_AS_FLOAT32)),
        (RandomForestClassifier(3), Accepts(True, -LARGEST_AS_FLOAT32, LARGEST_AS_FLOAT32)),
        (HistGradientBoostingClassifier(max_iter=3), Accepts(True, None, None)),
        (LogisticRegression(), Accepts(False, -LARGEST, LARGEST)),
    ],
    ids=repr,
)
def test_known_estimators(estimator: Any, expected: Accepts) -> None:
    assert ask(oracle_of(estimator.fit(ROWS, LABELS))) == (expected, expected)


@pytest.mark.parametrize("first", [0.0, -0.0, 1.5, -1.5])
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()], ids=repr)
def test_limits_behind_a_scaler_are_the_last_that_pass(scaler: Any, first: float) -> None:
    pipeline = make_pipeline(scaler, BOOSTING).fit(ROWS * [1, 1000], LABELS)
    for column, accepts in enumerate(ask(oracle_of(pipeline, np.full((1, 2), first)))):
        for limit, beyond in ((accepts.low, -np.inf), (accepts.high, np.inf)):
            assert limit is not None
            row = np.full((1, 2), first)
            row[0, column] = limit
            pipeline.predict(row)
            row[0, column] = np.nextafter(limit, beyond)
            with pytest.raises(ValueError, match="too large"):
                pipeline.predict(row)


def test_the_service_takes_every_training_row_of_a_pipeline(tmp_path: Path) -> None:
    pipeline = make_pipeline(StandardScaler(), BOOSTING).fit(ROWS, LABELS)
    joblib.dump(pipeline, tmp_path / "model.joblib")
    model = Model(export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model").data)
    assert model.score(ROWS).prediction.tolist() == pipeline.predict(ROWS).tolist()


def test_rows_that_the_estimator_refuses_are_left_out_and_told_of(tmp_path: Path) -> None:
    joblib.dump(BOOSTING.fit(ROWS, LABELS), tmp_path / "model.joblib")
    write_sample(tmp_path / "model.csv", Sample(("a", "b"), np.concatenate([ROWS, [[np.nan, 1.0], [np.inf, 1.0]]])))
    export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model")
    with (tmp_path / "output.txt").open("w") as file:
        assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", None, Console(file=file, width=120))
    assert "2 training rows are left out: the estimator refuses them" in (tmp_path / "output.txt").read_text()


def test_an_estimator_that_predicts_nothing_is_told_of(tmp_path: Path) -> None:
    broken = LogisticRegression().fit(ROWS, LABELS)
    broken.coef_ = broken.coef_[:, :1]
    with pytest.raises(ConvertError, match="does not predict on a row: "):
        ask(oracle_of(broken))
