"""Gradient boosting that splits by sets of categories: the same sums, whatever a row's category is."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from convert.estimator.features import UNKNOWN
from convert.graph.answers import SCORES
from convert.graph.ensembles.categories import CategorySplits
from convert.graph.ensembles.table import read_trees
from convert.oracle.oracle import Oracle
from convert.oracle.sample import Table, read_table
from convert.oracle.thresholds import tree_thresholds
from convert.proof.parity import Candidate
from convert.proof.rows import accepted_rows, row_sets
from convert.strategies.table import STRATEGIES, write_graph

pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in reduce")  # scikit-learn, at the limits

GENERATOR = np.random.default_rng(4)
COUNT = 300
CLASSES = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
NUMBERS = np.column_stack(
    [
        GENERATOR.choice([0.0, 1.0, 2.0, 7.0, 11.0], COUNT),
        GENERATOR.normal(size=COUNT).round(1),
        GENERATOR.choice([1.5, 2.5, -3.25, 1e6, np.nan], COUNT),
        GENERATOR.choice([0.0, 1.0, np.nan], COUNT),
    ]
)
TABLE = pandas.DataFrame(
    {
        "city": pandas.Categorical(GENERATOR.choice(["Oslo", "Bergen", "Bodø", "Ålesund", None], COUNT)),
        "age": np.where(GENERATOR.random(COUNT) < 0.1, np.nan, GENERATOR.integers(18, 80, COUNT)),
        "level": pandas.Categorical(GENERATOR.integers(1, 7, COUNT)),
        "plan": GENERATOR.choice(["basic", "gold", "pro"], COUNT),
        "active": GENERATOR.random(COUNT) < 0.5,
    }
)
CODES = TABLE["city"].cat.codes.to_numpy()
TARGETS = (CODES % 2) + (TABLE["age"] > 40) + (NUMBERS[:, 0] % 2) + GENERATOR.random(COUNT)
LABELS = np.array(["high", "low", "none"])[np.digitize(TARGETS, [1.4, 2.4])]
WIDE = np.column_stack([GENERATOR.permutation(np.arange(COUNT) % 200), GENERATOR.normal(size=COUNT)]).astype(float)

ARRAYS: list[Any] = [
    HistGradientBoostingClassifier(categorical_features=[0, 2], max_iter=10),
    HistGradientBoostingClassifier(categorical_features=[True, False, True, True], max_iter=10),
    HistGradientBoostingRegressor(categorical_features=[3], max_iter=20),
    HistGradientBoostingRegressor(categorical_features=[0, 1, 2, 3], max_iter=10, loss="poisson"),
    HistGradientBoostingRegressor(categorical_features=[0], max_iter=10, loss="quantile", quantile=0.4),
]
COLUMNS = ["city", "age", "level", "active"]
TABLES: list[tuple[Any, list[str]]] = [
    (HistGradientBoostingClassifier(max_iter=10), COLUMNS),
    (HistGradientBoostingClassifier(max_iter=10, categorical_features=["plan", "city", "level", "active"]), [*TABLE]),
    (
        make_pipeline(
            make_column_transformer(
                (SimpleImputer(), ["age"]), remainder="passthrough", verbose_feature_names_out=False
            ).set_output(transform="pandas"),
            HistGradientBoostingClassifier(max_iter=10),
        ),
        COLUMNS,
    ),
    (
        make_pipeline(
            make_column_transformer(
                (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["city", "plan"]),
                remainder="passthrough",
            ),
            HistGradientBoostingClassifier(max_iter=10, categorical_features=[0, 1]),
        ),
        [*TABLE],
    ),
]
MEMBER = HistGradientBoostingClassifier(max_iter=3, categorical_features=[0, 2])
ENSEMBLES: list[Any] = [
    BaggingClassifier(HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]), 3, random_state=0),
    CalibratedClassifierCV(MEMBER, cv=2),
    StackingClassifier([("a", MEMBER), ("b", HistGradientBoostingClassifier(max_iter=3))], LogisticRegression(), cv=2),
    VotingClassifier([("a", MEMBER), ("b", HistGradientBoostingClassifier(max_iter=3))], voting="soft"),
]


def targets(estimator: Any) -> NDArray[Any]:
    return LABELS if is_classifier(estimator) else np.asarray(TARGETS)


def assert_same(oracle: Oracle, strategy: str) -> None:
    """Compare the estimator with what `strategy` writes of it, on what `verify` tries and on each unknown category."""
    candidate = Candidate(STRATEGIES[strategy].write_graph(oracle, "model"), oracle.rounded)
    sets = dict(row_sets(oracle, oracle.accepts, tree_thresholds(oracle)))
    odd = sets["random rows (seed 0)"][:700].copy()
    values = [UNKNOWN, np.nan, 0.5, 1.99, -0.5, 3.0, 4.0, 255.0, 256.0, 300.0, 1e18, -np.inf, np.inf, -0.0]
    odd[np.arange(700), np.arange(700) % odd.shape[1]] = np.resize(values, 700)
    rows = np.concatenate([*(part[:5000] for part in sets.values()), odd[accepted_rows(odd, oracle.accepts)]])
    made = candidate.run(rows)
    if oracle.task == "regression":
        expected, exact = oracle.predict(rows), getattr(oracle.last, "loss", "") != "poisson"
        np.testing.assert_allclose(made["value"][:, 0], expected, rtol=0 if exact or strategy == "tabulated" else 1e-15)
        return
    assert made["label"].tolist() == oracle.predict(rows).tolist()
    np.testing.assert_allclose(made["probabilities"], np.asarray(oracle.predict_proba(rows)), rtol=0, atol=1e-15)
    if strategy == "float64 trees":
        np.testing.assert_array_equal(made[SCORES], oracle.decision_function(rows))


@pytest.mark.parametrize("strategy", ["float64 trees", "tabulated"])
@pytest.mark.parametrize("estimator", ARRAYS, ids=repr)
def test_categories_of_numbers(estimator: Any, strategy: str) -> None:
    fitted = estimator.set_params(max_iter=2 if strategy == "tabulated" else 10, max_leaf_nodes=6)
    assert_same(Oracle(fitted.fit(NUMBERS, targets(estimator)), Table("rows", None, tuple(NUMBERS.T))), strategy)


@pytest.mark.parametrize(("estimator", "columns"), TABLES, ids=["dtype", "names", "behind pandas", "behind an encoder"])
def test_categories_of_a_table(estimator: Any, columns: list[str], tmp_path: Path) -> None:
    TABLE[columns].to_parquet(tmp_path / "rows.parquet")
    fitted = estimator.fit(TABLE[columns], LABELS)
    assert_same(Oracle(fitted, read_table(tmp_path / "rows.parquet")), "float64 trees")


def test_an_array_of_float32_with_200_categories() -> None:
    single = WIDE.astype(np.float32)
    fitted = HistGradientBoostingRegressor(categorical_features=[0], min_samples_leaf=1).fit(single, WIDE[:, 0] % 7)
    assert_same(Oracle(fitted, Table("rows", None, tuple(single.T))), "float64 trees")


@pytest.mark.parametrize("estimator", ENSEMBLES, ids=lambda estimator: type(estimator).__name__)
def test_categories_within_ensembles(estimator: Any) -> None:
    oracle = Oracle(estimator.fit(NUMBERS, LABELS), Table("rows", None, tuple(NUMBERS.T)))
    graph, strategy, _ = write_graph(oracle, "model")
    assert strategy.name == "float64 operators"
    rows = np.column_stack([GENERATOR.permutation(np.append(column, [4.0, -1.0, 1.5])) for column in NUMBERS.T])
    made = Candidate(graph, oracle.rounded).run(rows)
    assert made["label"].tolist() == oracle.predict(rows).tolist()
    np.testing.assert_allclose(made["probabilities"], np.asarray(oracle.predict_proba(rows)), rtol=0, atol=1e-12)


def test_without_categories_nothing_is_looked_up() -> None:
    fitted = HistGradientBoostingRegressor(max_iter=2).fit(NUMBERS, TARGETS)
    assert read_trees(fitted).sides == ()


def test_splits_of_different_lengths_are_one_table() -> None:
    splits = CategorySplits(1)
    splits.column(0, np.array([True, False, True]))  # of one category: it, other numbers, and NaN
    splits.column(0, np.array([False, True, True, True, False, False, True]))
    [sides] = splits.placed(read_trees(HistGradientBoostingRegressor(max_iter=1).fit(WIDE[:, 1:], WIDE[:, 0]))).sides
    assert sides.goes_right.T.tolist() == [
        [True, False, False, False, False, True],
        [False, True, True, True, False, True],
    ]
    np.testing.assert_array_equal(sides.cuts(), [-5e-324, *np.nextafter([1.0, 4.0], -1)])
