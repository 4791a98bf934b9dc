"""The page in a headless Chromium: what a person sees, types, drags and drops."""

import json
import re
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
import pytest
from playwright.sync_api import expect
from sklearn.linear_model import LinearRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from convert.export import export
from convert.model_file.disk import read_card
from convert.oracle import asking
from lambda_fn.codecs.json_document import decode
from lambda_fn.model.model import Model
from tests.conftest import TESTS
from tests.page.conftest import ODD, Open, Opened

AXE = (TESTS.parent / "node_modules" / "axe-core" / "axe.min.js").read_text()
WIDTHS, NAMES = (1280, 390), ("iris", "churn", "diabetes")


def found_by_axe(opened: Opened) -> list[str]:
    opened.page.evaluate(AXE)
    found: list[Any] = opened.page.evaluate("axe.run().then(found => found.violations)")
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]


def colours(opened: Opened, *places: tuple[float, float]) -> list[list[int]]:
    """Return the colours of the surface at places, from 0 to 1 across and up."""
    script = """places => {
      const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return places.map(([x, y]) => {
        const at = 4 * (Math.round((1 - y) * (height - 1)) * width + Math.round(x * (width - 1)));
        return [...data.slice(at, at + 4)];
      });
    }"""
    found: list[list[int]] = opened.page.evaluate(script, list(places))
    return found


