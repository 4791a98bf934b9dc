"""Models that are served, and a page over each in a browser of which nothing is asked that is not here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib
import pytest
from playwright.sync_api import Browser, Page
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from convert.export import export
from tests.conftest import LEFT_OUT
from tests.convert.test_tables import LABELS, TABLE
from tests.page.browser import browser, find_browser
from tests.page.site import served

ODD = "<img src=x onerror=\"document.title='run'\">"
"""A name that is no HTML, whatever it looks like."""


@dataclass
class Opened:
    """A page that is open: what its console said, which addresses it asked for, the URL in front of it."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def ready(self) -> Opened:
        """Return it once surface and lines are drawn."""
        self.page.wait_for_selector("#canvas[data-rows]")
        self.page.wait_for_selector("#lines svg")
        return self


type Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser, or none of these tests."""
    path = find_browser()
    if path is None:
        pytest.skip(LEFT_OUT)
    with browser(path) as started:
        yield started


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory, model_file: Path) -> Path:
    """A folder of models: the certified iris, churn of categories, booleans and missing values, and diabetes."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "iris.onnx").write_bytes(model_file.read_bytes())
    table = TABLE.drop(columns="customer").astype({"city": "category", "plan": "category"})
    table = table.rename(columns={"level": ODD})
    churn = HistGradientBoostingClassifier(max_iter=20, categorical_features="from_dtype", random_state=0)
    rows, target = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    regression = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(rows, target)
    for name, estimator, sample in (("churn", churn.fit(table, LABELS), table), ("diabetes", regression, rows)):
        joblib.dump(estimator, folder / f"{name}.joblib")
        sample.to_parquet(folder / f"{name}.parquet")
        export(folder / f"{name}.joblib", folder / f"{name}.onnx", name=name, sample=folder / f"{name}.parquet")
    return folder


def handler_of(monkeypatch: pytest.MonkeyPatch, **environ: str) -> Any:
    """Return the handler of a new execution environment with these settings."""
    for name in ("MODEL_URI", "MODELS_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    sys.modules.pop("lambda_fn.handler", None)
    return import_module("lambda_fn.handler")


@pytest.fixture
def open_page(chromium: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Return what opens the page of a service with some settings, at a width, in a theme, under a stage."""
    with ExitStack() as stack:

        def opened(
            *, width: int = 1280, dark: bool = False, stage: str = "", at: str = "/docs", **environ: str
        ) -> Opened:
            url = stack.enter_context(served(handler_of(monkeypatch, **environ), stage))
            theme: Any = "dark" if dark else "light"
            context = chromium.new_context(
                viewport={"width": width, "height": 844}, color_scheme=theme, has_touch=width < 500
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(15_000)
            shown = Opened(page, url)
            page.on("console", lambda message: shown.said.append(message.text))
            page.on("pageerror", lambda error: shown.said.append(str(error)))
            page.on("request", lambda request: shown.asked.append((request.method, request.url)))
            page.goto(url + at)
            return shown

        yield opened
