"""The demo classifier."""

from __future__ import annotations

from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier

from convert.errors import ConvertError
from convert.oracle.sample import Sample, beside, write_sample


def train(out: Path) -> tuple[Path, Path]:
    """Fit gradient boosting on the first two columns of iris; write it and, beside it, its training rows as CSV.

    How well it classifies is beside the point: that the served model is the same one is the point.
    """
    if out == beside(out):
        raise ConvertError(f"{out} is where the training rows go; name the model .joblib or .pkl")
    iris = load_iris()
    rows, labels = iris.data[:, :2], iris.target
    estimator = GradientBoostingClassifier(n_estimators=100, learning_rate=1.0, max_depth=2, random_state=0)
    estimator.fit(rows, labels)
    out.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(estimator, out)
    write_sample(beside(out), Sample(tuple(iris.feature_names[:2]), rows))
    return out, beside(out)
