from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from rich.console import Console
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor

from convert.errors import ConvertError
from convert.export import export
from convert.registry import CERTIFIED, REFUSED, markdown
from convert.sample import Sample, write_sample
from convert.verify import verify
from tests.conftest import TESTS

ROWS = np.random.default_rng(2).normal(size=(300, 4))
SETTINGS: dict[type, dict[str, Any]] = {
    BaggingClassifier: {"random_state": 0},
    BaggingRegressor: {"random_state": 0},
    CalibratedClassifierCV: {"estimator": LogisticRegression(), "cv": 2},
    VotingRegressor: {"estimators": [("ridge", Ridge()), ("linear", LinearRegression())]},
    MLPClassifier: {"hidden_layer_sizes": (8,), "max_iter": 1000, "random_state": 0},
    MLPRegressor: {"hidden_layer_sizes": (8,), "max_iter": 1000, "random_state": 0},
}


pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:Stochastic Optimizer")


def fitted(kind: type, folder: Path) -> Path:
    estimator = kind(**SETTINGS.get(kind, {}))
    score = ROWS.sum(axis=1)
    estimator.fit(ROWS, np.digitize(score, [-1, 1]) if is_classifier(estimator) else score)
    joblib.dump(estimator, folder / "model.joblib")
    write_sample(folder / "model.csv", Sample(("a", "b", "c", "d"), ROWS))
    return folder / "model.joblib"


def test_the_documentation_holds_the_table() -> None:
    assert markdown() in (TESTS.parent / "docs" / "estimators.md").read_text()


@pytest.mark.parametrize("kind", CERTIFIED, ids=lambda kind: kind.__name__)
def test_what_is_listed_as_certified_is(kind: type, tmp_path: Path) -> None:
    model = fitted(kind, tmp_path)
    export(model, tmp_path / "model.onnx", name="model")
    with (tmp_path / "output.txt").open("w") as file:
        assert verify(model, tmp_path / "model.onnx", None, Console(file=file, width=120)), file.name


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
def test_what_is_listed_as_refused_is(kind: type, tmp_path: Path) -> None:
    with pytest.raises(ConvertError, match="takes other neighbours than scikit-learn"):
        export(fitted(kind, tmp_path), tmp_path / "model.onnx", name="model")
