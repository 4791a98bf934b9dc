"""What the tests share: the demo model, whole AWS events, the built layer."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from convert.export import export
from convert.oracle.oracle import Oracle
from convert.oracle.sample import Table, read_table
from convert.proof.verify import verify
from convert.train import train
from layers.architecture import ARCHITECTURES
from scripts.deployment import Deployment
from scripts.emulator import Emulator, start

type Event = dict[str, Any]
type LoadEvent = Callable[[str], Event]

TESTS = Path(__file__).parent
LEFT_OUT = "the page was NOT tried in a browser: there is none; install chromium, or run `scripts/setup browser`"
"""What a run without a browser says at its end."""
FEATURES = ("sepal length (cm)", "sepal width (cm)")
CREDENTIALS = ("test", "test", None)
"""Those that emulators know."""


@pytest.fixture(scope="session")
def event() -> LoadEvent:
    """Return a whole event from tests/events by its name."""

    def load(name: str) -> Event:
        loaded: Event = json.loads((TESTS / "events" / f"{name}.json").read_text())
        return loaded

    return load


@pytest.fixture(scope="session")
def estimator_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo estimator, its training rows beside it."""
    return train(tmp_path_factory.mktemp("iris") / "iris.joblib")[0]


@pytest.fixture(scope="session")
def estimator(estimator_file: Path) -> Any:
    """The demo estimator itself."""
    return joblib.load(estimator_file)


@pytest.fixture(scope="session")
def oracle(estimator: Any, estimator_file: Path) -> Oracle:
    """The demo estimator with its training rows."""
    return Oracle(estimator, read_table(estimator_file.with_suffix(".csv")))


@pytest.fixture(scope="session")
def training_rows(oracle: Oracle) -> NDArray[np.float64]:
    """The rows that the demo estimator was fitted on."""
    return oracle.sample.rows if oracle.sample else np.empty((0, 2))


@pytest.fixture(scope="session")
def model_file(estimator_file: Path) -> Path:
    """The demo estimator's model file, certified."""
    out = estimator_file.with_suffix(".onnx")
    export(estimator_file, out, name="iris")
    assert verify(estimator_file, out, None, Console(quiet=True))
    return out


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Model files over the same two features: classifiers that answer differently, and a `slope`."""
    folder = tmp_path_factory.mktemp("models")
    rows, labels = load_iris(return_X_y=True)
    estimators = {
        "tree": DecisionTreeClassifier(random_state=0),
        "stump": DecisionTreeClassifier(max_depth=1, random_state=0),
        "forest": RandomForestClassifier(3, max_depth=2, random_state=0),
        "slope": GradientBoostingRegressor(n_estimators=3, random_state=0),
    }
    files = {}
    for name, estimator in estimators.items():
        joblib.dump(estimator.fit(rows[:, :2], labels), folder / f"{name}.joblib")
        pd.DataFrame(rows[:, :2], columns=list(FEATURES)).to_csv(folder / f"{name}.csv", index=False)
        files[name] = folder / f"{name}.onnx"
        strategy = "float64 trees" if name == "slope" else None  # whose sums can be NaN
        export(folder / f"{name}.joblib", files[name], name=name, strategy=strategy)
    return files


@pytest.fixture
def whose(model_file: Path) -> dict[str, str]:
    """What an answer says of the demo model, in a file, in its headers."""
    digest = hashlib.sha256(model_file.read_bytes()).hexdigest()
    return {"x-model-version": digest[:16], "x-model-sha256": digest}


@pytest.fixture(scope="session")
def built_layers() -> dict[str, Path]:
    """The layers that `make layer` built, by architecture."""
    return {name: TESTS.parent / "build" / f"layer-{name}.zip" for name in ARCHITECTURES}


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An AWS emulator; the tests take a bucket each."""
    with start(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def aws(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator, and boto3 pointed at it."""
    point_boto3_at(emulator, monkeypatch)
    return emulator


@pytest.fixture
def bucket(aws: Emulator) -> str:
    """A new versioned bucket."""

    name = f"test-{uuid.uuid4().hex}"
    Deployment(aws).make_bucket(name)
    return name


def point_boto3_at(emulator: Emulator, patch: pytest.MonkeyPatch) -> None:
    """Have boto3 ask the emulator, and not by the credentials of another test, which its session may have kept."""
    for name, value in emulator.aws_environ().items():
        patch.setenv(name, value)
    session = boto3.DEFAULT_SESSION
    kept = None if session is None else session.get_credentials()
    if kept is not None and (kept.access_key, kept.secret_key, kept.token) != CREDENTIALS:
        boto3.DEFAULT_SESSION = None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end, so that it is seen, that the page was not tried in a browser."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any(LEFT_OUT in str(report.longrepr) for report in skipped):
        terminalreporter.section("LEFT OUT", sep="!", red=True, bold=True)
        terminalreporter.line(LEFT_OUT, red=True, bold=True)


def oracle_of(estimator: Any, rows: NDArray[np.float64] | None = None, names: tuple[str, ...] | None = None) -> Oracle:
    """Return a fitted estimator with `rows` as its sample."""
    return Oracle(estimator, None if rows is None else Table("rows", names, tuple(rows.T)))
