"""Every estimator of scikit-learn: it converts, verifies and is served rightly, or is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas
import pytest
from numpy.typing import NDArray
from rich.console import Console

from convert.__main__ import main
from convert.estimator.fitted import load_estimator
from convert.estimator.kinds import name_of_kind
from convert.estimator.refused import REFUSED
from convert.graph.ensembles.table import READERS
from convert.graph.transformers.table import LAYOUTS, TRANSFORMERS
from convert.model_file.disk import read_card
from convert.oracle.oracle import Oracle
from convert.oracle.sample import find_table
from convert.proof.verify import verify
from convert.strategies.composed.strategy import ESTIMATORS
from convert.strategies.plain import ALLOWED
from lambda_fn.errors import ServiceError
from lambda_fn.model.model import Model
from tests.convert.every_estimator import (
    KINDS,
    NO_FIT,
    NO_MIX,
    NUMBERS,
    SECOND,
    TABLE,
    WRAPPING,
    fitted,
    places,
)

pytestmark = pytest.mark.filterwarnings("ignore")


class Case(NamedTuple):
    """A fitted estimator, the place of the class in it, and the rows of its sample."""

    name: str
    role: str
    estimator: Any


def edges(oracle: Oracle) -> NDArray[np.float64]:
    """Return rows at what is compared: training rows, each number of theirs one step to either side, and odd rows."""
    assert oracle.sample is not None
    rows = oracle.sample.rows[:8]
    numbers = np.array([feature.type == "float" for feature in oracle.features])
    made = [rows, *(np.where(numbers, value, rows[:1]) for value in (0.0, -0.0, 1.0, 2.0, 1e-16, 5e-324))]
    for column, feature in enumerate(oracle.features):
        odd = [np.nan, -1.0] if feature.type == "str" else [np.nan] if feature.type == "bool" else []
        if feature.type == "float":
            known = np.unique(oracle.sample.rows[:, column][~np.isnan(oracle.sample.rows[:, column])])[:4]
            single = known.astype(np.float32)
            steps = [known, np.nextafter(known, -np.inf), np.nextafter(known, np.inf)]
            steps += [np.nextafter(single, np.float32(side)).astype(np.float64) for side in (-np.inf, np.inf)]
            odd = [*np.concatenate(steps), np.nan, np.inf, -1.0, -0.0, 5e-324, 1e-18, 1e6, 0.5, 1.5]
        block = np.repeat(rows[:1], len(odd), axis=0)
        block[:, column] = odd
        made.append(block)
    return np.concatenate(made)


def assert_served(model_file: Path, oracle: Oracle) -> None:
    """Compare what the service answers, row by row, with what the estimator does; both refuse, or neither."""
    model, answers, taken = Model(model_file.read_bytes()), [], []
    for row in edges(oracle):
        try:
            answers.append(model.score(row[np.newaxis]))
            taken.append(row)
        except ServiceError:
            with pytest.raises((ValueError, TypeError, IndexError)):
                oracle.predict(row[np.newaxis])
    rows = np.array(taken)
    served, expected = np.concatenate([each.prediction for each in answers]), oracle.predict(rows)
    if oracle.task == "regression":
        np.testing.assert_allclose(served, expected, rtol=1e-9, atol=1e-9)
        return
    assert served.tolist() == expected.tolist()
    probabilities = oracle.predict_proba(rows)
    if probabilities is not None:
        shares = np.concatenate([np.asarray(each.probabilities) for each in answers])
        np.testing.assert_allclose(shares, probabilities, rtol=1e-9, atol=1e-9)


def assert_refused(case: Case, line: str) -> None:
    """Check that the line says which class is not converted, why, and what to do."""
    named = {case.name, type(getattr(case.estimator, "estimator", None)).__name__, "DecisionTreeClassifier"}
    assert line.startswith("error: "), line
    assert line.count("\n") == 1, line
    assert len(line) < 300, line
    assert any(name in line for name in named), line
    assert ": " in line.removeprefix("error: ") or "; " in line, line
    assert "failed" not in line, line


EVERY = [(name, data) for name in sorted(set(KINDS) - set(NO_FIT)) for data in ("numbers", "mixed")]
TRIED = [(name, data) for name, data in EVERY if places(name, data) and (data == "numbers" or name not in NO_MIX)]


@pytest.mark.parametrize(("name", "data"), TRIED)
def test_it_converts_and_is_served_or_is_refused_in_a_line(
    name: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for role, setting in places(name, data):
        case = Case(name, role, fitted(name, role, setting, data))
        model, onnx_file = tmp_path / "model.joblib", tmp_path / "model.onnx"
        joblib.dump(case.estimator, model)
        if data == "mixed":
            TABLE.to_csv(tmp_path / "model.csv", index=False)
        else:
            rows = NUMBERS[:, : 1 if name == "IsotonicRegression" else 4]
            pandas.DataFrame(rows, columns=list("abcd")[: rows.shape[1]]).to_csv(tmp_path / "model.csv", index=False)
        status = main(["export", str(model), "--out", str(onnx_file)])
        captured = capsys.readouterr()
        if status == 2:
            assert_refused(case, captured.err)
            continue
        assert captured.err == "", captured.err
        with (tmp_path / "output.txt").open("w") as file:
            agree = verify(model, onnx_file, None, Console(file=file, width=150), random_rows=500)
        assert agree, (case, (tmp_path / "output.txt").read_text())
        card = read_card(onnx_file.read_bytes())
        names = tuple(feature["name"] for feature in card["features"])
        assert_served(onnx_file, Oracle(load_estimator(model), find_table(model, None), names))


def test_every_estimator_is_done_or_refused_on_purpose() -> None:
    done = {name_of_kind(kind) for kind in (*READERS, *ESTIMATORS, *TRANSFORMERS, *LAYOUTS, *ALLOWED)}
    assert set(KINDS) - done - WRAPPING - set(REFUSED) == set()
    assert set(REFUSED) - set(KINDS) == set()
    assert done & set(REFUSED) == set()


def test_every_estimator_that_is_done_has_a_second_setting() -> None:
    assert set(KINDS) - set(REFUSED) - set(SECOND) == set()
