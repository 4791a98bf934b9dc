"""Estimators made of trees against their model files: labels and sums bit for bit, at thresholds and beyond."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyClassifier
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
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from convert.errors import ConvertError
from convert.graph.answers import SCORES
from convert.graph.ensembles.table import READERS
from convert.graph.graph import Graph
from convert.graph.heads import Sum
from convert.graph.sums import write_sums
from convert.graph.trees import Tree, TreeEnsemble
from convert.oracle.thresholds import tree_thresholds
from convert.proof.parity import Candidate
from convert.proof.rows import row_sets
from convert.strategies.table import STRATEGIES, write_graph
from tests.conftest import oracle_of

pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in reduce")  # scikit-learn, at the limits

FEATURES = 4
EPSILON = 1e-15
"""What exponentials may differ by between numpy and onnxruntime: a few units in the last place."""

MISSING = (
    *(DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor),
    *(RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor),
    *(HistGradientBoostingClassifier, HistGradientBoostingRegressor),
)
"""Those that are fitted with missing values here."""

CLASSIFIERS = [
    (GradientBoostingClassifier(n_estimators=40, random_state=0), 2),
    (GradientBoostingClassifier(n_estimators=40, random_state=0), 4),
    (GradientBoostingClassifier(n_estimators=20, loss="exponential", random_state=0), 2),
    (GradientBoostingClassifier(n_estimators=20, init="zero", random_state=0), 2),
    (GradientBoostingClassifier(n_estimators=20, init="zero", random_state=0), 3),
    (GradientBoostingClassifier(n_estimators=20, subsample=0.5, max_features=2, random_state=0), 3),
    (GradientBoostingClassifier(n_estimators=150, learning_rate=1.3, max_depth=2, random_state=0), 3),
    (GradientBoostingClassifier(n_estimators=1, max_depth=1, random_state=0), 2),
    (HistGradientBoostingClassifier(max_iter=20, random_state=0), 2),
    (HistGradientBoostingClassifier(max_iter=20, random_state=0), 3),
    (RandomForestClassifier(20, random_state=0), 2),
    (RandomForestClassifier(20, max_depth=3, class_weight="balanced", random_state=0), 5),
    (ExtraTreesClassifier(20, random_state=0), 3),
    (DecisionTreeClassifier(random_state=0), 3),
    (DecisionTreeClassifier(max_leaf_nodes=2, random_state=0), 2),
    (ExtraTreeClassifier(random_state=0), 3),
    (AdaBoostClassifier(n_estimators=20, random_state=0), 2),
    (AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=20, random_state=0), 4),
]
REGRESSORS = [
    GradientBoostingRegressor(n_estimators=40, random_state=0),
    GradientBoostingRegressor(n_estimators=20, loss="huber", init="zero", random_state=0),
    GradientBoostingRegressor(n_estimators=20, loss="quantile", subsample=0.5, random_state=0),
    HistGradientBoostingRegressor(max_iter=20, random_state=0),
    HistGradientBoostingRegressor(max_iter=20, loss="poisson", random_state=0),
    HistGradientBoostingRegressor(max_iter=20, loss="gamma", random_state=0),
    HistGradientBoostingRegressor(max_iter=20, loss="quantile", quantile=0.3, random_state=0),
    RandomForestRegressor(20, random_state=0),
    ExtraTreesRegressor(20, random_state=0),
    DecisionTreeRegressor(random_state=0),
    ExtraTreeRegressor(random_state=0),
    AdaBoostRegressor(n_estimators=20, random_state=0),
    AdaBoostRegressor(DecisionTreeRegressor(max_depth=1), n_estimators=7, loss="square", random_state=0),
]


def training(estimator: Any, classes: int, decimals: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return rows and targets; few decimals make few thresholds."""
    generator = np.random.default_rng(11)
    rows = generator.normal(size=(300, FEATURES)).round(decimals)
    score = rows @ generator.normal(size=FEATURES) + generator.normal(size=300) / 3
    if type(estimator) in MISSING:
        rows[generator.random(rows.shape) < 0.15] = np.nan
    if classes:
        return rows, np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    return rows, np.exp(score / 3)


