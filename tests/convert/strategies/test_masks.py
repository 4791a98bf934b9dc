"""Graphs for many rows: the same bits as the trees themselves, at thresholds and beyond, in batches of any size."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import is_classifier
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    StandardScaler,
)
from xgboost import XGBClassifier, XGBRegressor

from convert.export import export
from convert.graph.answers import SCORES
from convert.graph.ensembles.table import read_trees
from convert.oracle.thresholds import tree_thresholds
from convert.proof.parity import BothGraphs, Candidate, compare_answers
from convert.proof.rows import row_sets
from convert.strategies.many_rows import write_each, write_many_rows
from convert.strategies.masks import cost, strategy
from convert.strategies.masks.strategy import plan_of
from convert.strategies.table import write_graph
from tests.conftest import oracle_of

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = np.random.default_rng(14)
ROWS = GENERATOR.normal(size=(400, 5))
ROWS[:, 3] = np.round(ROWS[:, 3] * 2)
ROWS[:, 4] = GENERATOR.lognormal(0, 4, len(ROWS))  # whose thresholds crowd in one cell of a grid
SCORE = ROWS[:, 0] * ROWS[:, 1] + ROWS[:, 2] - np.log(ROWS[:, 4]) / 2 + GENERATOR.normal(size=len(ROWS))
HOLES = np.where(GENERATOR.random(ROWS.shape) < 0.15, np.nan, ROWS)
CATEGORIES = np.column_stack([GENERATOR.integers(0, 12, (len(ROWS), 2)), HOLES[:, :2]])
LABELS = {classes: np.digitize(SCORE, np.quantile(SCORE, np.arange(1, classes) / classes)) for classes in (2, 3, 7)}

ENSEMBLES: dict[str, tuple[Any, Any, Any]] = {
    "boosting": (GradientBoostingClassifier(n_estimators=30), ROWS, LABELS[2]),
    "boosting of classes": (GradientBoostingClassifier(n_estimators=12), ROWS, LABELS[7]),
    "boosting from zero": (
        GradientBoostingClassifier(n_estimators=9, init="zero", loss="exponential"),
        ROWS,
        LABELS[2],
    ),
    "deep boosting": (GradientBoostingRegressor(n_estimators=12, max_depth=7, loss="huber"), ROWS, SCORE),
    "leaves": (GradientBoostingRegressor(n_estimators=30, max_leaf_nodes=20, max_depth=None), ROWS, SCORE),
    "stumps": (GradientBoostingRegressor(n_estimators=40, max_depth=1), ROWS, SCORE),
    "histograms": (HistGradientBoostingClassifier(max_iter=20), HOLES, LABELS[3]),
    "poisson": (HistGradientBoostingRegressor(max_iter=20, loss="poisson"), HOLES, np.exp(SCORE / 9)),
    "infinities": (
        HistGradientBoostingRegressor(max_iter=10, min_samples_leaf=3),
        np.where(ROWS > 1.5, np.inf, np.where(ROWS < -1.5, -np.inf, ROWS)),
        SCORE,
    ),
    "categories": (
        HistGradientBoostingClassifier(max_iter=15, categorical_features=[0, 1]),
        CATEGORIES,
        LABELS[2],
    ),
    "forest": (RandomForestClassifier(15, max_depth=5), ROWS, LABELS[3]),
    "forest with holes": (RandomForestClassifier(12, max_depth=4), HOLES, LABELS[2]),
    "forest of values": (RandomForestRegressor(12, max_depth=6), HOLES, SCORE),
    "votes": (RandomForestClassifier(20), ROWS, LABELS[2]),
    "votes for classes": (ExtraTreesClassifier(20), ROWS, LABELS[7]),
    "votes of many trees": (RandomForestClassifier(40, max_leaf_nodes=None), ROWS[:60], LABELS[7][:60]),
    "random trees": (ExtraTreesRegressor(12, max_depth=5), ROWS, SCORE),
    "AdaBoost": (AdaBoostClassifier(n_estimators=20), ROWS, LABELS[2]),
    "AdaBoost of classes": (AdaBoostClassifier(n_estimators=20), ROWS, LABELS[3]),
    "median": (AdaBoostRegressor(n_estimators=12), ROWS, SCORE),
    "isolation": (IsolationForest(n_estimators=15, max_samples=32), ROWS, None),
    "LightGBM": (LGBMClassifier(n_estimators=15, verbose=-1, n_jobs=1), HOLES, LABELS[3]),
    "LightGBM, zeros missing": (
        LGBMRegressor(n_estimators=15, zero_as_missing=True, verbose=-1, n_jobs=1),
        np.where(HOLES > 1, 0, HOLES),
        SCORE,
    ),
    "LightGBM, forest": (
        LGBMRegressor(n_estimators=15, boosting_type="rf", bagging_fraction=0.5, bagging_freq=1, verbose=-1, n_jobs=1),
        ROWS,
        SCORE,
    ),
    "XGBoost": (XGBClassifier(n_estimators=15, n_jobs=1), HOLES, LABELS[3]),
    "XGBoost, a number missing": (XGBRegressor(n_estimators=15, missing=1.0, n_jobs=1), ROWS, SCORE),
    "scaled": (make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=20)), ROWS, LABELS[2]),
    "curved": (make_pipeline(PowerTransformer(), GradientBoostingRegressor(n_estimators=20)), ROWS[:, :3], SCORE),
    "no number of a curve, imputed": (
        make_pipeline(FunctionTransformer(np.log), SimpleImputer(), GradientBoostingRegressor(n_estimators=20)),
        ROWS[:, :3],
        SCORE,
    ),
    "imputed": (
        make_pipeline(SimpleImputer(add_indicator=True), MinMaxScaler(), RandomForestRegressor(9, max_depth=4)),
        HOLES,
        SCORE,
    ),
    "encoded": (
        make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), [0]),
                (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), [1]),
                remainder="passthrough",
                sparse_threshold=0,
            ),
            HistGradientBoostingRegressor(max_iter=12),
        ),
        CATEGORIES,
        SCORE,
    ),
}


NOT_BY_MASKS = {"votes for classes"}
"""What has too large trees."""
SETS = 3000
"""How many rows of each set of `verify`'s are tried here, and as many from its end."""


