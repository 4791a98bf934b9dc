"""Statistics in the card: what pandas says of the sample, and nothing where nothing is to be told."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from convert.__main__ import main
from convert.export import export
from convert.model_file.disk import read_card
from convert.oracle.examples import MOST_FEATURES
from convert.oracle.statistics import QUANTILES, statistics
from tests.conftest import TESTS, oracle_of
from tests.convert.oracle.test_examples import Picky, exported
from tests.convert.test_tables import ESTIMATORS, LABELS, TABLE, save

SCHEMA = json.loads((TESTS.parent / "docs" / "card.schema.json").read_text())


def told_of(data: bytes) -> dict[str, Any]:
    """Return the statistics in a model file's card, which is as its schema says."""
    card = read_card(data)
    jsonschema.validate(card, SCHEMA)
    assert len(card["statistics"]["features"]) == len(card["features"])
    return {"rows": card["statistics"]["rows"]} | dict(
        zip((each["name"] for each in card["features"]), card["statistics"]["features"], strict=True)
    )


def test_they_are_those_of_the_table(tmp_path: Path) -> None:
    model = save(ESTIMATORS[0].fit(TABLE, LABELS), tmp_path)
    first, second = (export(model, tmp_path / "churn.onnx", name="churn").data for _ in range(2))
    assert first == second
    told = told_of(first)
    assert told["rows"] == len(TABLE)
    assert told["customer"] == {}
    cities = TABLE["city"].value_counts().sort_index()
    assert told["city"] == {"counts": cities.tolist()}
    plans = TABLE["plan"].value_counts().sort_index()
    assert told["plan"] == {"counts": plans.tolist(), "missing": TABLE["plan"].isna().mean()}
    assert told["active"] == {"counts": [int((~TABLE["active"]).sum()), int(TABLE["active"].sum())]}
    income = TABLE["income"].dropna()
    parts = [0, *QUANTILES, 1]
    np.testing.assert_allclose(
        told["income"]["quantiles"], np.quantile(income, parts, method="inverted_cdf"), rtol=1e-8, atol=0
    )
    assert told["income"]["missing"] == TABLE["income"].isna().mean()
    assert told["age"] == {"quantiles": np.quantile(TABLE["age"], parts, method="inverted_cdf").tolist()}
    assert {type(number) for number in told["age"]["quantiles"]} == {int}


def test_of_many_categories_the_most_frequent_is_told(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": [f"c{number}" for number in range(150)] * 2 + ["c7"]})
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["a"]))
    estimator = make_pipeline(encoder, DecisionTreeClassifier(max_depth=3)).fit(table, [0, 1, 2] * 100 + [0])
    assert told_of(exported(estimator, table, tmp_path))["a"] == {"most": "c7"}


def test_values_that_are_refused_or_unknown_are_not_told_of(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": [1.0, 4.0] * 15, "b": ["x", "y", "x"] * 10})
    columns = ((OrdinalEncoder(), ["a"]), (OneHotEncoder(handle_unknown="ignore"), ["b"]))
    estimator = make_pipeline(make_column_transformer(*columns), DecisionTreeClassifier()).fit(table, [0, 1, 2] * 10)
    told = told_of(exported(estimator, table.assign(a=[1.0, 2.5, 4.0] * 10, b=["x", "z", "z"] * 10), tmp_path))
    assert told["a"] == {"quantiles": [1, 1, 1, 1, 4, 4, 4]}
    assert told["b"] == {"counts": [10, 0]}


def test_what_is_missing_everywhere_has_no_quantiles(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": np.arange(30.0), "b": [1.0, np.nan, 2.0] * 10})
    estimator = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2).fit(table, np.arange(30.0))
    assert told_of(exported(estimator, table.assign(b=np.nan), tmp_path))["b"] == {"missing": 1}


def test_a_regression_tells_the_range_of_its_answers() -> None:
    rows = np.arange(40.0).reshape(20, 2)
    linear = oracle_of(LinearRegression().fit(rows, 3 * rows[:, 0]), rows)
    assert statistics(linear, linear.accepts)["prediction"] == pytest.approx([0, 114], abs=1e-12)
    many = np.arange(30_001.0)[:, np.newaxis]
    tree = oracle_of(DecisionTreeRegressor(max_depth=1).fit(many[:10], many[:10, 0]), many)
    assert statistics(tree, tree.accepts)["rows"] == 30_001
    assert statistics(tree, tree.accepts)["prediction"] == [2, 7]


def test_a_regression_that_refuses_a_row_tells_no_range() -> None:
    rows = np.arange(20.0)[:, np.newaxis]
    linear = oracle_of(LinearRegression().fit(rows, rows[:, 0]), rows)
    oracle = oracle_of(Picky().fit(rows, None), rows)
    assert statistics(oracle, linear.accepts) == {
        "rows": 20,
        "features": [{"quantiles": [0, 0, 4, 9, 14, 18, 19]}],
    }


@pytest.mark.parametrize(("height", "width"), [(9, 2), (20, MOST_FEATURES + 1)])
def test_of_a_few_rows_or_many_features_nothing_is_told(height: int, width: int) -> None:
    rows = np.random.default_rng(0).normal(size=(height, width))
    oracle = oracle_of(LinearRegression().fit(rows, rows[:, 0]), rows)
    assert statistics(oracle, oracle.accepts) == {}


def test_they_are_left_out_on_demand(estimator_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    assert main(["export", str(estimator_file), "--out", str(out), "--name", "iris", "--no-statistics"]) == 0
    assert {"examples", "statistics"}.isdisjoint(read_card(out.read_bytes()))
