"""Numbers that the estimator was given as float32, in a table: rounded, told of and compared as it does it."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from convert.errors import ConvertError
from convert.model_file.disk import read_card
from convert.proof.verify import verify
from lambda_fn.errors import Problem, ServiceError
from tests.tables import COLUMNS, DECIMALS, ENCODERS, GENERATOR, SCHEMA, assert_served, fitted_on, sample_of, served

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_card_tells_what_a_number_is_rounded_to(tmp_path: Path) -> None:
    estimator, _ = fitted_on(COLUMNS["float32"], OneHotEncoder()) or pytest.fail("it fits")
    model = served(estimator, tmp_path)
    card = read_card((tmp_path / "model.onnx").read_bytes())
    jsonschema.validate(card, SCHEMA)
    assert [feature.get("dtype") for feature in card["features"]] == ["float32"]
    assert card["features"][0]["accepts"]["values"] == [float(np.float32(number)) for number in DECIMALS]
    with pytest.raises(ServiceError, match=r"row 1, column 0 \('a'\) is 0.15, the model takes 0.1000000") as raised:
        model.score(np.array([[0.1], [0.15]]))
    assert raised.value.problem is Problem.UNKNOWN_CATEGORY


def test_what_float32_does_not_hold_is_told_of_as_it_was_sent(tmp_path: Path) -> None:
    estimator, _ = fitted_on(COLUMNS["float32"], ENCODERS["one-hot, unknown ignored"]()) or pytest.fail("it fits")
    model = served(estimator, tmp_path)
    for number, problem in ((1e39, Problem.BEYOND_FLOAT32), (-np.inf, Problem.INFINITY)):
        told = re.escape(f"is {number}, the model takes numbers from")
        with pytest.raises(ServiceError, match=told) as raised:
            model.score(np.array([[number]]))
        assert raised.value.problem is problem


def grid(dtype: Any) -> tuple[pandas.DataFrame, NDArray[np.bool_]]:
    """Return numbers of two decimals, so many that thresholds are numbers of the table."""
    numbers = pandas.DataFrame({"a": GENERATOR.integers(0, 600, 900) / 100, "b": GENERATOR.normal(size=900).round(2)})
    return numbers.astype(dtype), (numbers["a"].to_numpy() * 7 % 3 > 1.5) ^ (GENERATOR.random(900) < 0.05)


IN_FLOAT32 = [
    (HistGradientBoostingClassifier(max_iter=8), "csv"),
    (make_pipeline(MinMaxScaler(), RandomForestClassifier(5, max_depth=5, random_state=0)), "csv"),
    (make_pipeline(StandardScaler(), RandomForestClassifier(5, max_depth=5, random_state=0)), "parquet"),
    (make_pipeline(SimpleImputer(), StandardScaler(), HistGradientBoostingClassifier(max_iter=8)), "csv"),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("estimator", "ending"), IN_FLOAT32, ids=range(len(IN_FLOAT32)))
def test_trees_that_were_grown_on_float32_are_asked_in_float32(
    estimator: Any, ending: str, dtype: str, tmp_path: Path
) -> None:
    table, labels = grid(dtype)
    model = served(estimator.fit(table, labels), tmp_path, sample_of(table, tmp_path, ending))
    assert {feature.dtype for feature in model.card.features} == {dtype}
    assert_served(estimator, table, model)


def test_what_is_computed_in_float32_is_told_of(tmp_path: Path) -> None:
    table, labels = grid("float32")
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, labels)
    sample = sample_of(table, tmp_path, "parquet")
    assert_served(estimator, table, served(estimator, tmp_path, sample), apart=1e-6)
    with (tmp_path / "output.txt").open("w") as file:
        assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(file=file, width=200))
    assert "the sample's columns make the estimator compute in float32" in (tmp_path / "output.txt").read_text()


def test_a_sample_of_other_types_is_told_of(tmp_path: Path) -> None:
    estimator, table = fitted_on(COLUMNS["float64"], ENCODERS["one-hot, unknown ignored"]()) or pytest.fail("it fits")
    sample = sample_of(table.astype("float32"), tmp_path, "parquet")
    served(estimator, tmp_path, sample)
    with pytest.raises(ConvertError, match=r"row \d+ of the sample as its file has it, float32, otherwise"):
        verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(quiet=True))
