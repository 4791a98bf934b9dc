"""Files that nobody wrote are refused, or score: no crash, no hang, no more memory than a good file of that size takes.

A slice of them is tried at every run; MUTANTS=20000 tries so many of each kind, in about 40 minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    GradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, TargetEncoder
from sklearn.svm import SVC

from convert.export import export
from convert.model_file.disk import read_card, sealed
from convert.oracle.oracle import Oracle
from convert.strategies.many_rows import write_each
from tests.conftest import TESTS

COUNT = int(os.environ.get("MUTANTS", "500"))
BATCH = 1000
"""How many one process tries."""
MEGABYTES = 200
"""What a file of at most 60 kB may take while 1,025 rows are scored, beside what the process has."""
SECONDS = 5

ROWS = np.random.default_rng(3).normal(size=(90, 2)).round(1)
CODES = np.c_[ROWS[:, 0], np.arange(90) % 4]
LABELS = np.digitize(ROWS.sum(axis=1), [-0.5, 0.5])
WORDS = np.array(["low", "middle", "high"])[LABELS]
ENCODED = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), [1]), remainder=SimpleImputer())
TARGET = make_column_transformer((TargetEncoder(cv=2), [1]), remainder=MinMaxScaler(clip=True))
GOOD: dict[str, tuple[Any, Any, Any, str | None]] = {
    "tabulated": (GradientBoostingClassifier(n_estimators=3, max_depth=2), ROWS, LABELS, None),
    "trees": (GradientBoostingClassifier(n_estimators=3, max_depth=2), ROWS, LABELS, "float64 trees"),
    "vectors": (RandomForestClassifier(3, max_depth=2), ROWS, WORDS, "float64 trees"),
    "median": (AdaBoostRegressor(n_estimators=3), ROWS, ROWS[:, 0], "float64 trees"),
    "boosted": (AdaBoostClassifier(n_estimators=3), ROWS, LABELS > 0, "float64 trees"),
    "outliers": (IsolationForest(n_estimators=3, max_samples=8), ROWS, None, "float64 trees"),
    "encoded": (make_pipeline(ENCODED, RandomForestClassifier(2, max_depth=2)), CODES, LABELS, "float64 trees"),
    "target": (make_pipeline(TARGET, LogisticRegression()), CODES, LABELS, None),
    "logistic": (LogisticRegression(), ROWS, LABELS * 1.5 // 1, None),
    "by skl2onnx": (LogisticRegression(), ROWS, WORDS, "skl2onnx"),
    "linear": (LinearRegression(), ROWS, ROWS[:, 0], None),
    "vectors of support": (SVC(C=0.1), ROWS, WORDS, None),
    "bayes": (GaussianNB(), ROWS, LABELS, None),
    "network": (MLPRegressor(hidden_layer_sizes=(3,), activation="tanh", max_iter=20), ROWS, ROWS[:, 0], None),
    "calibrated": (CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2), ROWS, LABELS > 0, None),
    "votes": (VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())]), ROWS, WORDS, None),
    "start": (
        GradientBoostingClassifier(n_estimators=2, init=RandomForestClassifier(2, max_depth=1)),
        ROWS,
        LABELS,
        None,
    ),
}
"""Estimator, rows, targets, strategy: small files that have every operator of the table between them."""
FOR_MANY_ROWS = ("trees", "vectors", "encoded")
"""Those whose graphs for many rows are tried, too, as model files."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of good files."""
    folder = tmp_path_factory.mktemp("good")
    write_good(folder)
    return folder


def write_good(folder: Path) -> None:
    for name, (estimator, rows, targets, strategy) in GOOD.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            joblib.dump(estimator.fit(rows, targets), folder / "model.joblib")
            data = export(folder / "model.joblib", folder / f"{name}.onnx", name=name, strategy=strategy).data
            if name in FOR_MANY_ROWS:
                for way, graph in write_each(Oracle(estimator), name):
                    (folder / f"{name} {way.name}.onnx").write_bytes(sealed(graph, read_card(data)))


@pytest.mark.parametrize("kind", ["mutants", "graphs"])
def test_files_that_nobody_wrote_are_refused_or_score(good: Path, kind: str) -> None:
    for first in range(0, COUNT, BATCH):
        arguments = [str(good), kind, "7", str(first), str(min(BATCH, COUNT - first))]
        done = subprocess.run(
            [sys.executable, "-m", "tests.lambda_fn.model.guard.try_files", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=TESTS.parent,
        )
        assert done.returncode == 0, (first, done.returncode, done.stderr[-2000:])
        found = json.loads(done.stdout.splitlines()[-1])
        print(first, found)
        assert found["scored"] > 0
        assert found["refused"] > 0 or kind == "graphs"
        assert found["largest"][0] < MEGABYTES * 1024, found
        assert found["slowest"][0] < SECONDS, found
