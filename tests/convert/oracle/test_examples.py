"""Examples in the card: typical rows of the sample, as JSON has them, that card, estimator and service take."""

import json
import math
from pathlib import Path
from typing import Any

import joblib
import jsonschema
import numpy as np
import pandas
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from convert.export import export
from convert.model_file.card import accepts_of
from convert.model_file.disk import read_card
from convert.oracle import asking
from convert.oracle.accepts import Accepts
from convert.oracle.examples import MOST_FEATURES, examples
from lambda_fn.codecs.json_document import decode
from lambda_fn.model.model import Model
from tests.conftest import TESTS, oracle_of
from tests.convert.test_tables import ESTIMATORS, LABELS, TABLE, save

SCHEMA = json.loads((TESTS.parent / "docs" / "card.schema.json").read_text())


def exported(estimator: Any, table: pandas.DataFrame, folder: Path) -> bytes:
    """Return a model file; the sample is Parquet, which keeps types."""
    joblib.dump(estimator, folder / "model.joblib")
    table.to_parquet(folder / "rows.parquet")
    out = folder / "model.onnx"
    return export(folder / "model.joblib", out, name="model", sample=folder / "rows.parquet").data


def checked(data: bytes) -> list[list[Any]]:
    """Return the examples in a model file's card, once card and service have been seen to take them."""
    card = read_card(data)
    jsonschema.validate(card, SCHEMA)
    found: list[list[Any]] = card["examples"]
    model = Model(data)
    rows = decode({"data": found}, model.card)
    for column, accepts in enumerate(accepts_of(card).values()):
        for number in rows[:, column]:
            within = (
                -math.inf if accepts.low is None else accepts.low,
                math.inf if accepts.high is None else accepts.high,
            )
            assert accepts.nan if np.isnan(number) else within[0] <= number <= within[1]
            assert np.isnan(number) or not accepts.values or number in accepts.values
    scores = model.score(rows)
    numbers = scores.prediction if card["task"] == "regression" else scores.probabilities
    assert numbers is not None
    assert np.isfinite(numbers).all()
    return found


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=range(len(ESTIMATORS)))
def test_tables_have_typical_strings_booleans_and_numbers(estimator: Any, tmp_path: Path) -> None:
    model = save(estimator.fit(TABLE, LABELS), tmp_path)
    first, second = (export(model, tmp_path / "churn.onnx", name="churn").data for _ in range(2))
    assert first == second
    rows = {name: values for name, *values in zip(TABLE, *checked(first), strict=True)}
    assert rows["customer"] == [None] * 3
    cities = TABLE["city"].value_counts().index
    assert rows["city"] == [cities[0], cities[1], cities[1]]
    plans = TABLE["plan"].value_counts().index
    assert rows["plan"] in ([plans[0], plans[1], plans[1]], [None] * 3)
    income = TABLE["income"].dropna()
    assert rows["income"] == [np.quantile(income, part, method="inverted_cdf") for part in (0.5, 0.25, 0.75)]
    if estimator is not ESTIMATORS[2]:  # which drops it
        assert rows["active"] == [bool(TABLE["active"].mean() > 0.5), *[bool(TABLE["active"].mean() <= 0.5)] * 2]
    ages = rows["age"]
    assert all(age == round(age) for age in ages)
    assert ages[1] < ages[0] < ages[2]


