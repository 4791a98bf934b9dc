"""The models that are published: small estimators that convert exactly, what they answer; and bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from convert.export import export
from convert.model_file.companions import digest
from convert.model_file.disk import read_card, sealed, write_sealed

FEATURES = 4
POOL_ROWS = 6_000
"""How many rows there are that calls send some of: each estimator is asked about them once."""
ESTIMATORS = {
    "A": GradientBoostingClassifier(n_estimators=20, random_state=0),
    "B": GradientBoostingClassifier(n_estimators=30, max_depth=2, learning_rate=0.3, random_state=1),
    "C": RandomForestClassifier(10, max_depth=5, random_state=2),
    "D": RandomForestClassifier(40, max_depth=6, random_state=3),
}
"""By the name of the model. All have a companion for many rows."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model file, the SHA-256 of its bytes, and what its estimator answers for each row of the pool.

    labels: (n,). probabilities: (n, classes).
    """

    name: str
    path: Path
    sha256: str
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def pool() -> NDArray[np.float64]:
    """Return the rows that calls send some of: (n, features), with all their digits."""
    return np.random.default_rng(0).uniform(0.1, 7.9, (POOL_ROWS, FEATURES))


def train(folder: Path) -> dict[str, Trained]:
    """Fit the estimators and write their model files; return them by name."""
    chance, rows = np.random.default_rng(1), pool()
    sample = rows[:600]
    labels = np.digitize(sample[:, 0] + sample[:, 1] * sample[:, 2] / 4 + chance.normal(size=len(sample)), [6, 10])
    return {name: _trained(name, each.fit(sample, labels), folder, rows) for name, each in ESTIMATORS.items()}


def broken(good: Path) -> dict[str, bytes]:
    """Return files that no service may score with, by what is wrong with them; `good` is a model file."""
    data = good.read_bytes()
    altered = bytearray(data)
    altered[len(data) // 2] ^= 1
    graph = onnx.load_from_string(data)
    graph.graph.node[0].op_type = "Scan"  # which may run anything, and for ever
    return {
        "altered byte": bytes(altered),
        "not a model": b"<html>503 Service Unavailable</html>",
        "refused operator": sealed(graph, read_card(data)),
    }


def _trained(name: str, estimator: Any, folder: Path, rows: NDArray[np.float64]) -> Trained:
    joblib.dump(estimator, folder / f"{name}.joblib")
    path = folder / f"{name}.onnx"
    data = export(folder / f"{name}.joblib", path, name=name).data
    forced = sealed(onnx.load_from_string(data), {**read_card(data), "forced": True})
    write_sealed(path, forced)  # as `publish --force` would: `verify` takes longer than all the calls
    return Trained(name, path, digest(forced), estimator.predict(rows), estimator.predict_proba(rows))
