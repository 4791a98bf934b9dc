"""Graphs for many rows: the same bits as the trees themselves, at thresholds and beyond, in batches of any size."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import onnxruntime
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
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, PowerTransformer, StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.export import export
from convert.graph.answers import SCORES
from convert.graph.ensembles.table import read_trees
from convert.graph.graph import Graph
from convert.graph.heads import Sum
from convert.graph.trees import Tree, TreeEnsemble
from convert.oracle.thresholds import tree_thresholds
from convert.proof.parity import BothGraphs, Candidate, compare_answers
from convert.proof.rows import row_sets
from convert.strategies.many_rows import write_each, write_many_rows
from convert.strategies.masks import cost, strategy
from convert.strategies.masks.axes import axes_of
from convert.strategies.masks.lanes import BYTES, lanes_of
from convert.strategies.masks.places import CELLS, MOST_CUTS, grid_of, write_intervals
from convert.strategies.masks.strategy import plan_of, write_plan
from convert.strategies.masks.votes import Votes, votes_of
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


def session_of(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


# Lanes


def tree_of(nodes: Sequence[tuple[int, float, int, int]], missing_left: Sequence[int] = ()) -> Tree:
    """Return a tree of (feature, threshold, left, right); leaves have -1 for a feature, and their number as value."""
    feature, threshold, left, right = (np.array(column) for column in zip(*nodes, strict=True))
    values = np.arange(len(nodes), dtype=np.float64)[:, np.newaxis]
    goes_left = np.isin(np.arange(len(nodes)), missing_left)
    return Tree(feature, threshold.astype(np.float64), left, right, goes_left, values)


LEAF = (-1, 0.0, -1, -1)
DRAWN = tree_of([(0, 2.0, 1, 4), (1, 5.0, 2, 3), LEAF, LEAF, (0, 7.0, 5, 6), LEAF, LEAF])
"""The tree that is drawn in convert/strategies/masks/__init__.py."""


def ensemble_of(*trees: Tree, float32: bool = False) -> TreeEnsemble:
    return TreeEnsemble(trees, 1, None, None, float32, Sum())


def test_the_lane_of_the_tree_that_is_drawn() -> None:
    axes = axes_of(ensemble_of(DRAWN), 2)
    assert [axis.cuts.tolist() for axis in axes] == [[2.0, 7.0], [5.0]]
    [lane] = lanes_of(ensemble_of(DRAWN), axes, 2)
    found = {}
    for a, b in product(range(3), range(2)):
        byte = int(lane.summands[0][a]) + int(lane.summands[1][b])
        found[a, b] = lane.leaves[byte]
    assert found == {(0, 0): 2, (0, 1): 3, (1, 0): 5, (1, 1): 5, (2, 0): 6, (2, 1): 6}
    assert sorted(lane.leaves) == list(range(6))


def walked(tree: Tree, row: Floats) -> int:
    node = 0
    while tree.left[node] != -1:
        value = row[tree.feature[node]]
        left = tree.missing_left[node] if np.isnan(value) else value <= tree.threshold[node]
        node = int(tree.left[node] if left else tree.right[node])
    return node


def random_tree(generator: np.random.Generator, leaves: int, features: int) -> Tree:
    """Return a tree grown at random, of few thresholds, so that some of its leaves are never reached."""
    nodes: list[list[Any]] = [list(LEAF)]
    open_leaves = [0]
    while len(open_leaves) < leaves:
        node = open_leaves.pop(int(generator.integers(len(open_leaves))))
        nodes[node] = [int(generator.integers(features)), float(generator.integers(-3, 4)), len(nodes), len(nodes) + 1]
        open_leaves += [len(nodes), len(nodes) + 1]
        nodes += [list(LEAF), list(LEAF)]
    missing = np.flatnonzero(generator.random(len(nodes)) < 0.5)
    return tree_of([tuple(node) for node in nodes], missing.tolist())


@pytest.mark.parametrize("seed", range(30))
def test_each_row_opens_one_leaf_in_one_lane_of_each_tree(seed: int) -> None:
    generator = np.random.default_rng(seed)
    features = int(generator.integers(1, 7))
    trees = [random_tree(generator, int(generator.integers(1, 60)), features) for _ in range(4)]
    if all((tree.left == -1).all() for tree in trees):
        trees.append(DRAWN)
    axes = axes_of(ensemble_of(*trees), features := max(features, 2))
    lanes = lanes_of(ensemble_of(*trees), axes, features)
    for _ in range(200):
        intervals = [int(generator.integers(axis.missing + 1)) for axis in axes]
        row = np.zeros(features)
        for axis, interval in zip(axes, intervals, strict=True):
            row[axis.feature] = axis.values[interval]
        opened: dict[int, list[int]] = {place: [] for place in range(len(trees))}
        for lane in lanes:
            byte = sum(int(summand[intervals[place]]) for place, summand in lane.summands.items())
            assert byte < BYTES
            opened[lane.tree] += [lane.leaves[byte]] if byte in lane.leaves else []
        assert opened == {place: [walked(tree, row)] for place, tree in enumerate(trees)}


def test_trees_that_are_too_large_are_refused() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(ConvertError, match="tree 0 has 300 leaves, which masks are slow for"):
        plan_of(ensemble_of(random_tree(generator, 300, 4)), 4)
    many = [random_tree(generator, 250, 40) for _ in range(20)]
    with pytest.raises(ConvertError, match="tree 8 has 250 leaves"):
        plan_of(ensemble_of(*many), 40)
    with pytest.raises(ConvertError, match="compare nothing"):
        plan_of(ensemble_of(tree_of([LEAF])), 2)
    with pytest.raises(ConvertError, match="it has 65 sums"):
        plan_of(TreeEnsemble((DRAWN,), 65, None, None, False, Sum()), 2)


# Intervals

TINY = float(np.finfo(np.float32).smallest_subnormal)
CUTS: dict[str, list[float]] = {
    "one": [0.5],
    "zero": [0.0],
    "neighbours": [1.0, float(np.nextafter(np.float32(1), np.float32(2))), 1.5],
    "crowded": [1 + 1e-6 * place for place in range(MOST_CUTS)] + [1000.0],
    "searched": [1 + 1e-6 * place for place in range(40)] + [1000.0],
    "tailed": np.random.default_rng(0).lognormal(0, 9, 60).tolist(),
    "ends": [float(np.finfo(np.float32).min), 0.0, float(np.finfo(np.float32).max)],
    "least": [-TINY, 0.0, TINY],
    "beyond float32": [-1e300, -1e39, 1.0, 1e39, 1e300],
    "infinite": [-np.inf, 0.25],
    "equal in float32": [1.0, 1.0 + 1e-12, 1.0 + 2e-12],
    "many": np.linspace(-3, 3, 700).tolist(),
}


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("names", [*([each] for each in CUTS), list(CUTS)], ids=[*CUTS, "all"])
def test_intervals_are_those_between_cuts(names: list[str], single: bool) -> None:
    trees = [tree_of([(place, cut, 1, 2), LEAF, LEAF]) for place, name in enumerate(names) for cut in CUTS[name]]
    axes = axes_of(ensemble_of(*trees, float32=single), len(names))
    graph = Graph(len(names))
    found = write_intervals(graph, graph.rows, axes, single=single, missing=True)
    session = session_of(graph.model("intervals", [found]))
    rows = np.stack([tried_at(CUTS[name]) for name in names], axis=1)
    [intervals] = session.run(None, {"X": rows})
    with np.errstate(over="ignore"):
        compared = rows.astype(np.float32).astype(np.float64) if single else rows
    for axis, row, column in zip(axes, intervals, compared.T, strict=True):
        expected = np.where(np.isnan(column), axis.missing, np.searchsorted(axis.cuts, column, side="left"))
        np.testing.assert_array_equal(row, expected)


def tried_at(cuts: Sequence[float]) -> Floats:
    """Return the cuts, their neighbours in both precisions, and numbers of all sizes: (n,)."""
    exact = np.array(cuts)
    with np.errstate(all="ignore"):
        single = exact.astype(np.float32)
        beside = [np.nextafter(exact, way) for way in (-np.inf, np.inf)]
        beside += [np.nextafter(single, np.float32(way)).astype(np.float64) for way in (-np.inf, np.inf)]
    ends = [-np.inf, np.inf, np.nan, 0.0, -0.0, 1e-320, -1e-320, 1e308, -1e308, 3.5e38, -3.5e38]
    found = np.concatenate([exact, *beside, ends, np.random.default_rng(0).normal(size=200)])
    return np.resize(found, 4000)


def test_what_crowds_is_searched_and_what_does_not_is_not() -> None:
    levels = {name: grid_of(np.unique(cuts)).levels for name, cuts in CUTS.items()}
    assert levels["crowded"] == MOST_CUTS
    assert levels["searched"] > MOST_CUTS
    assert levels["tailed"] > MOST_CUTS
    assert levels["many"] == 1
    assert grid_of(np.array(CUTS["many"])).cells.max() == CELLS - 1


# Sums


@pytest.mark.parametrize(("trees", "classes"), [(1, 2), (7, 2), (100, 2), (127, 4), (128, 4), (100, 8)])
def test_votes_are_counted_in_one_sum(trees: int, classes: int) -> None:
    votes = Votes(trees, classes)
    counts = np.random.default_rng(0).multinomial(trees, np.full(classes, 1 / classes), 50).astype(np.float64)
    counts = np.concatenate([counts, np.eye(classes) * trees])
    graph = Graph(classes)
    weights = graph.constant(votes.weights[:, np.newaxis])
    model = graph.model("votes", [votes.write_counts(graph, graph.node("MatMul", graph.rows, weights))])
    assert (counts @ votes.weights < 2 ** (24 if votes.dtype is np.float32 else 53)).all()
    [found] = session_of(model).run(None, {"X": counts})
    np.testing.assert_array_equal(found, counts)


def test_what_does_more_than_vote_is_not_counted() -> None:
    forest = RandomForestClassifier(5, max_depth=2, random_state=0).fit(ROWS, LABELS[2])
    assert votes_of(read_trees(forest)) is None
    many = RandomForestClassifier(70, random_state=0).fit(ROWS[:60], np.arange(60) % 9)
    assert votes_of(read_trees(many)) is None  # 8 classes of 7 bits each
    assert votes_of(read_trees(many.set_params(n_estimators=5).fit(ROWS[:60], np.arange(60) % 9))) is not None


def test_the_first_tree_starts_from_the_base_and_zero_is_no_minus_zero() -> None:
    tree = tree_of([(0, 0.0, 1, 2), LEAF, LEAF])
    tree.values[:] = -0.0
    for base, expected in ((None, 0.0), (np.array([0.1]), 0.1)):
        ensemble = TreeEnsemble((tree, tree), 1, base, None, False, Sum())
        graph = Graph(1)
        sums = write_plan(graph, graph.rows, plan_of(ensemble, 1), missing=False)
        [found] = session_of(graph.model("sums", [sums])).run(None, {"X": np.array([[-1.0], [1.0]])})
        assert found.tobytes() == np.full((2, 1), expected).tobytes()


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
