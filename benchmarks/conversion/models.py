"""The models that are converted, each with rows to try."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from benchmarks.conversion.timing import Rows
from convert.oracle.oracle import Oracle
from convert.oracle.sample import read_table
from convert.train import train

TRAINING_ROWS = 300
TRIED_ROWS = 10_000
DEMO = "the demo model"


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted estimator, its joblib file, its training rows, and random ones: (n, features)."""

    name: str
    estimator: Any
    path: Path
    training: Rows
    random: Rows


def fitted_models(folder: Path) -> Iterator[Model]:
    """Fit the models one by one, and write each to a joblib file in `folder`."""
    yield _demo(folder)
    for number, (name, estimator, classes, features) in enumerate(_estimators()):
        training, targets = samples(features, classes)
        estimator.fit(training, targets)
        path = folder / f"model{number}.joblib"
        joblib.dump(estimator, path)
        random = np.random.default_rng(1).normal(size=(TRIED_ROWS, features))
        yield Model(name, estimator, path, training, random)


def _demo(folder: Path) -> Model:
    path, sample = train(folder / "demo.joblib")
    estimator = joblib.load(path)
    tried = Oracle(estimator, read_table(sample)).sample
    rows = np.empty((0, 2)) if tried is None else tried.rows
    low, high = rows.min(axis=0), rows.max(axis=0)
    random = np.random.default_rng(1).uniform(low, high, size=(TRIED_ROWS, rows.shape[1]))
    return Model(DEMO, estimator, path, rows, random)


def _estimators() -> list[tuple[str, Any, int, int]]:
    """Return names, estimators, how many classes (0 for a regression) and how many features."""
    boosting = GradientBoostingClassifier
    forest = RandomForestClassifier
    return [
        ("GradientBoosting, 100 trees of depth 3", boosting(random_state=0), 2, 10),
        ("GradientBoosting, 3 classes, 4 features", boosting(random_state=0), 3, 4),
        ("GradientBoosting, depth 4", boosting(max_depth=4, random_state=0), 2, 10),
        ("GradientBoosting, 1,000 trees, 50 features", boosting(n_estimators=1000, random_state=0), 2, 50),
        ("HistGradientBoosting, 100 iterations", HistGradientBoostingClassifier(random_state=0), 2, 10),
        ("RandomForest, 100 trees of depth 5", forest(100, max_depth=5, random_state=0), 2, 10),
        ("LightGBM, 100 trees of 31 leaves", LGBMClassifier(random_state=0, n_jobs=1, verbose=-1), 2, 10),
        ("GradientBoosting behind a StandardScaler", make_pipeline(StandardScaler(), boosting(random_state=0)), 2, 10),
        ("RandomForest, 100 trees, 2 classes", forest(100, random_state=0), 2, 10),
        ("RandomForest, 100 trees, 3 classes", forest(100, random_state=0), 3, 10),
        ("RandomForestRegressor, 100 trees", RandomForestRegressor(100, random_state=0), 0, 10),
        ("ExtraTrees, 100 trees, 3 classes", ExtraTreesClassifier(100, random_state=0), 3, 10),
        ("AdaBoost, 50 stumps", AdaBoostClassifier(random_state=0), 2, 10),
        ("DecisionTree", DecisionTreeClassifier(random_state=0), 2, 10),
    ]


def samples(features: int, classes: int) -> tuple[Rows, NDArray[Any]]:
    """Return training rows and their targets, numbers if there are 0 `classes`."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(TRAINING_ROWS, features))
    score = rows @ generator.normal(size=features) + rows[:, 0] * rows[:, 1] + generator.normal(size=TRAINING_ROWS)
    if classes == 0:
        return rows, score
    return rows, np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
