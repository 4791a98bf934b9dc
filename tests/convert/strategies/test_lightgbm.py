"""LightGBM: the same sums, with missing values, zeros and categories as it has them."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer, StandardScaler

from convert.errors import ConvertError
from convert.graph.answers import SCORES
from convert.graph.ensembles.table import read_trees
from convert.oracle.oracle import Oracle
from convert.oracle.sample import Table, read_table
from convert.strategies.table import write_graph
from tests.convert.strategies import boosted
from tests.convert.strategies.boosted import BINARY, NUMBERS, TABLE, TABLE_LABELS, THREE, VALUES, assert_same, oracle

pytestmark = pytest.mark.filterwarnings("ignore:.*categorical_feature:UserWarning")

EPSILON = 1e-15
UNSORTED = TABLE.assign(level=pandas.Categorical(TABLE["level"], categories=[3, 1, 2, 6, 5, 4]))
MIXED = TABLE.assign(level=pandas.Categorical(TABLE["level"].astype(object).replace(1, "one")))
ORDERED = TABLE.assign(size=pandas.Categorical(["small", "large"] * 200, categories=["small", "large"], ordered=True))


def classifier(**settings: Any) -> Any:
    return lightgbm.LGBMClassifier(
        **{"n_estimators": 20, "min_child_samples": 5, "verbose": -1, "n_jobs": 1, **settings}
    )


def regressor(**settings: Any) -> Any:
    return lightgbm.LGBMRegressor(
        **{"n_estimators": 20, "min_child_samples": 5, "verbose": -1, "n_jobs": 1, **settings}
    )


BY_SETS = {"categorical_feature": [0], "cat_smooth": 0.1, "max_cat_to_onehot": 1, "min_data_per_group": 1}
CLASSIFIERS = [
    (classifier(), BINARY),
    (classifier(), THREE),
    (classifier(objective="multiclassova", sigmoid=1.7), THREE),
    (classifier(is_unbalance=True, extra_trees=True, sigmoid=0.7), BINARY),
    (classifier(zero_as_missing=True), BINARY),
    (classifier(use_missing=False), BINARY),
    (classifier(**BY_SETS), THREE),
    (classifier(boosting_type="dart", drop_rate=0.5), BINARY),
    (classifier(n_estimators=1, num_leaves=2), BINARY),
    (classifier(min_child_samples=1000), BINARY),  # trees of one leaf
]
REGRESSORS = [
    (regressor(), 0.0),
    (regressor(reg_sqrt=True), EPSILON),
    (regressor(objective="poisson"), EPSILON),
    (regressor(objective="tweedie"), EPSILON),
    (regressor(objective="gamma", zero_as_missing=True), EPSILON),
    (regressor(objective="quantile", alpha=0.3), 0.0),
    (regressor(objective="l1", **BY_SETS), 0.0),
    (regressor(objective="huber", boosting_type="rf", bagging_freq=1, bagging_fraction=0.5), 0.0),
]


@pytest.mark.parametrize("strategy", ["float64 trees", "tabulated"])
@pytest.mark.parametrize(("estimator", "labels"), CLASSIFIERS, ids=lambda given: repr(given)[:120])
def test_classifiers(estimator: Any, labels: Any, strategy: str) -> None:
    rows = NUMBERS
    if strategy == "tabulated":
        estimator, rows = estimator.set_params(n_estimators=2, num_leaves=4), NUMBERS.round(0)
    asked = oracle(estimator.fit(rows, labels), rows)
    assert_same(asked, strategy, 0 if strategy == "tabulated" else EPSILON)
    if strategy != "tabulated":
        every = boosted.tried(asked)
        made = boosted.written(asked, strategy).run(every)
        expected = estimator.decision_function(every)
        np.testing.assert_array_equal(made[SCORES].reshape(expected.shape), expected)


@pytest.mark.parametrize(("estimator", "tolerance"), REGRESSORS, ids=lambda given: repr(given)[:120])
def test_regressors(estimator: Any, tolerance: float) -> None:
    assert_same(oracle(estimator.fit(NUMBERS, VALUES), NUMBERS), "float64 trees", tolerance)


def test_a_share_between_0_and_1() -> None:
    fitted = regressor(objective="cross_entropy").fit(NUMBERS, VALUES / VALUES.max())
    assert_same(oracle(fitted, NUMBERS), "float64 trees", EPSILON)


def test_a_random_forest_of_classes() -> None:
    fitted = classifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5).fit(NUMBERS, THREE)
    assert_same(oracle(fitted, NUMBERS), "float64 trees", EPSILON)


def test_the_best_iteration_is_the_last() -> None:
    stop = lightgbm.early_stopping(2, verbose=False)
    fitted = classifier(n_estimators=200, learning_rate=1.0)
    fitted.fit(NUMBERS[:200], BINARY[:200], eval_set=[(NUMBERS[200:], BINARY[200:])], callbacks=[stop])
    assert len(read_trees(fitted).trees) == fitted.best_iteration_ < 200
    assert_same(oracle(fitted, NUMBERS), "float64 trees", EPSILON)


@pytest.mark.parametrize("settings", [{}, BY_SETS | {"categorical_feature": "auto"}], ids=["default", "by sets"])
def test_pandas_categories(settings: dict[str, Any], tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "rows.parquet")
    asked = Oracle(classifier(**settings).fit(TABLE, TABLE_LABELS), read_table(tmp_path / "rows.parquet"))
    assert [feature.name for feature in asked.features] == list(TABLE)  # LightGBM writes underscores
    assert asked.features[0].categories == ("Bergen", "Bodø", "Oslo", "Ålesund")
    assert_same(asked, "float64 trees", EPSILON)


def test_behind_a_scaler_and_within_ensembles() -> None:
    whole = np.nan_to_num(NUMBERS)
    scaled = make_pipeline(SimpleImputer(), StandardScaler(), classifier()).fit(NUMBERS, BINARY)
    assert_same(oracle(scaled, NUMBERS), "float64 trees", EPSILON)
    voting = VotingClassifier([("a", classifier()), ("b", LogisticRegression())], voting="soft").fit(whole, BINARY)
    assert_same(oracle(voting, whole), "float64 operators", 1e-9)


@pytest.mark.parametrize(
    "curve", [FunctionTransformer(np.log1p), PowerTransformer(), QuantileTransformer(n_quantiles=50)], ids=repr
)
def test_behind_curves(curve: Any) -> None:
    rows = np.abs(NUMBERS)
    rows[:, 0] = np.nan_to_num(rows[:, 0])
    trees = classifier(**{**BY_SETS, "categorical_feature": [2]})  # the columns are 3, 1, 0 and 2
    curved = make_pipeline(ColumnTransformer([("curved", curve, [3, 1])], remainder="passthrough"), trees)
    assert_same(oracle(curved.fit(rows, BINARY), rows), "float64 trees", EPSILON)
    with pytest.raises(ConvertError, match="a curve is in front of trees that split its column by sets"):
        write_graph(oracle(make_pipeline(curve, classifier(**BY_SETS)).fit(rows, BINARY), rows), "m", "float64 trees")


def test_categories_within_a_calibration(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "rows.parquet")
    fitted = CalibratedClassifierCV(classifier(n_estimators=3), cv=2).fit(TABLE, TABLE_LABELS)
    asked = Oracle(fitted, read_table(tmp_path / "rows.parquet"))
    _, strategy, _ = write_graph(asked, "model")
    assert strategy.name == "float64 operators"
    rows = boosted.tried(asked, 300)
    np.testing.assert_allclose(
        boosted.written(asked, strategy.name).run(rows)["probabilities"],
        np.asarray(asked.predict_proba(rows)),
        atol=1e-12,
    )


@pytest.mark.parametrize("sample", [True, False])
def test_a_split_at_zero_does_not_tell_of_float32(sample: bool) -> None:
    rows = np.column_stack([BINARY, 1.7e9 + np.arange(len(BINARY))])
    fitted = classifier().fit(rows, (rows[:, 1] % 100 < 50) ^ (BINARY > 0))
    asked = Oracle(fitted, Table("rows", None, tuple(rows.T)) if sample else None)
    assert [feature.dtype for feature in asked.features] == ["float64", "float64"]
    made = boosted.written(asked, "float64 trees").run(rows)
    assert made["label"].tolist() == fitted.predict(rows).tolist()


def test_what_is_scaled_in_float32_is_told_of(tmp_path: Path) -> None:
    table = pandas.DataFrame(np.nan_to_num(NUMBERS).astype(np.float32), columns=list("abcd"))
    table.to_parquet(tmp_path / "rows.parquet")
    fitted = make_pipeline(StandardScaler(), classifier()).fit(table, BINARY)
    asked = Oracle(fitted, read_table(tmp_path / "rows.parquet"))
    assert {feature.dtype for feature in asked.features} == {"float32"}
    rows = boosted.tried(asked)
    np.testing.assert_array_equal(
        boosted.written(asked, "float64 trees").run(rows)[SCORES][:, 0], fitted.decision_function(asked.as_input(rows))
    )


def test_ordered_categories_where_it_can_be_told_which_they_are(tmp_path: Path) -> None:
    table = ORDERED[["size", "age", "city of birth"]]
    table.to_parquet(tmp_path / "rows.parquet")
    fitted = classifier().fit(table, (ORDERED["size"] == "large") ^ (BINARY > 0))
    assert_same(Oracle(fitted, read_table(tmp_path / "rows.parquet")), "float64 trees", EPSILON)


def test_only_the_training_table_tells_two_columns_apart() -> None:
    table = ORDERED[["size", "active"]].assign(size=ORDERED["size"].cat.as_unordered(), active=BINARY)
    fitted = classifier().fit(table, (ORDERED["size"] == "large") ^ (BINARY > 0))
    with pytest.raises(ConvertError, match="give its training table as --sample, in Parquet"):
        Oracle(fitted)


@pytest.mark.parametrize(
    ("fitted", "reason"),
    [
        (lambda: regressor(linear_tree=True).fit(np.nan_to_num(NUMBERS), VALUES), "linear_tree=False"),
        (lambda: classifier(objective=lambda y, p: (p - y, np.ones_like(p))).fit(NUMBERS, BINARY), "'custom'"),
        (lambda: classifier(pred_early_stop=True).fit(NUMBERS, BINARY), "pred_early_stop"),
        (lambda: classifier().fit(ORDERED.assign(other=ORDERED["size"]), BINARY), "does not tell which they are"),
        (lambda: classifier().fit(NUMBERS, np.zeros(len(NUMBERS))), "one class only"),
        (lambda: classifier().fit(UNSORTED, TABLE_LABELS), "'level' are numbers that are not sorted"),
        (lambda: classifier().fit(MIXED, TABLE_LABELS), "'level' are strings and numbers: make strings of them"),
    ],
    ids=["linear", "custom", "early stop", "ordered", "one class", "unsorted", "mixed"],
)
def test_what_is_not_written_is_refused_in_a_line(fitted: Any, reason: str) -> None:
    with pytest.raises(ConvertError, match=reason):
        write_graph(Oracle(fitted()), "model")
