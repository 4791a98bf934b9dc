"""The page that `verify --report` writes: what it tells of the certificate, and that it loads nothing."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from rich.console import Console
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from convert.errors import ConvertError
from convert.export import export
from convert.model_file.disk import read_card, read_model
from convert.oracle.sample import Sample, write_sample
from convert.proof.verify import verify
from tests.conftest import FEATURES, TESTS
from tests.convert.proof.pages import Rows, card_of, compared, first_is_positive, never, page_of, text_of


@pytest.fixture(scope="module")
def demo(estimator_file: Path, model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The demo model's page."""
    folder = tmp_path_factory.mktemp("report")
    onnx_file = Path(shutil.copy(model_file, folder / "model.onnx"))
    assert verify(estimator_file, onnx_file, None, Console(quiet=True), report=folder / "made" / "here")
    return (folder / "made" / "here" / "index.html").read_text()


def test_the_demo_model_is_proved_on_its_page(demo: str, model_file: Path) -> None:
    certificate = read_card(read_model(model_file))["certificate"]
    text = text_of(demo)
    assert "The same model, proved" in text
    assert all(f"{source} {count:,} 0 0 ✔ same" in text for source, count in certificate["rows"].items())
    assert "all 124,399 0 0" in text
    assert certificate["graph_sha256"] in text
    assert certificate["estimator_sha256"] in text
    assert all(f"{name} {version}" in text for name, version in certificate["versions"].items())
    assert "All 124,399 rows are exactly equal" in text
    assert "Nothing differs at any of the 40,000 points: not a bit." in text
    assert "rows that differ" not in text


def test_the_page_loads_nothing_and_is_small(demo: str) -> None:
    links = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')\s>]*)", demo)
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert set(re.findall(r"[a-z]+://[^\"' <]*", demo)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "default-src 'none'" in demo
    assert "@import" not in demo
    assert "<script" not in demo
    assert len(demo) < 1_000_000


def test_every_plot_has_words_beside_it(demo: str) -> None:
    plots = re.findall(r'<div class="plot" role="img" aria-label="([^"]+)"><svg', demo)
    assert [plot.split(":")[0] for plot in plots] == [
        "scikit-learn",
        "model file",
        "where they differ",
        "How large are the differences?",
        "Where do rows differ?",
    ]
    assert all(plot.split(": ", 1)[1] in demo.split(f'aria-label="{plot}"')[1] for plot in plots)
    identifiers = re.findall(r' id="([^"]+)"', demo)
    assert len(identifiers) == len(set(identifiers))


def test_names_are_escaped_and_are_no_formulas(tmp_path: Path, rows: Rows) -> None:
    names = ["<script>alert(1)</script>", r"$\frac{a_1}$ & _b_"]
    card = card_of(names, ["no", "yes"]) | {"name": '"><img src=x onerror=alert(1)>', "estimator": "</style>"}
    comparisons = [replace(compared(rows)[0], source="<i>set</i>")]
    page = page_of(tmp_path, card, comparisons, first_is_positive, first_is_positive)
    assert "<script" not in page
    assert "<img" not in page
    assert "<i>set" not in page
    assert page.count("</style>") == page.count("<style")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</text>" in page
    assert r"$\frac{a_1}$ &amp; _b_</text>" in page


def test_a_failed_certificate_is_told_with_its_rows(tmp_path: Path, rows: Rows) -> None:
    differs, difference = np.arange(400) == 7, np.where(np.arange(400) < 3, 0.25, 0.0)
    card = card_of(["a", "b"], ["no", "yes"], passed=False, label_differences=1, largest_difference=0.25)
    text = text_of(page_of(tmp_path, card, compared(rows, difference, differs), first_is_positive, never))
    assert "NOT the same model" in text
    assert "The same model" not in text
    assert "12,345 rows that were tried, 4 differ by more than is allowed, 1 of them in the label" in text
    assert "random rows 400 1 0.25 ✘ differs" in text
    assert "Labels differ at 1 rows; numbers differ at 3 of 400 rows, by more than is allowed at 3." in text
    assert "397 of 400 rows are exactly equal. 0 differ by no more than what is allowed (1e-06), 3 by more" in text
    first = " ".join(map(repr, rows[7].tolist()))
    assert f"random rows 7 0.0 1.0 0 {first} random rows 0 " in text


def test_refusals_and_raw_scores_are_shown(tmp_path: Path, rows: Rows) -> None:
    card = card_of(["a", "b"], ["no", "yes"])
    assert "Raw scores" not in text_of(page_of(tmp_path, card, compared(rows), never, never))
    card["certificate"] |= {"refusals": {"tried": 1234, "differences": 5}, "largest_score_difference": 1.5e-9}
    text = text_of(page_of(tmp_path, card, compared(rows), never, never))
    assert "Refusals: 1,234 rows" in text
    assert "estimator and service agree on 1,229 of them." in text
    assert "the largest difference is 1.5e-09." in text


@pytest.mark.parametrize("regression", [False, True], ids=["labels", "values"])
def test_a_page_of_fitted_models(tmp_path: Path, regression: bool) -> None:
    rows = np.random.default_rng(3).normal(size=(200, 3))
    if regression:
        estimator = GradientBoostingRegressor(n_estimators=20, random_state=0).fit(rows, rows[:, 0] * rows[:, 2])
    else:
        labels = np.array(["low", "middle", "high"])[np.digitize(rows[:, 0], [-0.5, 0.5])]
        estimator = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(rows, labels)
    model, onnx_file = tmp_path / "model.joblib", tmp_path / "model.onnx"
    joblib.dump(estimator, model)
    write_sample(tmp_path / "model.csv", Sample(("x", "y", "z"), rows))
    export(model, onnx_file, name="model", strategy="float64 trees")
    assert verify(model, onnx_file, None, Console(quiet=True), report=tmp_path)
    text = text_of((tmp_path / "index.html").read_text())
    assert "The same model, as far as tested" in text
    assert "Every other feature (1) is held" in text
    assert ("The values go from" if regression else "high: ") in text


def test_features_need_a_report(estimator_file: Path, model_file: Path) -> None:
    with pytest.raises(ConvertError, match="--features chooses what the page plots: give its folder as --report"):
        verify(estimator_file, model_file, None, Console(quiet=True), features=FEATURES)


def test_a_folder_that_cannot_be_written_is_an_oserror(tmp_path: Path, rows: Rows) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="File exists"):
        page_of(tmp_path / "file", card_of(["a", "b"], ["no"]), compared(rows), never, never)


def test_matplotlib_is_imported_for_a_page_only() -> None:
    code = "import sys, convert.__main__, convert.proof.verify; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TESTS.parent)
    assert done.stdout == "False\n", done.stderr
