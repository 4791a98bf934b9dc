"""The page that `drift --report` writes, in a browser: it is readable for all, and loads and runs nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser
from sklearn.tree import DecisionTreeClassifier

from convert.__main__ import main
from tests.convert.oracle.test_examples import exported
from tests.page.conftest import ODD
from tests.page.test_page import AXE


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two days, of a model whose names are no HTML."""
    folder = tmp_path_factory.mktemp("drift")
    generator = np.random.default_rng(0)
    table = pd.DataFrame({ODD: generator.normal(size=400), "b": generator.normal(size=400)})
    fitted = DecisionTreeClassifier(max_depth=3, random_state=0).fit(table, np.where(table["b"] > 0, ODD, "$x_1$"))
    (folder / "model.onnx").write_bytes(exported(fitted, table, folder))
    lines = []
    for number in range(1000):
        moment = datetime.now(UTC) - timedelta(days=1 + number % 2)
        row = {ODD: float(generator.normal()), "b": float(generator.normal(number % 2))}
        told = {"time": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "row": 0, "version": f"{ODD}{number % 2}", "sha256": "s"}
        label = fitted.predict(pd.DataFrame([row]))[0] if number < 50 else ODD
        lines.append(json.dumps({**told, "features": row, "prediction": label}))
    (folder / "rows.jsonl").write_text("\n".join([*lines, "none"]))
    arguments = ["drift", str(folder / "rows.jsonl"), "--model", str(folder / "model.onnx")]
    assert main([*arguments, "--report", str(folder / "page" / "drift.html")]) == 0
    return folder / "page" / "drift.html"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_it_is_readable_and_runs_nothing(chromium: Browser, report: Path, width: int, dark: bool) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then(found => found.violations)")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    assert "shifted" in page.inner_text("h1")
    assert page.title() != "run"
    assert ODD in page.inner_text("table >> nth=0")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
