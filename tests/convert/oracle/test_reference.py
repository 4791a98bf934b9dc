"""The bins in the card: those of pandas, written as the schema says, and nothing where nothing is to be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from convert.export import export
from convert.model_file.disk import read_card
from convert.oracle.reference import of_categories, of_numbers
from tests.conftest import TESTS
from tests.convert.oracle.test_examples import exported
from tests.lambda_fn.mixed import mixed

SCHEMA = json.loads((TESTS.parent / "docs" / "card.schema.json").read_text())


def told_of(data: bytes) -> tuple[dict[str, Any], Any]:
    """Return the bins of each feature and of the answers, which are as the schema says."""
    card = read_card(data)
    jsonschema.validate(card, SCHEMA)
    members = SCHEMA["properties"]["reference"]["properties"]
    read = {name: json.loads(text) for name, text in card["reference"].items()}
    for name, value in read.items():
        jsonschema.validate(value, {**members[name]["contentSchema"], "$defs": SCHEMA["$defs"]})
    names = (feature["name"] for feature in card["features"])
    return dict(zip(names, read["features"], strict=True)), read["prediction"]


def test_they_are_deciles_of_the_table(tmp_path: Path) -> None:
    file, table, estimator = mixed(tmp_path)
    features, prediction = told_of(file.read_bytes())
    assert (features.pop("city"), features.pop("member")) == (None, None)
    ages = table["age, in years"].dropna()
    [[edges, counts]] = features.values()
    assert edges == np.quantile(ages, np.arange(1, 10) / 10, method="inverted_cdf").tolist()
    assert counts == pd.cut(ages, [-np.inf, *edges, np.inf]).value_counts(sort=False).tolist()
    answers = pd.Series(estimator.predict(table)).value_counts()
    assert prediction == answers[["leaves", "stays"]].tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0] * 12, [[], [12]]),
        ([0.0] * 5 + [1.0] * 95, [[0], [5, 95]]),
        ([0.0] * 95 + [1.0] * 5, [[0], [95, 5]]),
        ([*range(20), *[50] * 80], [[9, 19], [10, 10, 80]]),
        ([-0.0, 0.0, 1 / 3] * 4, [[0], [8, 4]]),
        ([1 / 3] * 2 + [2 / 3] * 3 + [4 / 3] * 5, [[0.5, 1], [2, 3, 5]]),
        (
            [*np.array([0.1, 0.7, 0.9], np.float32).tolist(), 1.0] * 2,
            [[0.399999995, 0.799999982, 0.949999988], [2, 2, 2, 2]],
        ),
    ],
)
def test_values_that_come_often_have_bins_of_their_own(values: list[float], expected: list[Any]) -> None:
    assert of_numbers(np.array(values, float)) == expected


def test_of_many_categories_the_most_frequent_are_counted(tmp_path: Path) -> None:
    names = [f"c{number:03}" for number in range(150)]
    table = pd.DataFrame({"a": [*names * 3, *names[:30] * 20, *names[:5] * 40]})
    encoder = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["a"]))
    fitted = make_pipeline(encoder, DecisionTreeClassifier(max_depth=3)).fit(table, np.arange(len(table)) % 3)
    numbers, counts = told_of(exported(fitted, table, tmp_path))[0]["a"]
    assert (len(numbers), counts[:5], counts[5:20]) == (20, [63] * 5, [23] * 15)
    assert set(numbers[:5]) == {0, 1, 2, 3, 4}
    assert sum(counts) == len(table)
    assert of_categories(np.array([7.0] * 9 + [8.0] * 10)) == [[8], [10, 9]]  # of 9 people nothing is told


def test_answers_of_a_regression_have_deciles(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": np.arange(100.0)})
    fitted = DecisionTreeRegressor().fit(table, np.arange(100.0) ** 2)
    edges, counts = told_of(exported(fitted, table, tmp_path))[1]
    assert (edges, counts) == ([9**2, 19**2, 29**2, 39**2, 49**2, 59**2, 69**2, 79**2, 89**2], [10] * 10)


def test_without_statistics_there_are_none(model_file: Path, estimator_file: Path, tmp_path: Path) -> None:
    assert "reference" in read_card(model_file.read_bytes())
    assert "reference" not in read_card(export(estimator_file, tmp_path / "iris.onnx", name="iris", tell=False).data)
