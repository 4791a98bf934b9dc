"""XGBoost's classifiers and regressors: sums in float32, bit for bit, and labels as XGBoost gives them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer, StandardScaler

from convert.errors import ConvertError
from convert.graph.ensembles.table import read_trees
from convert.graph.graph import Graph
from convert.graph.heads import Sum
from convert.graph.sums import write_sums
from convert.oracle.oracle import Oracle
from convert.oracle.sample import read_table
from convert.proof.parity import Candidate
from convert.strategies.table import write_graph
from tests.convert.strategies import boosted
from tests.convert.strategies.boosted import BINARY, NUMBERS, TABLE, TABLE_LABELS, THREE, VALUES, assert_same, oracle

LAST_BIT = 1.2e-7
"""What exponentials in float32 may differ by."""


def classifier(**settings: Any) -> Any:
    return xgboost.XGBClassifier(**{"n_estimators": 20, "n_jobs": 1, **settings})


def regressor(**settings: Any) -> Any:
    return xgboost.XGBRegressor(**{"n_estimators": 20, "n_jobs": 1, **settings})


BY_SETS = {"enable_categorical": True, "feature_types": ["c", "q", "q", "q"], "max_cat_to_onehot": 1}
CLASSIFIERS = [
    (classifier(), BINARY),
    (classifier(), THREE),
    (classifier(base_score=0.1, max_depth=12), BINARY),
    (classifier(num_parallel_tree=3, subsample=0.5), THREE),
    (classifier(**BY_SETS), BINARY),
    (classifier(**{**BY_SETS, "max_cat_to_onehot": 100}), THREE),
    (classifier(rate_drop=0.5), BINARY),
    (classifier(missing=0.0), BINARY),
    (classifier(missing=5.0), BINARY),
    (classifier(grow_policy="lossguide", max_leaves=5), BINARY),
    (classifier(n_estimators=1, max_depth=1), BINARY),
]
REGRESSORS = [
    (regressor(), 0.0),
    (regressor(objective="count:poisson"), LAST_BIT),
    (regressor(objective="reg:gamma", **BY_SETS), LAST_BIT),
    (regressor(objective="reg:tweedie"), LAST_BIT),
    (regressor(objective="reg:quantileerror", quantile_alpha=0.3), 0.0),
    (regressor(objective="reg:absoluteerror"), 0.0),
    (regressor(objective="reg:pseudohubererror"), 0.0),
]


def rows_for(estimator: Any) -> Any:
    return NUMBERS if np.isnan(estimator.missing) else np.where(np.isnan(NUMBERS), estimator.missing, NUMBERS)


@pytest.mark.parametrize("strategy", ["float32 trees", "tabulated"])
@pytest.mark.parametrize(("estimator", "labels"), CLASSIFIERS, ids=lambda given: repr(given)[:120])
def test_classifiers(estimator: Any, labels: Any, strategy: str) -> None:
    rows = rows_for(estimator)
    if strategy == "tabulated":
        estimator, rows = estimator.set_params(n_estimators=2, max_depth=2), rows.round(0)
    asked = oracle(estimator.fit(rows, labels), rows)
    assert_same(asked, strategy, 0 if strategy == "tabulated" else LAST_BIT)


@pytest.mark.parametrize(("estimator", "tolerance"), REGRESSORS, ids=lambda given: repr(given)[:120])
def test_regressors(estimator: Any, tolerance: float) -> None:
    assert_same(oracle(estimator.fit(NUMBERS, VALUES), NUMBERS), "float32 trees", tolerance)


def test_a_share_between_0_and_1() -> None:
    fitted = regressor(objective="reg:logistic").fit(NUMBERS, VALUES / VALUES.max())
    assert_same(oracle(fitted, NUMBERS), "float32 trees", LAST_BIT)


@pytest.mark.parametrize(("estimator", "labels"), CLASSIFIERS, ids=lambda given: repr(given)[:120])
def test_sums_are_the_same_bits(estimator: Any, labels: Any) -> None:
    rows = rows_for(estimator)
    asked = oracle(estimator.fit(rows, labels), rows)
    every = boosted.tried(asked)
    ensemble, graph = read_trees(asked.last), Graph(asked.width)
    sums = write_sums(graph, graph.rows, asked.width, ensemble)
    made = boosted.run(graph, sums, every)
    expected = estimator.predict(every, output_margin=True)
    np.testing.assert_array_equal(made.reshape(expected.shape), expected)


def test_the_best_iteration_is_the_last() -> None:
    fitted = classifier(n_estimators=200, learning_rate=1.0, early_stopping_rounds=2)
    fitted.fit(NUMBERS[:200], BINARY[:200], eval_set=[(NUMBERS[200:], BINARY[200:])], verbose=False)
    assert len(read_trees(fitted).trees) == fitted.best_iteration + 1 < 200
    assert_same(oracle(fitted, NUMBERS), "float32 trees", LAST_BIT)


def test_pandas_categories(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "rows.parquet")
    fitted = classifier(enable_categorical=True, max_cat_to_onehot=1).fit(TABLE, TABLE_LABELS)
    asked = Oracle(fitted, read_table(tmp_path / "rows.parquet"))
    assert asked.features[0].categories == ("Bergen", "Bodø", "Oslo", "Ålesund")
    assert asked.accepts[0].values == (0.0, 1.0, 2.0, 3.0)  # XGBoost refuses others
    assert_same(asked, "float32 trees", LAST_BIT)


def test_behind_a_scaler_and_within_ensembles() -> None:
    whole = np.nan_to_num(NUMBERS)
    scaled = make_pipeline(SimpleImputer(), StandardScaler(), classifier()).fit(NUMBERS, BINARY)
    assert_same(oracle(scaled, NUMBERS), "float32 trees", LAST_BIT)
    for ensemble in (
        VotingClassifier([("a", classifier()), ("b", LogisticRegression())], voting="soft"),
        CalibratedClassifierCV(classifier(), cv=2),
    ):
        asked = oracle(ensemble.fit(whole, BINARY), whole)
        _, strategy, _ = write_graph(asked, "model")
        assert (strategy.name, strategy.tolerance) == ("float64 operators on float32", 1e-6)
        assert_same(asked, strategy.name, 1e-6)


@pytest.mark.parametrize(
    "curve", [FunctionTransformer(np.log1p), PowerTransformer(), QuantileTransformer(n_quantiles=50)], ids=repr
)
def test_behind_curves_cuts_are_numbered(curve: Any) -> None:
    rows = np.abs(NUMBERS)
    fitted = make_pipeline(ColumnTransformer([("curved", curve, [3, 1])], remainder="passthrough"), classifier())
    assert_same(oracle(fitted.fit(rows, BINARY), rows), "float32 trees", LAST_BIT)


def test_a_split_of_missing_values_from_all_numbers() -> None:
    labels = (np.isnan(NUMBERS[:, 0]) ^ (np.nan_to_num(NUMBERS[:, 1]) > 0)).astype(int)
    fitted = classifier(monotone_constraints=(1, 0, -1, 0), max_depth=4).fit(NUMBERS, labels)
    conditions = np.concatenate([tree.threshold for tree in read_trees(fitted).trees])
    rows = np.repeat(NUMBERS[:50], 3, axis=0)
    rows[::3, 0], rows[1::3, 2] = -np.inf, -1e300
    made = boosted.written(oracle(fitted, NUMBERS), "float32 trees").run(rows)
    assert made["label"].tolist() == fitted.predict(rows).tolist()
    np.testing.assert_allclose(made["probabilities"], fitted.predict_proba(rows), rtol=0, atol=LAST_BIT)
    assert not np.isneginf(conditions).any()


def test_isotonic_calibration_in_float32() -> None:
    calibrated = CalibratedClassifierCV(classifier(), method="isotonic", cv=2).fit(NUMBERS, BINARY)
    asked = oracle(calibrated, NUMBERS)
    graph, strategy, _ = write_graph(asked, "model")
    assert strategy.name == "float64 operators on float32"
    made = Candidate(graph, asked.rounded).run(NUMBERS)["probabilities"]
    np.testing.assert_allclose(made, calibrated.predict_proba(NUMBERS), rtol=0, atol=1e-6)


def test_a_power_that_is_undone_in_float32_is_refused() -> None:
    target = TransformedTargetRegressor(regressor(), transformer=PowerTransformer()).fit(NUMBERS, VALUES)
    with pytest.raises(ConvertError, match=r"loses digits: fit it with func=numpy\.log1p"):
        write_graph(oracle(target, NUMBERS), "model")


def test_sums_that_are_not_of_float32_stay_in_float64() -> None:
    assert read_trees(regressor().fit(NUMBERS, VALUES)).single
    assert isinstance(read_trees(regressor().fit(NUMBERS, VALUES)).head, Sum)


@pytest.mark.parametrize(
    ("fitted", "reason"),
    [
        (lambda: classifier(booster="gblinear").fit(np.nan_to_num(NUMBERS), BINARY), "booster='gbtree'"),
        (lambda: classifier(objective="binary:hinge").fit(NUMBERS, BINARY), "binary:logistic or multi:softprob"),
        (lambda: regressor().fit(NUMBERS, np.c_[VALUES, VALUES]), "several outputs"),
        (lambda: regressor(multi_strategy="multi_output_tree").fit(NUMBERS, np.c_[VALUES, VALUES]), "several outputs"),
    ],
    ids=["linear", "hinge", "outputs", "leaves of several outputs"],
)
def test_what_is_not_written_is_refused_in_a_line(fitted: Any, reason: str) -> None:
    with pytest.raises(ConvertError, match=reason):
        write_graph(Oracle(fitted()), "model")
