import re
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from convert.errors import ConvertError
from convert.export import export
from convert.model_file.disk import read_card, read_model
from convert.oracle.sample import Sample, write_sample
from convert.proof.parity import Comparison
from convert.proof.report.answers import Answers
from convert.proof.report.axes import choose_axes, make_axes, middle_row
from convert.proof.report.report import write_report
from convert.proof.verify import verify
from tests.conftest import FEATURES, TESTS
from tests.convert.test_main import run

type Rows = NDArray[np.float64]

ALL = {"nan": False, "low": None, "high": None}


def card_of(names: list[str], labels: list[Any] | None = None, **certificate: Any) -> dict[str, Any]:
    """Return a card with a certificate that passed, of a classifier if there are labels."""
    versions = {"scikit-learn": "1.2.3", "numpy": "4.5.6"}
    tested = {
        "passed": True,
        "kind": "tested",
        "rows": {"random rows": 12_345},
        "label_differences": 0,
        "largest_difference": 0.0,
        "largest_score_difference": None,
        "refusals": {"tried": 16, "differences": 0},
        "tolerance": 1e-6,
        "graph_sha256": "9" * 64,
        "estimator_sha256": "e" * 64,
        "versions": versions,
    }
    return {
        "name": "model",
        "task": "regression" if labels is None else "classification",
        "estimator": "Estimator",
        "strategy": "float64 trees",
        "features": [{"name": name, "type": "float", "accepts": ALL} for name in names],
        "classes": {"labels": labels},
        "versions": versions,
        "created_at": "2026-11-23T12:00:00Z",
        "certificate": tested | certificate,
    }


def compared(rows: Rows, difference: Rows | None = None, label_differs: Any = None) -> list[Comparison]:
    count = len(rows)
    labels = np.zeros(count, dtype=np.bool_) if label_differs is None else label_differs
    difference = np.zeros(count) if difference is None else difference
    return [Comparison("random rows", rows, labels, difference, np.zeros(count), labels.astype(np.float64))]


def first_is_positive(rows: Rows) -> Answers:
    positive = (rows[:, 0] > 0).astype(np.float64)
    return Answers(np.array(["no", "yes"])[positive.astype(int)], np.c_[1 - positive, positive])


def never(rows: Rows) -> Answers:
    return Answers(np.full(len(rows), "no"), np.tile([1.0, 0.0], (len(rows), 1)))


def page_of(folder: Path, card: dict[str, Any], comparisons: list[Comparison], *asks: Any, **more: Any) -> str:
    options = {"thresholds": [np.empty(0)] * len(card["features"]), "sample": None} | more
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return write_report(folder, card, comparisons, *asks, **options).read_text()


