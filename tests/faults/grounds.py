"""What trials share, made anew: certificates and two models that answer differently."""

from __future__ import annotations

from pathlib import Path

import joblib
from sklearn.datasets import load_iris

from convert.export import export
from convert.train import train
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.faults.certificates import issue
from tests.faults.trials import BUCKET, Grounds, ModelFile


def prepare(emulator: Emulator, folder: Path) -> Grounds:
    """Make the bucket, the demo model, and one that calls its first class what the demo calls its last."""
    fitted, _ = train(folder / "old.joblib")
    estimator, iris = joblib.load(fitted), load_iris()
    export(fitted, folder / "old.onnx", name="iris")
    joblib.dump(estimator.fit(iris.data[:, :2], 2 - iris.target), folder / "new.joblib")
    export(folder / "new.joblib", folder / "new.onnx", name="iris")
    deployment = Deployment(emulator)
    deployment.make_bucket(BUCKET)
    return Grounds(
        emulator,
        deployment.client("s3"),
        issue(folder),
        ModelFile((folder / "old.onnx").read_bytes(), '{"prediction": [2, 1]}'),
        ModelFile((folder / "new.onnx").read_bytes(), '{"prediction": [0, 1]}'),
        folder,
    )
