"""Bins of a card's sample, and values that are in none of them, or in all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from convert.export import export
from tests.convert.drift.rows import Run, Write, line, words


def exported(folder: Path, estimator: Any, table: pd.DataFrame, labels: Any, sample: pd.DataFrame) -> Path:
    """Fit the estimator to the table, and return its model file, with a card that tells of the sample."""
    joblib.dump(estimator.fit(table, labels), folder / "m.joblib")
    sample.to_csv(folder / "m.csv", index=False)
    export(folder / "m.joblib", folder / "m.onnx", name="m")
    return folder / "m.onnx"


def test_what_was_unknown_in_the_sample_already_is_no_shift(run: Run, write: Write, tmp_path: Path) -> None:
    table = pd.DataFrame({"city": ["Köln", "Ulm"] * 20})
    sample = table.assign(city=[*table["city"][:30], *["Atlantis"] * 10])
    estimator = make_pipeline(OneHotEncoder(handle_unknown="ignore"), BernoulliNB())
    file = exported(tmp_path, estimator, table, [0, 1] * 20, sample)
    known = [line({"city": city}, prediction=0) for city in table["city"][:30]]
    _, found = run(write([*known, *[line({"city": None}, unknown=["city"])] * 10]), "--model", file)
    assert [(each["unknown"], each["unknown_expected"], each["psi"]) for each in found["features"]] == [(0.25, 0.25, 0)]


def test_numbers_that_the_sample_never_had_are_told(run: Run, tmp_path: Path) -> None:
    """Of one that was always the same, and of one that all but never was another: it is in the same bin."""
    table = pd.DataFrame({"a": np.arange(40.0), "same": 0.0, "rare": [0.0, 0.0, *[1.0] * 38]})
    estimator, rows = LogisticRegression(), tmp_path / "rows.jsonl"
    file = exported(tmp_path, estimator, table, [0, 1] * 20, table)

    def compared(*flags: object, **values: Any) -> tuple[int, Any]:
        came = json.loads(table.to_json(orient="records"))
        pairs = zip(came, estimator.predict(table).tolist(), strict=True)
        rows.write_text("\n".join(json.dumps(line(row | values, prediction=answer)) for row, answer in pairs))
        return run(rows, "--model", file, "--fail-above", 0.25, *flags)

    for value, word in ((0.0, "stable"), (-1e-9, "large"), (7.0, "large"), ("Infinity", "large")):
        status, found = compared(same=value)
        assert (status, words(found)) == (word == "large", {"same": word, "a": "stable", "rare": "stable"})
    status, found = compared("--report", tmp_path / "drift.html", rare=7.0)
    assert (status, words(found)["rare"]) == (1, "stable")
    assert "'rare' is beyond the sample's least or greatest in 100.0% of the rows" in found["notes"]
    assert "outside more often: rare" in (tmp_path / "drift.html").read_text()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_the_sample_s_in_float32_too(run: Run, write: Write, tmp_path: Path, dtype: type) -> None:
    """As who sends NPY may have them; to most models it is the same number."""
    table = pd.DataFrame({"tenths": np.arange(60) % 7 / 10, "third": 1 / 3})
    file = exported(tmp_path, DecisionTreeClassifier(), table, [0, 1] * 30, table)
    came = [dict(zip(("tenths", "third"), row, strict=True)) for row in table.to_numpy(dtype).tolist()]
    _, found = run(write([line(row) for row in came]), "--model", file)
    assert {each["name"]: (each["psi"], each["outside"]) for each in found["features"]} == dict.fromkeys(table, (0, 0))


def test_a_label_that_is_called_like_all_others_is_one_of_its_own(run: Run, write: Write, tmp_path: Path) -> None:
    table = pd.DataFrame({"a": np.arange(40.0)})
    file = exported(tmp_path, DecisionTreeClassifier(), table, ["another", "stays"] * 20, table)
    lines = [line({"a": 1.0}, prediction=label) for label in ("another", "another", "stays", "gone")]
    _, found = run(write(lines), "--model", file, "--report", tmp_path / "drift.html")
    assert found["expected_labels"] == {"another": 0.5, "stays": 0.5}
    assert found["days"][0]["labels"] == {"another": 0.5, "stays": 0.25, "“another”": 0.25}
