"""The models whose documents are tried, each served as an application."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import pytest

from tests.keep import started
from tests.lambda_fn.page.models import MADE, exported
from tests.served import App, application

type Serve = Callable[[str], App]
SERVED = ("iris", "slope", *MADE)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, model_file: Path, model_files: dict[str, Path]) -> dict[str, Path]:
    """The model files by name, beside each other."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(model_file, folder / "iris.onnx")
    shutil.copy(model_files["slope"], folder / "slope.onnx")
    for name in MADE:
        exported(name, folder)
    return {name: folder / f"{name}.onnx" for name in SERVED}


@pytest.fixture(scope="session")
def serve(files: dict[str, Path]) -> Serve:
    """Return the application with the model of that name in front, and all others beside it."""

    @cache
    def served(name: str) -> App:
        with started(files[name], MODELS_URI=f"{files[name].parent.as_uri()}/") as handler:
            return application(handler.predict)

    return served


@pytest.fixture(scope="session")
def estimators(files: dict[str, Path], estimator: Any) -> Callable[[str], Any]:
    """Return the fitted estimator of one of them that are `MADE`, or of the demo's."""
    return lambda name: estimator if name == "iris" else joblib.load(files[name].with_suffix(".joblib"))