def tried(estimator: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows that `verify` would try, a sample of the many random ones."""
    oracle = oracle_of(estimator, rows)
    found = dict(row_sets(oracle, oracle.accepts, tree_thresholds(oracle)))
    return np.concatenate([part[:20_000] for part in found.values()])


def written(estimator: Any, strategy: str) -> Candidate:
    """Return what `strategy` writes of the estimator."""
    return Candidate(STRATEGIES[strategy].write_graph(oracle_of(estimator), "model"))


def assert_exact(estimator: Any, strategy: str, rows: NDArray[np.float64], *, bitwise: bool) -> None:
    """Compare `estimator` with what `strategy` writes of it, on all of `rows`, and on a few of them one at a time."""
    candidate = written(estimator, strategy)
    expected = {"label": estimator.predict(rows)} if is_classifier(estimator) else {"value": estimator.predict(rows)}
    if is_classifier(estimator):
        expected["probabilities"] = estimator.predict_proba(rows)
    if SCORES in candidate.outputs:
        expected[SCORES] = estimator.decision_function(rows)
    actual = candidate.run(rows)
    singly = [candidate.run(rows[number : number + 1]) for number in range(50)]
    assert actual.keys() == expected.keys()
    for name, want in expected.items():
        got = actual[name].reshape(want.shape)
        assert want.dtype == got.dtype
        exact = bitwise or name in {"label", SCORES}
        limit = np.zeros(want.shape) if exact else EPSILON * np.maximum(np.abs(want), 1)
        difference = (want != got) if exact else np.abs(want - got)
        assert (difference <= limit).all(), f"{strategy}: {np.max(difference)} in {name}"
        alone = np.concatenate([single[name] for single in singly]).reshape(want[:50].shape)
        assert (alone == got[:50]).all() if exact else (np.abs(alone - got[:50]) <= limit[:50]).all()


def has_exponential(estimator: Any) -> bool:
    """Whether the answer is an exponential of the trees' sum, which no standard rounds in one way."""
    boosted = (GradientBoostingClassifier, HistGradientBoostingClassifier, AdaBoostClassifier)
    return isinstance(estimator, boosted) or getattr(estimator, "loss", None) in {"poisson", "gamma"}


@pytest.mark.parametrize(("estimator", "classes"), CLASSIFIERS, ids=repr)
def test_classifiers_as_float64_trees(estimator: Any, classes: int) -> None:
    rows, labels = training(estimator, classes, decimals=3)
    fitted = estimator.fit(rows, labels)
    assert_exact(fitted, "float64 trees", tried(fitted, rows), bitwise=not has_exponential(fitted))


@pytest.mark.parametrize("estimator", REGRESSORS, ids=repr)
def test_regressors_as_float64_trees(estimator: Any) -> None:
    rows, values = training(estimator, 0, decimals=3)
    fitted = estimator.fit(rows, values)
    assert_exact(fitted, "float64 trees", tried(fitted, rows), bitwise=not has_exponential(fitted))


def small(estimator: Any) -> Any:
    """Return an estimator with few thresholds, where random ones would make a grid beyond the cap."""
    if "Extra" not in type(estimator).__name__:
        return estimator
    return clone(estimator).set_params(
        max_depth=2, **({"n_estimators": 3} if hasattr(estimator, "n_estimators") else {})
    )


@pytest.mark.parametrize(("estimator", "classes"), CLASSIFIERS, ids=repr)
def test_classifiers_as_tables(estimator: Any, classes: int) -> None:
    rows, labels = training(estimator, classes, decimals=0)
    fitted = small(estimator).fit(rows, labels)
    assert_exact(fitted, "tabulated", tried(fitted, rows), bitwise=True)


@pytest.mark.parametrize("estimator", REGRESSORS, ids=repr)
def test_regressors_as_tables(estimator: Any) -> None:
    rows, values = training(estimator, 0, decimals=0)
    fitted = small(estimator).fit(rows, values)
    assert_exact(fitted, "tabulated", tried(fitted, rows), bitwise=True)


DETECTORS = [
    IsolationForest(n_estimators=20, random_state=0),
    IsolationForest(n_estimators=20, max_features=0.5, contamination=13 / 299, random_state=0),
    IsolationForest(n_estimators=2, max_samples=4, random_state=0),
    IsolationForest(n_estimators=5, max_features=1, random_state=0),
]


@pytest.mark.parametrize("estimator", DETECTORS, ids=repr)
def test_detectors_of_outliers_as_float64_trees(estimator: Any) -> None:
    rows, _ = training(estimator, 0, decimals=3)
    candidate = written(estimator.fit(rows), "float64 trees")
    every = tried(estimator, rows)
    actual, scores = candidate.run(every), estimator.decision_function(every)
    assert actual["label"].tolist() == estimator.predict(every).tolist()
    np.testing.assert_allclose(actual[SCORES][:, 0], scores, rtol=0, atol=EPSILON)
    assert (scores == 0).any() == (estimator.contamination != "auto")  # a training row is where the limit is


def test_a_detector_of_outliers_as_a_table() -> None:
    rows, _ = training(DETECTORS[2], 0, decimals=0)
    fitted = DETECTORS[2].fit(rows)
    every = tried(fitted, rows)
    assert written(fitted, "tabulated").run(every)["label"].tolist() == fitted.predict(every).tolist()


def test_every_reader_is_tried() -> None:
    estimators = [*(estimator for estimator, _ in CLASSIFIERS), *REGRESSORS, *DETECTORS]
    others = {kind for kind in READERS if isinstance(kind, str)}  # test_lightgbm.py, test_xgboost.py
    assert {type(estimator) for estimator in estimators} == READERS.keys() - others


def test_a_tree_that_never_splits() -> None:
    rows = np.random.default_rng(0).normal(size=(30, FEATURES))
    for fitted in (
        DecisionTreeClassifier().fit(rows, ["one"] * 30),
        RandomForestRegressor(3).fit(rows, np.full(30, 2.5)),
        GradientBoostingRegressor(n_estimators=2).fit(rows, np.full(30, 2.5)),
    ):
        for strategy in ("tabulated", "float64 trees"):
            outputs = written(fitted, strategy).run(rows)
            predicted = outputs["label"] if is_classifier(fitted) else outputs["value"]
            assert predicted.reshape(-1).tolist() == fitted.predict(rows).tolist()


@pytest.mark.parametrize("features", [1, 50])
def test_one_feature_and_fifty(features: int) -> None:
    rows = np.random.default_rng(0).normal(size=(300, features))
    fitted = GradientBoostingClassifier(n_estimators=100, random_state=0).fit(rows, rows.sum(axis=1) > 0)
    assert_exact(fitted, "float64 trees", rows, bitwise=False)


def test_a_table_over_a_hundred_features() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 100))
    fitted = DecisionTreeClassifier(max_depth=2, random_state=0).fit(rows, rows[:, 7] > 0)
    assert_exact(fitted, "tabulated", rows, bitwise=True)


