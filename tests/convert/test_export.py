import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import jsonschema
import numpy as np
import onnx
import pytest
import skops.io
from rich.console import Console
from sklearn.cluster import DBSCAN
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.export import export
from convert.proof.parity import Candidate
from convert.proof.verify import verify
from tests.conftest import FEATURES, TESTS

SCHEMA = json.loads((TESTS.parent / "docs" / "card.schema.json").read_text())
ROWS = np.random.default_rng(0).normal(size=(60, 2))


def card_of(model_file: Path) -> dict[str, Any]:
    properties = {entry.key: entry.value for entry in onnx.load(model_file).metadata_props}
    assert properties.keys() == {"card", "digest"}
    card: dict[str, Any] = json.loads(properties["card"])
    return card


def test_the_example_card_and_a_real_one_follow_the_schema(model_file: Path) -> None:
    example, card = json.loads((TESTS / "card.json").read_text()), card_of(model_file)
    jsonschema.validate(example, SCHEMA)
    jsonschema.validate(card, SCHEMA)
    assert card.pop("certificate")["kind"] == "proved"
    del card["created_at"], example["created_at"]
    assert card == example


def test_the_same_estimator_exports_to_the_same_bytes(estimator_file: Path, model_file: Path, tmp_path: Path) -> None:
    first, second = (export(estimator_file, tmp_path / "again.onnx", name="iris").data for _ in range(2))
    assert first == second
    assert verify(estimator_file, tmp_path / "again.onnx", None, Console(quiet=True))
    assert (tmp_path / "again.onnx").read_bytes() == model_file.read_bytes()


def test_skl2onnx_exports_to_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    estimator_file, digests = dump(LogisticRegression().fit(ROWS, np.arange(60) % 3), tmp_path), set()
    for seed in ("0", "1", "random", "random"):
        command = [sys.executable, "-m", "convert", "export", str(estimator_file), "--strategy", "skl2onnx"]
        command += ["--out", str(tmp_path / "model.onnx")]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True)
        digests.add(hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_retrained_estimator_exports_to_the_same_bytes_at_the_same_epoch(
    estimator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    results = []
    for name in ("a", "b"):
        joblib.dump(estimator, tmp_path / f"{name}.joblib")
        results.append(export(tmp_path / f"{name}.joblib", tmp_path / f"{name}.onnx", name="iris").data)
    assert results[0] == results[1]
    assert card_of(tmp_path / "a.onnx")["created_at"] == "2001-09-09T01:46:40Z"


def test_a_pickle_is_read_too(estimator: Any, tmp_path: Path) -> None:
    import pickle

    (tmp_path / "model.pkl").write_bytes(pickle.dumps(estimator))
    export(tmp_path / "model.pkl", tmp_path / "model.onnx", name="iris")
    assert [feature["name"] for feature in card_of(tmp_path / "model.onnx")["features"]] == ["x0", "x1"]


def test_a_skops_file_is_read_if_it_holds_nothing_foreign(estimator: Any, tmp_path: Path) -> None:
    skops.io.dump(estimator, tmp_path / "model.skops")
    assert export(tmp_path / "model.skops", tmp_path / "model.onnx", name="iris").strategy == "tabulated"
    estimator.loss_function = Path("somewhere")  # a type that is neither scikit-learn's nor numpy's
    try:
        skops.io.dump(estimator, tmp_path / "foreign.skops")
    finally:
        del estimator.loss_function
    with pytest.raises(ConvertError, match=r"holds pathlib.*, which is not trusted"):
        export(tmp_path / "foreign.skops", tmp_path / "model.onnx", name="iris")
    runs_text = make_pipeline(FunctionTransformer(np.testing.runstring), estimator)
    skops.io.dump(runs_text, tmp_path / "foreign.skops")
    with pytest.raises(ConvertError, match=r"runstring.*, which is not trusted"):
        export(tmp_path / "foreign.skops", tmp_path / "model.onnx", name="iris")


def test_an_estimator_of_another_version_is_told_of(
    estimator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sklearn.base.__version__", "1.5.0")
    joblib.dump(estimator, tmp_path / "old.joblib")
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="was fitted by scikit-learn 1.5.0, this is 1.9.1"):
        export(tmp_path / "old.joblib", tmp_path / "model.onnx", name="iris")


def dump(estimator: Any, folder: Path) -> Path:
    joblib.dump(estimator, folder / "model.joblib")
    return folder / "model.joblib"


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.arange(60) % 3, {"type": "int", "labels": [0, 1, 2]}),
        (np.array(["no", "yes"])[np.arange(60) % 2], {"type": "str", "labels": ["no", "yes"]}),
    ],
)
def test_the_card_says_what_type_the_labels_are(labels: Any, classes: dict[str, Any], tmp_path: Path) -> None:
    model = dump(GradientBoostingClassifier(n_estimators=3).fit(ROWS, labels), tmp_path)
    export(model, tmp_path / "model.onnx", name="model")
    assert card_of(tmp_path / "model.onnx")["classes"] == classes