def posts(opened: Opened) -> int:
    return len([url for method, url in opened.asked if method == "POST"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_it_shows_a_model(open_page: Open, shown: Path, name: str, width: int, dark: bool) -> None:
    uri = (shown / f"{name}.onnx").as_uri()
    opened = open_page(width=width, dark=dark, stage="dev", at="/docs/" if dark else "/docs", MODEL_URI=uri).ready()
    page, card = opened.page, read_card((shown / f"{name}.onnx").read_bytes())
    expect(page.locator("h1")).to_have_text(name)
    assert page.locator(".field").count() == len(card["features"])
    assert page.locator("#lines figure").count() == len(card["features"])
    assert found_by_axe(opened) == []
    assert opened.said == []
    assert {url.startswith(opened.url) or url == "data:," for _, url in opened.asked} == {True}
    assert posts(opened) == 3  # the answer, the lines, the surface
    assert page.evaluate("document.documentElement.scrollWidth") == width
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == ("rgb(18, 21, 26)" if dark else "rgb(244, 245, 247)")
    assert page.title() == f"{name}: try the model"


def test_the_answer_is_the_models(open_page: Open, shown: Path) -> None:
    opened = open_page(MODEL_URI=(shown / "iris.onnx").as_uri()).ready()
    page, model = opened.page, Model((shown / "iris.onnx").read_bytes())
    for row in ([6.2, 3.4], [4.5, 3.0]):
        for place, value in enumerate(row):
            page.locator(f"#f{place}").fill(str(value))
        scores = model.score(decode({"data": [row]}, model.card))
        assert scores.probabilities is not None
        label, share = int(scores.prediction[0]), float(scores.probabilities.max())
        told = "> 99.9 %" if 0.9995 < share < 1 else f"{100 * share:.1f} %"
        expect(page.locator("#said")).to_have_text(f"{label} {told}")
    expect(page.locator("#time")).to_have_text(re.compile(r"^\d+ ms"))
    assert page.locator(".bars li").count() == 3
    page.get_by_role("tab", name="curl").press("ArrowRight")
    assert page.locator("#code").inner_text().startswith("import json")
    assert '"sepal length (cm)": 4.5' in page.locator("#code").inner_text()
    expect(page.locator("#certified")).to_contain_text("to the bit: every cell of the table")
    assert page.locator("#tried").get_by_role("row", name="every cell of the table").count() == 1


def test_sliders_and_the_point_move_the_row(open_page: Open, shown: Path) -> None:
    opened = open_page(MODEL_URI=(shown / "iris.onnx").as_uri()).ready()
    page = opened.page
    slider = page.locator("#f0-slider")
    slider.focus()
    before = float(page.locator("#f0").input_value())
    slider.press("ArrowRight")
    assert float(page.locator("#f0").input_value()) == pytest.approx(before + 0.01)
    box = page.locator("#canvas").bounding_box()
    at = page.locator("#point").bounding_box()
    assert box is not None
    assert at is not None
    page.locator("#canvas").scroll_into_view_if_needed()
    page.locator("#point").hover()
    page.mouse.down()
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"], steps=4)
    page.mouse.up()
    low, high = 4.3, 7.9
    assert float(page.locator("#f0").input_value()) == pytest.approx(low + 0.1 * (high - low), abs=0.03)
    assert float(page.locator("#f1").input_value()) == pytest.approx(2 + 0.9 * 2.4, abs=0.03)
    expect(page.locator("#said")).to_have_text(re.compile("^0 "))
    first, second = colours(opened, (0.1, 0.9), (0.95, 0.5))
    assert first != second
    assert {first[3], second[3]} == {255}
    page.locator("#point").press("ArrowRight")
    assert float(page.locator("#f0").input_value()) > low + 0.1 * (high - low)
    assert opened.said == []


def test_touch_moves_the_point(open_page: Open, shown: Path) -> None:
    opened = open_page(width=390, MODEL_URI=(shown / "diabetes.onnx").as_uri()).ready()
    page = opened.page
    before = [page.locator(f"#f{place}").input_value() for place in range(10)]
    page.locator("#canvas").tap(position={"x": 20, "y": 20})
    after = [page.locator(f"#f{place}").input_value() for place in range(10)]
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 2
    expect(page.locator("#peek")).to_have_text(re.compile(r"^Answer: \d"))


def test_categories_booleans_and_missing_values(open_page: Open, shown: Path) -> None:
    opened = open_page(MODEL_URI=(shown / "churn.onnx").as_uri()).ready()
    page = opened.page
    page.locator("#f0").select_option("Paris")
    page.get_by_label("active", exact=True).select_option("true")
    page.get_by_label("income is missing").check()
    page.get_by_label("plan", exact=True).select_option("missing")
    expect(page.locator("#code")).to_contain_text('"income": null, "plan": null, "active": true')
    page.locator("summary", has_text="Paste").click()
    page.locator("#paste").fill("city\tage\tplan\tactive\nOslo\t33\tgold\tfalse")
    page.get_by_role("button", name="Fill the form").click()
    expect(page.locator("#filled")).to_have_text("4 of 6 features filled: the others stay.")
    expect(page.locator("#code")).to_contain_text('"city": "Oslo", "age": 33, "income": null, "plan": "gold"')
    page.locator("#paste").fill(json.dumps({"data": [{"city": "NA", "age": 21.5, "income": 7, ODD: 2}]}))
    page.get_by_role("button", name="Fill the form").click()
    expect(page.locator("#code")).to_contain_text('"city": "NA", "age": 21.5, "income": 7, "plan": "gold"')
    page.locator("#across").select_option(label=ODD)
    expect(page.locator("#across-name")).to_have_text(f"{ODD} →")
    assert page.locator("img").count() == 0
    assert opened.said == []


def test_what_is_wrong_is_said_at_its_field(open_page: Open, shown: Path) -> None:
    opened = open_page(MODEL_URI=(shown / "iris.onnx").as_uri()).ready()
    page = opened.page
    page.locator("#f1").fill("wide")
    expect(page.locator("#wrong strong")).to_have_text("A value is not a number")
    expect(page.locator("#f1-wrong")).to_contain_text("is a string, expected a number")
    expect(page.locator("#f1")).to_have_attribute("aria-invalid", "true")
    assert found_by_axe(opened) == []
    page.locator("#f1").fill("3.1")
    expect(page.locator("#wrong")).to_be_hidden()
    expect(page.locator("#f1-wrong")).to_be_hidden()
    assert all("400" in line for line in opened.said)  # the browser's own words for the service's answer


def test_a_file_is_scored_and_comes_back(open_page: Open, shown: Path, tmp_path: Path) -> None:
    opened = open_page(MODEL_URI=(shown / "churn.onnx").as_uri()).ready()
    page, rows = opened.page, pandas.read_parquet(shown / "churn.parquet")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    page.locator("#file").set_input_files(tmp_path / "rows.csv")
    expect(page.locator("#scored")).to_contain_text("400 rows scored")
    with page.expect_download() as download:
        page.locator("#scored a").click()
    assert download.value.suggested_filename == "rows-scored.csv"
    scored = pandas.read_csv(download.value.path())
    model = Model((shown / "churn.onnx").read_bytes())
    expected = model.score(decode({"data": json.loads(rows.to_json(orient="records"))}, model.card))
    assert scored["prediction"].tolist() == expected.prediction.tolist()
    assert [*scored] == [*rows, "prediction", "churn", "stay"]
    rows.assign(age="old").to_csv(tmp_path / "bad.csv", index=False)
    page.locator("#file").set_input_files(tmp_path / "bad.csv")
    expect(page.locator("#scored-wrong")).to_contain_text("It is line 2 of bad.csv.")


def test_a_file_is_dropped_on_the_page(open_page: Open, shown: Path) -> None:
    opened = open_page(MODEL_URI=(shown / "iris.onnx").as_uri()).ready()
    drop = """text => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([text], 'dropped.csv'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }"""
    opened.page.evaluate(drop, "5.1;3.5\n6.2;3.4\n")  # without names, as some spreadsheets write it
    expect(opened.page.locator("#scored")).to_contain_text("2 rows scored")
    with opened.page.expect_download() as download:
        opened.page.locator("#scored a").click()
    scored = pandas.read_csv(download.value.path())
    assert [*scored][:3] == ["sepal length (cm)", "sepal width (cm)", "prediction"]
    assert scored["prediction"].tolist() == [0, 2]
    assert opened.said == []


def test_several_models_are_a_choice_and_none_is_said(open_page: Open, shown: Path, tmp_path: Path) -> None:
    opened = open_page(MODELS_URI=shown.as_uri() + "/").ready()
    expect(opened.page.locator("h1")).to_have_text("churn")
    opened.page.locator("#model").select_option("iris")
    expect(opened.page.locator("h1")).to_have_text("iris")
    opened.page.reload()
    expect(opened.page.locator("h1")).to_have_text("iris")
    assert opened.said == []
    none = open_page(MODELS_URI=tmp_path.as_uri() + "/")
    expect(none.page.locator("#notice")).to_contain_text("No model is published yet")
    assert none.said == []
    gone = open_page(MODEL_URI=(tmp_path / "model.onnx").as_uri())
    expect(gone.page.locator("#notice strong")).to_have_text("No model has been published yet")
    assert found_by_axe(gone) == []


def exported(folder: Path, estimator: Any, rows: Any) -> str:
    """Return the URI of a model file, with the rows as its sample if there are any."""
    joblib.dump(estimator, folder / "odd.joblib")
    if rows is not None:
        rows.to_csv(folder / "odd.csv", index=False)
    export(folder / "odd.joblib", folder / "odd.onnx", name="odd")
    return (folder / "odd.onnx").as_uri()


def test_a_feature_without_a_range_is_typed(open_page: Open, tmp_path: Path) -> None:
    rows = np.arange(20.0)[:, np.newaxis]
    opened = open_page(MODEL_URI=exported(tmp_path, LinearRegression().fit(rows, 2 * rows[:, 0]), None))
    page = opened.page
    page.locator("#f0").fill("8")
    expect(page.locator("#said")).to_have_text("16")
    expect(page.locator("#lines figcaption")).to_contain_text("to 32")  # from 0 to twice the value
    assert page.locator("#f0-slider").count() == 0
    expect(page.locator("#surface")).to_be_hidden()
    assert found_by_axe(opened) == []
    assert opened.said == []


def test_of_many_features_the_lines_that_matter_come_first(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "REFUSED_CELLS", 10**5)  # some of the features are asked one by one
    rows = pandas.DataFrame(np.random.default_rng(0).normal(size=(60, 210)).round(2)).add_prefix("measure ")
    target = 4 * rows["measure 3"] + rows["measure 77"]
    uri = exported(tmp_path, DecisionTreeRegressor(max_depth=2, random_state=0).fit(rows, target), rows)
    opened = open_page(width=390, MODEL_URI=uri).ready()
    page = opened.page
    assert page.locator(".field").count() == 210
    assert page.locator("#lines figcaption").first.inner_text().startswith("measure 3")
    expect(page.get_by_role("button", name="Show all 210")).to_be_visible()
    assert posts(opened) == 3
    assert opened.said == []


def test_many_classes_and_none_with_probabilities(open_page: Open, tmp_path: Path) -> None:
    rows = pandas.DataFrame(np.random.default_rng(0).normal(size=(90, 2)).round(2), columns=["a", "b"])
    labels = [f"<b>{number % 30}" for number in range(90)]
    opened = open_page(
        MODEL_URI=exported(tmp_path, DecisionTreeClassifier(max_depth=3).fit(rows, labels), rows)
    ).ready()
    assert opened.page.locator(".bars li").count() == 12
    expect(opened.page.locator("#said")).to_contain_text("<b>")
    expect(opened.page.locator("#shares .note")).to_contain_text("18 other classes")
    assert opened.said == []
    opened = open_page(MODEL_URI=exported(tmp_path, LinearSVC().fit(rows, rows["a"] > 0), rows)).ready()
    expect(opened.page.locator("#said")).to_have_text(re.compile("true|false"))
    expect(opened.page.locator("#shares")).to_have_text("This model has no probabilities.")
    expect(opened.page.locator("#of-class")).to_be_hidden()
    assert "probabilities" not in opened.page.locator("#code").inner_text()


@pytest.mark.parametrize(
    ("auth", "header", "sent"), [("key", "x-api-key", "a key"), ("jwt", "authorization", "Bearer a key")]
)
@pytest.mark.parametrize("uri", ["MODEL_URI", "MODELS_URI"])
def test_what_calls_are_asked_for_is_given_once_and_sent_with_each(
    open_page: Open, shown: Path, uri: str, auth: str, header: str, sent: str
) -> None:
    where = f"{shown.as_uri()}/" if uri == "MODELS_URI" else (shown / "iris.onnx").as_uri()
    opened = open_page(at="//docs#%", **{uri: where}, DOOR=auth)
    page, word = opened.page, "Key" if auth == "key" else "Token"

    def gate(route: Any) -> None:
        if route.request.headers.get(header) == sent:
            route.continue_()
        else:
            route.fulfill(status=403, content_type="application/json", body='{"message": "Forbidden"}')

    page.route(re.compile("/(model|predict)"), gate)
    expect(page.locator("#notice")).to_contain_text(f"Calls here ask for a {word.lower()}")
    assert found_by_axe(opened) == []
    page.get_by_label(word).fill("a\N{EN DASH}key")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#notice")).to_contain_text("can't have “\N{EN DASH}” in it")
    expect(page.locator("#notice")).to_contain_text("U+2013")
    assert [url for _, url in opened.asked if "/docs" not in url] == []
    page.get_by_label(word).fill("another")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#notice")).to_contain_text("Forbidden")
    page.get_by_label(word).fill(sent.replace("B", "b"))  # a token as it is copied with what is in front
    page.get_by_role("button", name="Use it").click()
    opened.ready()
    expect(page.locator("#notice")).to_be_hidden()
    for language in ("curl", "Python", "JavaScript"):
        page.get_by_role("tab", name=language).click()
        expect(page.locator("#code")).to_contain_text(header)
        expect(page.locator("#code")).not_to_contain_text("a key")
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]


def test_where_calls_are_signed_the_page_says_what_does_that(open_page: Open, shown: Path) -> None:
    opened = open_page(MODEL_URI=(shown / "iris.onnx").as_uri(), DOOR="iam")
    expect(opened.page.locator("#notice")).to_contain_text("Calls here are signed with IAM")
    assert found_by_axe(opened) == []
    assert [url for _, url in opened.asked if not url.endswith("/docs")] == []