@pytest.mark.parametrize("scale", [1e-300, 1e30, 1e37])
@pytest.mark.parametrize("scaler", ["passthrough", StandardScaler(), MinMaxScaler()], ids=repr)
def test_a_table_behind_a_scaler_has_thresholds_of_any_size(scaler: Any, scale: float) -> None:
    rows = np.linspace(1, 2, 60)[:, np.newaxis] * scale
    labels = (rows[:, 0] > 1.3 * scale) & (rows[:, 0] < 1.6 * scale)
    pipeline = make_pipeline(scaler, DecisionTreeClassifier()).fit(rows, labels)
    if scale < 1e30 and scaler == "passthrough":
        assert pipeline.predict(rows).tolist() != labels.tolist()  # float32 has no such numbers
    assert_exact(pipeline, "tabulated", tried(pipeline, rows), bitwise=True)


def test_thresholds_at_the_end_of_float32() -> None:
    largest = float(np.finfo(np.float32).max)
    rows = np.array([1e38, 3.4e38, largest] * 20)[:, np.newaxis]
    for seed in range(5):
        fitted = ExtraTreeRegressor(random_state=seed).fit(rows, np.arange(60) % 3)
        assert_exact(fitted, "tabulated", tried(fitted, rows), bitwise=True)
    forest = ExtraTreesRegressor(50, random_state=0).fit(rows, np.arange(60) % 3)
    assert_exact(forest, "tabulated", tried(forest, rows), bitwise=True)