def test_numbers_are_of_the_precision_that_the_estimator_knows(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": np.array([0.1, 0.2, 0.3] * 10, np.float32), "b": np.arange(30.0)})
    encoder = make_column_transformer((OneHotEncoder(), ["a"]), remainder="passthrough")
    data = exported(make_pipeline(encoder, DecisionTreeClassifier()).fit(table, [0, 1, 2] * 10), table, tmp_path)
    assert [feature.get("dtype") for feature in read_card(data)["features"]] == ["float32", None]
    assert [row[0] for row in checked(data)] == np.array([0.2, 0.1, 0.3], np.float32).astype(float).tolist()


def test_of_some_numbers_only_those_are_examples(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": [1.0, 4.0] * 15, "b": np.arange(30.0)})
    encoder = make_column_transformer((OrdinalEncoder(), ["a"]), remainder="passthrough")
    estimator = make_pipeline(encoder, DecisionTreeClassifier()).fit(table, [0, 1, 2] * 10)
    data = exported(estimator, table.assign(a=[1.0, 2.5, 4.0] * 10), tmp_path)  # rows like the training rows
    assert [row[0] for row in checked(data)] == [1.0, 1.0, 4.0]


def test_what_is_missing_everywhere_is_null_where_that_is_taken(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": np.arange(30.0), "b": [1.0, np.nan, 2.0] * 10})
    missing = table.assign(b=np.nan)
    estimator = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2).fit(table, np.arange(30) > 15)
    assert checked(exported(estimator, missing, tmp_path)) == [[14.0, None], [7.0, None], [22.0, None]]


def test_strings_that_are_unknown_are_no_examples(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": ["Oslo", "Paris", "Rome"] * 10})
    encoder = OneHotEncoder(categories=[["Oslo", "Paris"]], handle_unknown="ignore")
    estimator = make_pipeline(encoder, DecisionTreeClassifier()).fit(table, [0, 1, 2] * 10)
    assert checked(exported(estimator, table, tmp_path)) == [["Oslo"], ["Paris"]]
    assert checked(exported(estimator, table.assign(a="Rome"), tmp_path)) == [[None]]


def test_the_same_row_comes_once(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": [0.0] * 29 + [5.0], "b": [True] * 30})
    estimator = DecisionTreeRegressor().fit(table, table["a"])
    assert checked(exported(estimator, table, tmp_path)) == [[0.0, True]]


def test_without_a_sample_or_of_a_few_rows_there_are_none(tmp_path: Path) -> None:
    rows = np.arange(40.0).reshape(20, 2)
    estimator = LinearRegression().fit(rows, rows[:, 0])
    joblib.dump(estimator, tmp_path / "model.joblib")
    assert "examples" not in read_card(export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="m").data)
    oracle = oracle_of(estimator, rows[:9])
    assert examples(oracle, oracle.accepts) == []
    oracle = oracle_of(estimator, rows)
    assert examples(oracle, oracle.accepts) == [[18.0, 19.0], [8.0, 9.0], [28.0, 29.0]]
    assert examples(oracle, [Accepts(nan=False, low=100.0, high=200.0)] * 2) == []


class Picky(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Refuses the median, and answers NaN to the lower quartile."""

    def fit(self, rows: NDArray[np.float64], _: Any) -> "Picky":
        self.n_features_in_ = rows.shape[1]
        return self

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if (rows == 9.0).any():
            raise ValueError
        return np.where(rows[:, 0] == 4.0, np.nan, rows[:, 0])


def test_a_row_without_a_finite_answer_is_left_out() -> None:
    rows = np.arange(20.0)[:, np.newaxis]
    linear = oracle_of(LinearRegression().fit(rows, rows[:, 0]), rows)
    oracle = oracle_of(Picky().fit(rows, None), rows)
    assert examples(linear, linear.accepts) == [[9.0], [4.0], [14.0]]
    assert examples(oracle, linear.accepts) == [[14.0]]


@pytest.mark.parametrize("width", [MOST_FEATURES, MOST_FEATURES + 1])
def test_wide_samples(tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "REFUSED_CELLS", 10**6)  # a hundred of the features are asked one by one
    rows = np.random.default_rng(0).normal(size=(50, width)).round(2)
    table = pandas.DataFrame(rows, columns=[f"column {number}" for number in range(width)])
    scaled = make_pipeline(FunctionTransformer(), DecisionTreeClassifier(max_depth=3))
    data = exported(scaled.fit(table, rows[:, 0] > 0), table, tmp_path)
    if width > MOST_FEATURES:
        assert "examples" not in read_card(data)
    else:
        assert checked(data) == np.quantile(rows, [0.5, 0.25, 0.75], axis=0, method="inverted_cdf").tolist()