def test_a_regressor_has_no_classes(tmp_path: Path) -> None:
    model = dump(GradientBoostingRegressor(n_estimators=3).fit(ROWS, ROWS[:, 0]), tmp_path)
    export(model, tmp_path / "model.onnx", name="model")
    card = card_of(tmp_path / "model.onnx")
    jsonschema.validate(card, SCHEMA)
    assert card["task"] == "regression"
    assert "classes" not in card


def test_names_come_from_a_sample(estimator_file: Path, estimator: Any, tmp_path: Path) -> None:
    model = dump(estimator, tmp_path)
    sample = estimator_file.with_suffix(".csv")
    export(model, tmp_path / "model.onnx", name="model", sample=sample)
    assert tuple(feature["name"] for feature in card_of(tmp_path / "model.onnx")["features"]) == FEATURES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,c\n1,2,3\n", "takes 2 features, the sample has 3: a, b, c"),
        ("5.1,3.5\n1,2\n", "starts with 5.1, 3.5, expected a header"),
        ("a,a\n1,2\n", "two features share a name"),
        ("a,b\n1,2\n1,x\n", "row 1: expected a number for 'b', got 'x'"),
        ("a,b\n1\n", "line 2: expected 2 values, got 1"),
        ("", "has no rows"),
        ("a,b\n", "has no rows"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused(estimator: Any, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "rows.csv").write_text(content)
    with pytest.raises(ConvertError, match=message):
        export(dump(estimator, tmp_path), tmp_path / "m.onnx", name="m", sample=tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"model": 1}, "holds a dict, not a fitted scikit-learn"),
        (DecisionTreeClassifier(), "the DecisionTreeClassifier in .* is not fitted"),
        (DBSCAN().fit(ROWS), "DBSCAN does not predict: use KMeans, or fit a classifier on the labels"),
        (DecisionTreeClassifier().fit(ROWS, np.ones((60, 2))), "has several outputs"),
        (RandomForestRegressor(3).fit(ROWS, ROWS), "has several outputs"),
        (OneVsRestClassifier(LogisticRegression()).fit(ROWS, (ROWS > 0).astype(int)), "has several outputs"),
    ],
)
def test_what_is_no_fitted_estimator_is_refused(held: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConvertError, match=message):
        export(dump(held, tmp_path), tmp_path / "model.onnx", name="model")
    assert not (tmp_path / "model.onnx").exists()


def test_a_file_that_is_no_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.joblib").write_text("not a pickle")
    with pytest.raises(ConvertError, match="is not a joblib, pickle or skops file"):
        export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model")
    with pytest.raises(ConvertError, match="there is no file"):
        export(tmp_path / "none.joblib", tmp_path / "model.onnx", name="model")


