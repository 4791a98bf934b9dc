"""A new execution environment for each test that asks for one."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambda_fn.storage import s3

SETTINGS = (
    *("MODEL_URI", "MODELS_URI", "OBJECTS_URI", "BASE_PATH", "MODEL_TTL", "MODEL_SHA256"),
    *("CANDIDATE_SHARE", "CANDIDATE_MODE", "CANDIDATE_KEY", "RESULTS_URI", "CORS_ORIGIN"),
    *("CAPTURE_URI", "CAPTURE_SHARE"),
    *("DOOR", "DOCS_DOOR"),
    *("LOG_CALLS", "LOG_INPUTS", "METRICS", "SERVER_TIMING"),
)
type Load = Callable[..., ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Import the handler anew, as a new execution environment does, with the given environment."""

    def load_handler(**environ: str) -> ModuleType:
        for name in SETTINGS:
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return anew()

    return load_handler


def anew() -> ModuleType:
    """Import the handler anew, with the environment as it is."""
    sys.modules.pop("lambda_fn.handler", None)
    s3.client.cache_clear()
    return importlib.import_module("lambda_fn.handler")


def model_of(handler: ModuleType) -> Any:
    """Return the model that an execution environment has loaded."""
    return handler.scoring().catalog.front.served.loaded.model


@pytest.fixture
def handler(load: Load, model_file: Path) -> ModuleType:
    return load(MODEL_URI=model_file.as_uri())
