"""The contenders of the conversion benchmark agree on small models, and what does not agree is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestRegressor

from benchmarks.conversion.__main__ import check, markdown, measure
from benchmarks.conversion.contenders import (
    Answers,
    Compiled,
    NotConvertedError,
    Plume,
    ScikitLearn,
    Skl2onnx,
    TreeOperator,
)
from benchmarks.conversion.models import Model
from benchmarks.harness import DisagreementError

IN_PROCESS = {"scikit-learn": ScikitLearn, "skl2onnx": Skl2onnx, "tree operator": TreeOperator, "Plume": Plume}


def small_model(estimator: Any, folder: Path) -> Model:
    rows = np.random.default_rng(0).normal(size=(600, 3))
    estimator.fit(rows[:60], rows[:60, 0] + rows[:60, 1] > 0)
    joblib.dump(estimator, folder / "small.joblib")
    return Model("small", estimator, folder / "small.joblib", rows[:60], rows)


@pytest.mark.parametrize(
    "estimator", [GradientBoostingClassifier(n_estimators=5, random_state=0), RandomForestRegressor(5, random_state=0)]
)
def test_contenders_agree(estimator: Any, tmp_path: Path) -> None:
    measured = measure(small_model(estimator, tmp_path), tmp_path, 1, IN_PROCESS)
    notes = {name: result.note for name, result in measured.results.items()}
    assert notes["scikit-learn"] == "same bits"
    assert not any("wrong" in note for note in notes.values())
    for name in IN_PROCESS:
        result = measured.results[name]
        assert result.size is not None
        assert len(result.latencies) == len(result.throughputs) == 1
    page = markdown([measured, replace(measured, crossing=(24, 1.1, 1.9))], 1)
    assert "| small | float64 trees |" in page or "| small | tabulated |" in page
    assert page.count("| 24 | 1.10 | 1.90 |") == 1
    page = markdown([measured], 1)
    assert page.count("| small: ") == 5
    assert page.count("| small | ") == 2


def test_what_is_not_converted_is_noted(tmp_path: Path) -> None:
    model = small_model(HistGradientBoostingClassifier(max_iter=2), tmp_path)
    result = measure(model, tmp_path, 1, IN_PROCESS).results["skl2onnx"]
    assert result.note.startswith("not converted: ")
    assert result.throughputs == []


def test_compilers_without_their_environment(tmp_path: Path) -> None:
    model = small_model(GradientBoostingClassifier(n_estimators=2), tmp_path)
    with pytest.raises(NotConvertedError, match=r"there is no .*`make bench` makes it"):
        Compiled(model, tmp_path, "tl2cgen", tmp_path / "python")


def test_differences_are_told() -> None:
    expected = Answers(np.array([0, 1]), np.array([[0.8, 0.2], [0.1, 0.9]]))
    other_label = Answers(np.array([0, 0]), expected.numbers)
    off = Answers(expected.labels, expected.numbers + 1e-3)
    assert check("x", expected, expected, exact=True) == "same bits"
    assert check("x", expected, other_label, exact=False) == "wrong: 1 labels differ"
    assert check("x", expected, off, exact=False) == "wrong: off by 1e-03"
    assert check("x", expected, Answers(expected.labels, expected.numbers + 1e-7), exact=False) == "within 1e-07"
    for wrong in (other_label, off, Answers(expected.labels, expected.numbers * np.nan)):
        with pytest.raises(DisagreementError, match="labels differ, and numbers by"):
            check("x", expected, wrong, exact=True)
