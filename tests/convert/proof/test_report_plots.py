"""The plots on the page that `verify --report` writes, and the features that they show."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.errors import ConvertError
from convert.oracle.sample import Sample
from convert.proof.report.answers import Answers
from convert.proof.report.axes import choose_axes, make_axes, middle_row
from tests.conftest import FEATURES
from tests.convert.command import run
from tests.convert.proof.pages import Rows, card_of, compared, first_is_positive, never, page_of, text_of


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
