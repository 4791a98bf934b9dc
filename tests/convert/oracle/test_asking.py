"""What is asked of many features at once, against what is asked of each by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from convert.oracle.accepts import ask_feature, quick_one
from convert.oracle.asking import ask
from tests.conftest import oracle_of

GENERATOR = np.random.default_rng(6)
ROWS = GENERATOR.normal(size=(60, 9)) * 10.0 ** np.arange(-4, 5)
LABELS = ROWS[:, 4] > 0
FOREST, LINEAR = RandomForestClassifier(3), LogisticRegression()
PARTS = [(StandardScaler(), [0, 1, 2]), (make_pipeline(SimpleImputer(), MinMaxScaler()), [3, 4, 5, 6])]
TEXTS = pandas.DataFrame(GENERATOR.integers(0, 4, (60, 5)).astype(str), columns=list("abcde"))

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value")


@pytest.mark.parametrize(
    ("estimator", "rows"),
    [
        *((each, ROWS) for each in (FOREST, LINEAR, HistGradientBoostingClassifier(max_iter=3))),
        *((make_pipeline(StandardScaler(), each), ROWS) for each in (FOREST, LINEAR)),
        (make_pipeline(make_column_transformer(*PARTS, remainder="passthrough"), LINEAR), ROWS),
        (make_pipeline(make_column_transformer(*PARTS), FOREST), ROWS),
        (make_pipeline(OneHotEncoder(handle_unknown="ignore"), LINEAR), TEXTS),
        (make_pipeline(OneHotEncoder(), FOREST), TEXTS),
        (LINEAR, pandas.DataFrame(np.tile(ROWS, 40)).rename(columns="x{}".format)),
    ],
    ids=range(10),
)
def test_many_features_are_told_what_each_is(estimator: Any, rows: Any) -> None:
    oracle = oracle_of(estimator.fit(rows, LABELS))
    quick = quick_one(oracle.estimator)
    found = ask(oracle)
    drawn = GENERATOR.permutation(oracle.width)[:9].tolist()
    assert {column: found[column] for column in drawn} == {
        column: ask_feature(oracle, quick, column) for column in drawn
    }
