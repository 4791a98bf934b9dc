"""Columns of a table that the estimator drops: they need not be sent, and may be."""

from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas
import pytest
from rich.console import Console
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from convert.model_file.disk import read_card
from convert.proof.verify import verify
from tests.tables import GENERATOR, SCHEMA, N, bodies, column, sample_of, served

pytestmark = pytest.mark.filterwarnings("ignore")

DROPPED = pandas.DataFrame(
    {
        "id": np.arange(N),
        "when": pandas.date_range("2020-01-01", periods=N),
        "note": [f"text {number}, more" for number in range(N)],
        "tags": [[1, 2]] * N,
        "city": column(["Oslo", "Paris"], "str"),
        "age": GENERATOR.integers(18, 80, N),
    }
)


@pytest.mark.parametrize("ending", ["csv", "parquet", "csv without them"])
def test_what_is_dropped_need_not_be_sent(ending: str, tmp_path: Path) -> None:
    columns = make_column_transformer((OneHotEncoder(), ["city"]), ("drop", ["id"]), (StandardScaler(), ["age"]))
    estimator = make_pipeline(columns, DecisionTreeClassifier()).fit(DROPPED, DROPPED["age"] > 40)
    kept = DROPPED[["age", "city"]]
    sample = sample_of(kept if ending.endswith("them") else DROPPED, tmp_path, ending.split()[0])
    model = served(estimator, tmp_path, sample)
    assert [feature.name for feature in model.card.features if feature.dropped] == ["id", "when", "note", "tags"]
    assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(quiet=True))
    card = read_card((tmp_path / "model.onnx").read_bytes())
    jsonschema.validate(card, SCHEMA)
    assert card["features"][2] == {
        "name": "note",
        "type": "float",
        "dropped": True,
        "accepts": {"nan": True, "low": None, "high": None},
    }
    expected = estimator.predict(DROPPED).tolist()
    for table in (kept, DROPPED):
        for dialect, decode in bodies(table):
            assert model.score(decode(model.card)).prediction.tolist() == expected, dialect


def test_a_column_that_something_looks_at_is_not_dropped(tmp_path: Path) -> None:
    table = DROPPED[["city", "age", "id"]]
    columns = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    model = served(make_pipeline(columns, DecisionTreeClassifier()).fit(table, table["age"] > 40), tmp_path)
    assert not any(feature.dropped for feature in model.card.features)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: FixedThresholdClassifier(one, threshold=0.5),
        lambda one: VotingClassifier([("a", one)], voting="soft"),
        lambda one: CalibratedClassifierCV(one, cv=2),
    ],
)
def test_what_all_members_drop_is_dropped(wrap: Any, tmp_path: Path) -> None:
    table = DROPPED[["id", "note", "city", "age"]]
    columns = make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["age"]))
    estimator = wrap(make_pipeline(columns, DecisionTreeClassifier(max_depth=2))).fit(table, table["age"] > 40)
    model = served(estimator, tmp_path)
    assert [feature.name for feature in model.card.features if feature.dropped] == ["id", "note"]
    sample = sample_of(table, tmp_path, "parquet")
    assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(quiet=True))
    for dialect, decode in bodies(table[["age", "city"]]):
        assert model.score(decode(model.card)).prediction.tolist() == estimator.predict(table).tolist(), dialect
