"""What imbalanced-learn makes: it converts as what it is when it predicts, and is told of where it is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
import pytest
from imblearn import FunctionSampler
from imblearn.combine import SMOTEENN
from imblearn.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    RUSBoostClassifier,
)
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline, make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from rich.console import Console
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.estimator.fitted import load_estimator
from convert.export import export
from convert.proof.verify import verify
from lambda_fn.model.model import Model
from tests.conftest import TESTS

GENERATOR = np.random.default_rng(2)
ROWS = GENERATOR.normal(size=(240, 3)).round(2)
LABELS = np.array(["often", "seldom"])[(ROWS[:, 0] + GENERATOR.normal(size=240) / 2 > 1).astype(int)]
TABLE = pandas.DataFrame(
    {"city": np.array(["Oslo", "Bergen"])[(ROWS[:, 1] > 0).astype(int)], "age": ROWS[:, 0], "size": ROWS[:, 2]}
)
TREE, LINEAR = DecisionTreeClassifier(max_depth=3, random_state=0), LogisticRegression()
COLUMNS = make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["age", "size"]))
SMALL = {"n_estimators": 3, "random_state": 0}

ESTIMATORS: list[tuple[Any, Any, str]] = [
    (make_pipeline(SMOTE(random_state=0), StandardScaler(), LINEAR), ROWS, "float64 operators"),
    (make_pipeline(StandardScaler(), SMOTEENN(random_state=0), TREE), ROWS, "tabulated"),
    (make_pipeline(FunctionSampler(), GradientBoostingClassifier(**SMALL)), ROWS, "tabulated"),
    (make_pipeline(COLUMNS, RandomUnderSampler(random_state=0), LINEAR), TABLE, "float64 operators"),
    (make_pipeline(RandomUnderSampler(random_state=0), COLUMNS, TREE), TABLE, "tabulated"),
    (
        GridSearchCV(Pipeline([("s", SMOTE(random_state=0)), ("c", TREE)]), {"c__max_depth": [2]}, cv=2),
        ROWS,
        "tabulated",
    ),
    (VotingClassifier([("a", make_pipeline(SMOTE(random_state=0), TREE)), ("b", LINEAR)]), ROWS, "float64 operators"),
    (BalancedRandomForestClassifier(**SMALL), ROWS, "tabulated"),
    (RUSBoostClassifier(**SMALL), ROWS, "tabulated"),
    (BalancedBaggingClassifier(TREE, **SMALL), ROWS, "float64 operators"),
    (EasyEnsembleClassifier(**SMALL), ROWS, "float64 operators"),
]


@pytest.mark.parametrize(("estimator", "rows", "strategy"), ESTIMATORS, ids=lambda each: type(each).__name__)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_it_converts_and_verifies(estimator: Any, rows: Any, strategy: str, tmp_path: Path) -> None:
    model, out = tmp_path / "model.joblib", tmp_path / "model.onnx"
    labels = (LABELS == "seldom").astype(int) if isinstance(estimator, VotingClassifier) else LABELS
    fitted = estimator.fit(rows, labels)
    joblib.dump(fitted, model)
    pandas.DataFrame(rows).rename(columns=str).add_prefix("" if rows is TABLE else "x").to_csv(
        tmp_path / "model.csv", index=False
    )
    exported = export(model, out, name="model")
    assert exported.strategy in {strategy, "float64 trees"}
    with (tmp_path / "output.txt").open("w") as file:
        assert verify(model, out, None, Console(file=file, width=120), random_rows=2000)
    if rows is ROWS:
        assert Model(exported.data).score(ROWS).prediction.tolist() == fitted.predict(ROWS).tolist()


def test_a_forest_that_predicts_in_a_way_of_its_own_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    joblib.dump(BalancedRandomForestClassifier(**SMALL).fit(ROWS, LABELS), tmp_path / "model.joblib")
    monkeypatch.setattr(BalancedRandomForestClassifier, "predict_proba", lambda self, rows: None, raising=False)
    assert type(load_estimator(tmp_path / "model.joblib")) is BalancedRandomForestClassifier


@pytest.mark.parametrize(
    ("module", "advice"),
    [
        ("imblearn.pipeline", "needs the package imblearn, which is not installed: pip install imbalanced-learn"),
        (
            "no_such_package.sklearn",
            "needs the package no_such_package, which is not installed: pip install no_such",
        ),
        ("sklearn.ensemble._gone", "needs sklearn.ensemble._gone, which is not in the sklearn that is installed"),
    ],
)
def test_a_package_that_is_missing_is_told_of(
    module: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.pkl").write_bytes(f"c{module}\nModel\n.".encode())
    for name in [name for name in sys.modules if name.split(".")[0] == "imblearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Without(), *sys.meta_path])
    with pytest.raises(ConvertError, match=advice):
        load_estimator(tmp_path / "model.pkl")


class _Without:
    """Finds no imbalanced-learn."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.split(".")[0] == "imblearn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_it_is_not_imported_for_other_files() -> None:
    code = "import sys, convert.export, convert.proof.verify; print('imblearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TESTS.parent, check=True)
    assert done.stdout.strip() == "False"