def text_of(page: str) -> str:
    """Return the page's text, without its elements and with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", page[page.index("<body>") :]).split())


@pytest.fixture
def rows() -> Rows:
    return np.random.default_rng(0).normal(size=(400, 2))


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


def test_the_surfaces_are_computed_from_both_models(tmp_path: Path, rows: Rows) -> None:
    card = card_of(["a", "b"], ["no", "yes"])
    same = text_of(page_of(tmp_path, card, compared(rows), first_is_positive, first_is_positive))
    other = text_of(page_of(tmp_path, card, compared(rows), first_is_positive, never))
    axis = make_axes(card, rows)[0]
    positive = 200 * int((axis.points(200) > 0).sum())
    assert "Nothing differs at any of the 40,000 points: not a bit." in same
    assert f"Labels differ at {positive:,} of 40,000 points" in other
    assert f"another label: {positive:,}" in other
    assert "no: 100%, yes: 0%" in other


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


def test_numbers_that_are_not_finite_are_drawn_and_told(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2)) * [1, 4e307]
    rows[0], rows[1], rows[2] = [np.nan, np.inf], [-1e308, 1e308], [1e-320, -0.0]
    difference = np.r_[np.nan, np.inf, 1e300, 1e-300, np.zeros(46)]
    card = card_of(["a", "b"], None, passed=False, largest_difference=None)

    def wild(asked: Rows) -> Answers:
        return Answers(np.where(asked[:, 0] > 0, np.nan, asked[:, 1]), None)

    sample = Sample(("a", "b"), rows)
    text = text_of(page_of(tmp_path, card, compared(rows, difference), wild, wild, sample=sample))
    assert "and 2 are not finite numbers" in text
    assert "b / 1e+307" in text or "b / 1e+308" in text


def test_only_accepted_numbers_are_asked_and_refusals_are_told(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).uniform(0, 10, size=(100, 2))
    card = card_of(["a", "b"], ["no", "yes"])
    card["features"][0]["accepts"] = {"nan": False, "low": 2.0, "high": 3.0}

    def strict(asked: Rows) -> Answers:
        if not ((asked[:, 0] >= 2) & (asked[:, 0] <= 3)).all():
            raise ValueError("a is from 2 to 3")
        return never(asked)

    assert "a is from 2 to 3" not in page_of(tmp_path, card, compared(rows), strict, strict)

    def none(asked: Rows) -> Answers:
        raise ValueError("no <row> is accepted")

    assert "no &lt;row&gt; is accepted" in page_of(tmp_path, card, compared(rows), none, none)


def test_categories_name_the_ticks(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    rows = np.c_[generator.integers(-1, 3, 200), generator.normal(size=200)].astype(np.float64)
    card = card_of(["colour", "b"], ["no", "yes"])
    categories, accepts = ["red", "$green$", "<blue>"], {"nan": False, "low": -1, "high": 2}
    card["features"][0] = {"name": "colour", "type": "str", "categories": categories, "accepts": accepts}
    asked: list[Rows] = []

    def ask(points: Rows) -> Answers:
        asked.append(points)
        return never(points)

    page = page_of(tmp_path, card, compared(rows), ask, never)
    assert all(f">{name}</text>" in page for name in ("red", "$green$", "&lt;blue&gt;"))
    assert "Nothing differs at any of the 600 points" in page
    assert set(asked[-1][:, 0].tolist()) == {0.0, 1.0, 2.0}


def test_long_names_keep_both_ends(tmp_path: Path, rows: Rows) -> None:
    card = card_of([f"a name much longer than an axis, number {number}" for number in (1, 2)], ["no", "yes"])
    page = page_of(tmp_path, card, compared(rows), never, never)
    assert all(f">a name much l…axis, number {number}</text>" in page for number in (1, 2))


def test_a_model_of_one_feature_has_lines(tmp_path: Path, rows: Rows) -> None:
    card = card_of(["only"], ["no", "yes"])
    text = text_of(page_of(tmp_path, card, compared(rows[:, :1]), first_is_positive, never))
    assert "scikit-learn as a broad pale line, the model file dashed on it" in text
    assert re.search(r"Labels differ at \d{3} of 1,000 points", text)


def test_the_features_that_change_the_answer_most_are_shown() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 5))
    card = card_of(list("abcde"))

    def ask(asked: Rows) -> Answers:
        return Answers(asked @ np.array([0.1, 3.0, 0.0, 0.2, -5.0]), None)

    axes = make_axes(card, rows)
    chosen = choose_axes(axes, rows, ask, [np.empty(0)] * 5, None)
    assert [axis.name for axis in chosen] == ["b", "e"]
    assert [axis.name for axis in choose_axes(axes, rows, ask, [np.empty(0)] * 5, ("d", "a"))] == ["d", "a"]
    assert middle_row(rows).tolist() in rows.tolist()


@pytest.mark.parametrize(
    ("features", "message"),
    [(("a", "x"), "there is no feature 'x' to plot; the model takes a, b"), (("a", "a"), "'a' was given twice")],
)
def test_features_that_are_not_there_are_refused(tmp_path: Path, rows: Rows, features: Any, message: str) -> None:
    with pytest.raises(ConvertError, match=message):
        page_of(tmp_path, card_of(["a", "b"], ["no"]), compared(rows), never, never, features=features)
    assert not list(tmp_path.iterdir())


def test_the_command_plots_the_features_it_is_told_to(tmp_path: Path, estimator_file: Path, model_file: Path) -> None:
    onnx_file = str(shutil.copy(model_file, tmp_path / "model.onnx"))
    command = [
        "verify",
        str(estimator_file),
        onnx_file,
        "--report",
        str(tmp_path / "page"),
        "--features",
        *FEATURES[::-1],
    ]
    done = run(*command)
    assert (done.returncode, done.stderr) == (0, "")
    assert "index.html" in done.stdout
    texts = re.findall(r"<text [^>]*>(sepal [^<]*)</text>", (tmp_path / "page" / "index.html").read_text())
    assert texts == ["sepal width (cm)", "sepal length (cm)"] * 4


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
