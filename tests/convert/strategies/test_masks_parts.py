"""What masks are made of: lanes of trees, intervals between cuts, votes in one sum."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.ensemble import (
    RandomForestClassifier,
)

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.graph.ensembles.table import read_trees
from convert.graph.graph import Graph
from convert.graph.heads import Sum
from convert.graph.trees import Tree, TreeEnsemble
from convert.strategies.masks.axes import axes_of
from convert.strategies.masks.lanes import BYTES, lanes_of
from convert.strategies.masks.places import CELLS, MOST_CUTS, grid_of, write_intervals
from convert.strategies.masks.strategy import plan_of, write_plan
from convert.strategies.masks.votes import Votes, votes_of

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = np.random.default_rng(14)
ROWS = GENERATOR.normal(size=(400, 5))
LABELS = (ROWS[:, 0] * ROWS[:, 1] + ROWS[:, 2] > 0).astype(int)


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
    forest = RandomForestClassifier(5, max_depth=2, random_state=0).fit(ROWS, LABELS)
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