@pytest.mark.parametrize("name", ENSEMBLES)
def test_the_graphs_for_many_rows_answer_the_same_bits(name: str) -> None:
    estimator, rows, target = ENSEMBLES[name]
    estimator.set_params(**{each: 0 for each in estimator.get_params() if each.endswith("random_state")})
    oracle = oracle_of(estimator.fit(rows, target))
    graph, chosen, _ = write_graph(oracle, "model", "float32 trees" if "XGBoost" in name else "float64 trees")
    written = {way.name: many for way, many in write_each(oracle, "model")}
    assert (strategy.NAME in written) is (name not in NOT_BY_MASKS)
    assert (strategy.NAME_OF_VOTES in written) is ("votes" in name)
    own = Candidate(graph, oracle.rounded)
    every = [(source, each) for source, each in row_sets(oracle, oracle.accepts, tree_thresholds(oracle), SETS)]
    sets = [(source, np.concatenate([each[:SETS], each[SETS:][-SETS:]])) for source, each in every]
    for many in written.values():
        both = BothGraphs(own, Candidate(many, oracle.rounded, cost.BATCH_ROWS))
        for compared in compare_answers(oracle, both, sets):
            assert compared.graphs_differ is not None
            assert not compared.failed(chosen.tolerance).any(), compared.source
        rows = sets[0][1][:99]
        for batch in (2, 3, 37):
            expected, found = own.run(rows), Candidate(many, oracle.rounded, batch).run(rows)
            for output in {"label", SCORES} & expected.keys():  # exponentials have other bits at the end of a batch
                np.testing.assert_array_equal(expected[output], found[output])


# What is chosen


def wide(trees: int, rows: int = 300) -> Any:
    """Return boosting on 60 features, most of which few trees compare."""
    made = np.random.default_rng(0).normal(size=(rows, 60))
    return GradientBoostingRegressor(n_estimators=trees, random_state=0).fit(made, made[:, :20].sum(axis=1))


def test_tables_of_features_that_few_lanes_are_told_apart_by_have_those_only() -> None:
    plan = plan_of(read_trees(wide(150)), 60)
    told = [sum(place in lane.summands for lane in plan.lanes) for place in range(len(plan.axes))]
    assert plan.layout.rare
    assert all(told[place] < len(plan.lanes) / 4 for place in plan.layout.rare)
    narrow = plan_of(read_trees(GradientBoostingRegressor(random_state=0).fit(ROWS[:, :3], SCORE)), 3)
    assert narrow.layout.rare == []
    few = plan_of(read_trees(GradientBoostingRegressor(n_estimators=5, random_state=0).fit(ROWS[:, :3], SCORE)), 3)
    assert len(few.layout.shared) < len(few.axes)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (GradientBoostingClassifier(random_state=0), strategy.NAME),
        (RandomForestRegressor(60, max_depth=4, random_state=0), strategy.NAME),
        (ExtraTreesClassifier(60, random_state=0), strategy.NAME_OF_VOTES),
        (RandomForestClassifier(2, max_depth=2, random_state=0), None),
        (RandomForestRegressor(20, random_state=0), None),
    ],
    ids=["small trees", "forest of small trees", "large trees that vote", "few trees", "large trees"],
)
def test_the_faster_graph_is_chosen_without_a_clock(estimator: Any, expected: str | None, tmp_path: Path) -> None:
    oracle = oracle_of(estimator.fit(ROWS, LABELS[3] if is_classifier(estimator) else SCORE))
    found, again = write_many_rows(oracle, "model"), write_many_rows(oracle, "model")
    assert (found.strategy if found else None) == expected
    if found is None or again is None:
        return
    assert found.graph.SerializeToString(deterministic=True) == again.graph.SerializeToString(deterministic=True)
    assert (found.from_rows, found.batch_rows) == (again.from_rows, cost.BATCH_ROWS)
    assert 2 <= found.from_rows < 200


def test_a_companion_is_written_for_trees_and_only_for_them(tmp_path: Path) -> None:
    boosting = GradientBoostingClassifier(random_state=0).fit(ROWS, LABELS[2])
    for name, estimator, expected in (
        ("trees", boosting, True),
        ("tabulated", GradientBoostingClassifier(random_state=0).fit(ROWS[:, 3:4], LABELS[2]), False),
        ("voting", VotingClassifier([("a", boosting)]).fit(ROWS, LABELS[2]), False),
    ):
        joblib.dump(estimator, tmp_path / f"{name}.joblib")
        exported = export(tmp_path / f"{name}.joblib", tmp_path / f"{name}.onnx", name=name)
        assert bool(exported.companions) is expected
        assert len(list(tmp_path.glob(f"{name}.onnx.*"))) == expected