def test_thresholds_at_minus_infinity() -> None:
    rows = np.random.default_rng(0).normal(size=(300, FEATURES))
    rows[:100, 0] = -np.inf
    fitted = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=4).fit(rows, np.arange(300) < 100)
    for strategy in ("tabulated", "float64 trees"):
        assert_exact(fitted, strategy, rows, bitwise=strategy == "tabulated")


def test_what_has_no_exact_graph_is_refused() -> None:
    rows, labels = np.random.default_rng(0).normal(size=(100, FEATURES)), np.arange(100) % 2
    random_start = GradientBoostingClassifier(n_estimators=2, init=DummyClassifier(strategy="stratified"))
    with pytest.raises(ConvertError, match="draws its answers at random"):
        write_graph(oracle_of(random_start.fit(rows, labels)), "model")
    with pytest.raises(ConvertError, match="has seen one class only"):
        write_graph(oracle_of(AdaBoostClassifier().fit(rows, np.ones(100))), "model")
    many = DecisionTreeClassifier(max_leaf_nodes=200, random_state=0).fit(
        rows[:, :2].repeat(5, 0), np.arange(500) % 250
    )
    with pytest.raises(ConvertError, match=r"its table would take .* bytes|its thresholds make"):
        STRATEGIES["tabulated"].write_graph(oracle_of(many), "model")
    assert write_graph(oracle_of(many), "model")[1].name == "float64 trees"


def test_a_thousand_trees() -> None:
    rows = np.random.default_rng(0).normal(size=(200, FEATURES))
    fitted = GradientBoostingClassifier(n_estimators=1000, max_depth=2, random_state=0).fit(rows, rows[:, 0] > 0)
    assert_exact(fitted, "float64 trees", tried(fitted, rows), bitwise=False)


@pytest.mark.parametrize("float32", [True, False])
def test_trees_that_are_turned_around_send_every_row_where_it_went(float32: bool) -> None:
    edges = np.array([-np.inf, -1e39, -3.4028235e38, -1.0, -1e-46, -0.0, 0.0, 1e-46, 0.1, 3.4028235e38, 1e39, np.inf])
    rows = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), [np.nan]])[:, np.newaxis]
    with np.errstate(over="ignore"):
        compared = rows.astype(np.float32).astype(np.float64) if float32 else rows
    for missing_left in (True, False):
        trees = tuple(_stump(threshold, missing_left, position) for position, threshold in enumerate(edges)) * 8
        ensemble = TreeEnsemble(trees, len(edges), None, None, float32=float32, head=Sum())
        graph = Graph(1)
        sums = graph.node("Identity", write_sums(graph, graph.rows, 1, ensemble), name="value")
        model = graph.model("stumps", [sums])
        assert ("Neg" in [node.op_type for node in model.graph.node]) == missing_left
        left = Candidate(model).run(rows)["value"]
        np.testing.assert_array_equal(left, 8 * np.where(np.isnan(compared), missing_left, compared <= edges))


def _stump(threshold: float, missing_left: bool, target: int) -> Tree:
    none = np.array([-1, -1])
    return Tree(
        feature=np.zeros(3, dtype=np.int64),
        threshold=np.array([threshold, 0.0, 0.0]),
        left=np.array([1, *none]),
        right=np.array([2, *none]),
        missing_left=np.array([missing_left, False, False]),
        values=np.array([[0.0], [1.0], [0.0]]),
        target=target,
    )


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("forest", [RandomForestClassifier, ExtraTreesClassifier])
def test_forests_of_any_size(forest: Any, classes: int) -> None:
    for trees, depth in ((1, 3), (1, None), (7, 1), (300, 4), (100, None)):
        estimator = forest(trees, max_depth=depth, random_state=0)
        rows, labels = training(estimator, classes, decimals=3)
        fitted = estimator.fit(rows, labels)
        assert_exact(fitted, "float64 trees", tried(fitted, rows)[-20_000:], bitwise=True)