def test_an_epoch_that_is_no_number_is_refused(
    estimator_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ConvertError, match="not 'yesterday'"):
        export(estimator_file, tmp_path / "model.onnx", name="model")


@pytest.mark.parametrize("strategy", [None, "skl2onnx", "float64 operators"])
def test_what_nothing_writes_is_refused_in_a_line(strategy: str | None, tmp_path: Path) -> None:
    model = GaussianProcessRegressor().fit(ROWS, ROWS[:, 0])
    with pytest.raises(ConvertError, match="GaussianProcessRegressor is not") as raised:
        export(dump(model, tmp_path), tmp_path / "model.onnx", name="model", strategy=strategy)
    assert len(str(raised.value)) < 300


def test_the_best_strategy_is_chosen_unless_one_is_wanted(estimator_file: Path, estimator: Any, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    chosen = export(estimator_file, out, name="iris")
    assert (chosen.strategy, chosen.reason) == ("tabulated", "")
    with pytest.raises(ConvertError, match="GradientBoostingClassifier is not let through skl2onnx"):
        export(estimator_file, out, name="iris", strategy="skl2onnx")
    rows = np.random.default_rng(0).normal(size=(200, 4))
    deep = RandomForestRegressor(20, random_state=0).fit(rows, rows.sum(axis=1))
    chosen = export(dump(deep, tmp_path), out, name="deep")
    assert chosen.strategy == "float64 trees"
    assert chosen.reason.startswith("not tabulated: its thresholds make")
    with pytest.raises(ConvertError, match="at most 65,536 are tabulated"):
        export(dump(deep, tmp_path), out, name="deep", strategy="tabulated")
    linear = dump(LogisticRegression().fit(ROWS, np.arange(60) % 2), tmp_path)
    assert export(linear, out, name="linear").strategy == "float64 operators"
    assert export(linear, out, name="linear", strategy="skl2onnx").strategy == "skl2onnx"
    with pytest.raises(ConvertError, match="LogisticRegression is not an ensemble of trees"):
        export(linear, out, name="linear", strategy="float64 trees")


def test_a_classifier_without_probabilities_has_none(tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    export(dump(RidgeClassifier().fit(ROWS, np.arange(60) % 2), tmp_path), out, name="ridge")
    assert [output.name for output in onnx.load(out).graph.output] == ["label"]


@pytest.mark.parametrize(("labels", "kind"), [([False, True], bool), ([1.0, 2.0], float), (["no", "yes"], str)])
@pytest.mark.parametrize("estimator", [LogisticRegression(), GradientBoostingClassifier(n_estimators=3)], ids=repr)
def test_labels_keep_their_type(labels: list[Any], kind: type, estimator: Any, tmp_path: Path) -> None:
    fitted = estimator.fit(ROWS, np.array(labels)[np.arange(60) % 2])
    export(dump(fitted, tmp_path), tmp_path / "model.onnx", name="model")
    predicted = Candidate(onnx.load(tmp_path / "model.onnx")).run(ROWS)["label"].tolist()
    assert {type(label) for label in predicted} == {kind}
    assert predicted == fitted.predict(ROWS).tolist()


def test_a_sample_is_read_in_the_order_of_the_estimators_own_names(tmp_path: Path) -> None:
    named = LinearRegression().fit(ROWS, ROWS[:, 0])
    named.feature_names_in_ = np.array(["a", "b"], dtype=object)
    (tmp_path / "rows.csv").write_text("b,a\n1,2\n")
    export(dump(named, tmp_path), tmp_path / "model.onnx", name="model", sample=tmp_path / "rows.csv")
    assert [feature["name"] for feature in card_of(tmp_path / "model.onnx")["features"]] == ["a", "b"]
    (tmp_path / "rows.csv").write_text("b,c\n1,2\n")
    with pytest.raises(ConvertError, match="the sample has b, c, the model takes a, b"):
        export(dump(named, tmp_path), tmp_path / "model.onnx", name="model", sample=tmp_path / "rows.csv")
