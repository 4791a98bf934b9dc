"""Curves in front of trees, to the bit, and in front of all else, within 1e-9; splines; functions by name."""

from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
import pytest
import scipy.special
from numpy.typing import NDArray
from rich.console import Console
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.estimator.floats import from_ordinal, ordinal
from convert.export import export
from convert.graph.curves import Domain, crossings, domain_of
from convert.graph.trees import Tree, split_again
from convert.oracle.thresholds import tree_thresholds
from convert.proof.parity import Candidate
from convert.proof.verify import verify
from convert.strategies import trees as float64_trees
from tests.conftest import oracle_of

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = np.random.default_rng(8)
NORMAL = GENERATOR.normal(size=(250, 3))
ROWS = NORMAL * [1, 10, 1e-3]
POSITIVE = np.exp(NORMAL)
HOLES = np.where(GENERATOR.random(ROWS.shape) < 0.1, np.nan, ROWS)
GAPS = np.where(GENERATOR.random(ROWS.shape) < 0.1, np.nan, POSITIVE)
LABELS = np.digitize(NORMAL[:, 0] + NORMAL[:, 1] + NORMAL[:, 2] / 2, [-0.7, 0.8])
TABLE = pandas.DataFrame({
    "age": HOLES[:, 0], "income": GAPS[:, 1], "weight": POSITIVE[:, 2],
    "city": GENERATOR.choice(["Oslo", "Rome", "Bern"], len(ROWS)),
})  # fmt: skip

FOREST = RandomForestClassifier(12, random_state=0)
BOOSTING = GradientBoostingClassifier(n_estimators=12, random_state=0)
HISTOGRAMS = HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=8)
NORMAL_QUANTILES = QuantileTransformer(n_quantiles=100, output_distribution="normal")
QUANTILES = QuantileTransformer(n_quantiles=50)


def function(func: Any, **settings: Any) -> FunctionTransformer:
    return FunctionTransformer(func, kw_args=settings or None)


EXACT = {
    "power": (make_pipeline(PowerTransformer(), BOOSTING), ROWS),
    "imputed, power, scaled": (make_pipeline(SimpleImputer(), PowerTransformer(), StandardScaler(), FOREST), HOLES),
    "power, imputed": (make_pipeline(PowerTransformer(), SimpleImputer(add_indicator=True), FOREST), HOLES),
    "box-cox": (make_pipeline(PowerTransformer(method="box-cox", standardize=False), FOREST), POSITIVE),
    "quantiles": (make_pipeline(QUANTILES, HISTOGRAMS), HOLES),
    "normal quantiles": (make_pipeline(NORMAL_QUANTILES, MinMaxScaler(), FOREST), ROWS),
    "power of bins": (make_pipeline(KBinsDiscretizer(encode="ordinal"), PowerTransformer(), FOREST), ROWS),
    "bins of quantiles": (make_pipeline(QUANTILES, KBinsDiscretizer(), BOOSTING), ROWS),
    "log of holes": (make_pipeline(function(np.log), HISTOGRAMS), GAPS),
    "log of holes, scaled": (make_pipeline(function(np.log), StandardScaler(), FOREST), GAPS),
    "log, imputed": (make_pipeline(function(np.log), SimpleImputer(add_indicator=True), BOOSTING), GAPS),
    "log1p": (make_pipeline(function(np.log1p), StandardScaler(), BOOSTING), POSITIVE),
    "exp": (make_pipeline(function(np.exp), FOREST), NORMAL),
    "few cells": (make_pipeline(function(np.sqrt), DecisionTreeClassifier(max_depth=3)), GAPS),
    "few cells of a curve": (make_pipeline(function(np.log), DecisionTreeClassifier(max_depth=3)), GAPS),
    "both sides": (make_pipeline(function(np.abs), function(np.square), FOREST), ROWS),
    "a pole": (make_pipeline(function(np.reciprocal), FOREST), POSITIVE),
    "union": (make_pipeline(FeatureUnion([("a", PowerTransformer()), ("b", QUANTILES)]), BOOSTING), ROWS),
}
MEMBERS = [("linear", LogisticRegression()), ("trees", make_pipeline(NORMAL_QUANTILES, FOREST))]
CERTIFIED = {
    "power": (make_pipeline(PowerTransformer(), LogisticRegression()), ROWS),
    "power, imputed": (make_pipeline(PowerTransformer(), SimpleImputer(add_indicator=True), MEMBERS[0][1]), HOLES),
    "box-cox": (make_pipeline(PowerTransformer(method="box-cox"), LogisticRegression()), POSITIVE),
    "normal quantiles": (make_pipeline(NORMAL_QUANTILES, LogisticRegression()), ROWS),
    "bins of a curve": (make_pipeline(PowerTransformer(), KBinsDiscretizer(), LogisticRegression()), ROWS),
    "binary quantiles": (make_pipeline(QUANTILES, Binarizer(threshold=0.5), LogisticRegression()), ROWS),
    "sinh": (make_pipeline(function(np.sinh), StandardScaler(), LogisticRegression()), NORMAL),
    "splines": (make_pipeline(SplineTransformer(), LogisticRegression()), ROWS),
    "periodic": (make_pipeline(SplineTransformer(extrapolation="periodic"), LogisticRegression()), ROWS),
    "voting": (make_pipeline(PowerTransformer(), VotingClassifier(MEMBERS, voting="soft")), ROWS),
    "bagging": (BaggingClassifier(make_pipeline(PowerTransformer(), FOREST), 3, max_features=0.7), ROWS),
    "stacking": (
        make_pipeline(PowerTransformer(), StackingClassifier(MEMBERS, FOREST, cv=2, passthrough=True)),
        ROWS,
    ),
}


def written(pipeline: Any, rows: Any, folder: Path) -> Path:
    target = LABELS[: len(rows)]
    joblib.dump(pipeline.fit(rows, target), folder / "model.joblib")
    table = rows if isinstance(rows, pandas.DataFrame) else pandas.DataFrame(rows, columns=list("abc"))
    table.to_csv(folder / "model.csv", index=False)
    return folder / "model.joblib"


def certified(pipeline: Any, rows: Any, folder: Path, wanted: str | None = None) -> str:
    """Export and verify; return the strategy."""
    model, out = written(pipeline, rows, folder), folder / "model.onnx"
    strategy = export(model, out, name="model", strategy=wanted).strategy
    with (folder / "output.txt").open("w") as file:
        agree = verify(model, out, None, Console(file=file, width=150), random_rows=500)
    assert agree, (folder / "output.txt").read_text()
    return strategy


@pytest.mark.parametrize("name", EXACT)
def test_trees_behind_curves_are_exact(name: str, tmp_path: Path) -> None:
    wanted = "tabulated" if "cells" in name else "float64 trees"
    assert certified(*EXACT[name], tmp_path, wanted) == wanted


@pytest.mark.parametrize("name", CERTIFIED)
def test_what_is_behind_curves_is_certified(name: str, tmp_path: Path) -> None:
    assert certified(*CERTIFIED[name], tmp_path) == "float64 operators"


@pytest.mark.parametrize("last", [HISTOGRAMS, LogisticRegression()], ids=["trees", "linear"])
def test_a_table_with_strings(last: Any, tmp_path: Path) -> None:
    columns = ColumnTransformer([
        ("num", make_pipeline(SimpleImputer(add_indicator=True), QUANTILES), ["age", "income"]),
        ("log", function(np.log1p), ["weight"]),
        ("cat", OneHotEncoder(sparse_output=False), ["city"]),
    ])  # fmt: skip
    certified(make_pipeline(columns, last), TABLE, tmp_path)


@pytest.mark.parametrize("narrow", [["a", "b", "c"], ["b"]], ids=["all", "one"])
def test_a_curve_of_float32_is_computed_in_it(narrow: list[str], tmp_path: Path) -> None:
    table = pandas.DataFrame(POSITIVE, columns=list("abc")).astype(dict.fromkeys(narrow, np.float32))
    model = written(make_pipeline(function(np.log1p), BOOSTING), table, tmp_path)
    table.to_parquet(tmp_path / "model.parquet")
    export(model, tmp_path / "model.onnx", name="model", sample=tmp_path / "model.parquet")
    console = Console(quiet=True)
    assert verify(model, tmp_path / "model.onnx", tmp_path / "model.parquet", console, random_rows=500)


@pytest.mark.parametrize(
    "steps",
    [[NORMAL_QUANTILES], [PowerTransformer(), StandardScaler()], [function(np.arcsinh)], [QUANTILES]],
    ids=["normal quantiles", "power", "arcsinh", "quantiles"],
)
def test_the_same_labels_some_steps_to_either_side_of_each_threshold(steps: list[Any]) -> None:
    rows = np.concatenate([ROWS, ROWS * 1.5])
    forest = RandomForestClassifier(60, random_state=0)
    oracle = oracle_of(make_pipeline(*steps, forest).fit(rows, np.tile(LABELS, 2)))
    candidate = Candidate(float64_trees.write_graph(oracle, "model"))
    for feature, cuts in enumerate(tree_thresholds(oracle)):
        near = from_ordinal(ordinal(cuts)[:, np.newaxis] + np.arange(-6, 7)).ravel()
        tried = np.repeat(ROWS[:1], len(near), axis=0)
        tried[:, feature] = near
        assert len(near) > 1000
        np.testing.assert_array_equal(candidate.run(tried)["probabilities"], oracle.predict_proba(tried))


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (FunctionTransformer(np.sin), "runs sin, which is none of the functions that are written"),
        (FunctionTransformer(np.clip, kw_args={"a_min": [0.0, 1.0, 2.0], "a_max": 5.0}), "runs clip with a_min"),
        (FunctionTransformer(np.exp, kw_args={"dtype": np.float64}), "runs exp with dtype"),
        (FunctionTransformer(partial(np.power, 2.0)), "runs a function of its own"),
        (PCA(2), "compares what PCA sums up"),
        (make_pipeline(PCA(2), PowerTransformer()), "compares what PCA sums up"),
        (SplineTransformer(), "compares what SplineTransformer sums up"),
        (
            make_pipeline(PowerTransformer(), OneHotEncoder(handle_unknown="ignore")),
            "compares what Power",
        ),
        (SplineTransformer(handle_missing="zeros", sparse_output=True), "takes a missing value for one of the rows"),
    ],
    ids=range(9),
)
def test_what_would_be_wrong_is_refused(transformer: Any, message: str, tmp_path: Path) -> None:
    model = written(make_pipeline(transformer, BOOSTING), ROWS, tmp_path)
    with pytest.raises(ConvertError, match=message):
        export(model, tmp_path / "model.onnx", name="model")


def test_what_a_function_takes_is_taken() -> None:
    def takes(func: Any, last: Any) -> tuple[float | None, float | None]:
        [accepts, *_] = oracle_of(make_pipeline(function(func), last).fit(POSITIVE / 10, LABELS)).accepts
        return accepts.low, accepts.high

    linear, smallest = LogisticRegression(), 5e-324
    assert takes(np.log, linear) == (smallest, np.finfo(np.float64).max)
    assert takes(np.log1p, linear)[0] == np.nextafter(-1, 0)
    assert takes(np.sqrt, linear)[0] == -0.0
    assert takes(np.exp, linear)[1] == pytest.approx(709.78, abs=0.01)
    assert takes(np.exp, FOREST)[1] == pytest.approx(88.72, abs=0.01)
    assert takes(np.tanh, FOREST) == (None, None)
    assert takes(np.log, HISTOGRAMS) == (None, None)


def test_a_model_without_a_sample_is_asked_where_its_function_is_one(tmp_path: Path) -> None:
    model = written(make_pipeline(function(np.log), FOREST), POSITIVE, tmp_path)
    (tmp_path / "model.csv").unlink()
    export(model, tmp_path / "model.onnx", name="model")
    assert verify(model, tmp_path / "model.onnx", None, Console(quiet=True), random_rows=500)


def test_a_curve_begins_and_ends_where_it_makes_numbers() -> None:
    assert domain_of(np.exp) == (-np.inf, np.inf, False)
    assert domain_of(np.log) == (-0.0, np.inf, True)
    assert domain_of(scipy.special.logit) == (-0.0, 1.0, True)


def wavy(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rise, but for two numbers next to 1."""
    above = np.nextafter(1, 2)
    return np.where(x == above, 0.0, np.where(x == np.nextafter(above, 2), 2.0, np.where(x == 1.0, 2.0, np.floor(x))))


def test_a_curve_that_falls_by_a_step_crosses_a_limit_again() -> None:
    found = crossings(lambda x: wavy(x), np.array([0.5]), Domain(-10.0, 10.0))
    below = np.nextafter(1, 0)
    expected = [below, 1.0, np.nextafter(1, 2)]
    assert [sorted(each) for each in found.again.values()] == [expected]


def test_a_tree_compares_again() -> None:
    none = np.array([False] * 3)
    tree = Tree(np.zeros(3, int), np.array([1.0, 0, 0]), np.array([1, -1, -1]), np.array([2, -1, -1]), none, np.eye(3))
    split = split_again(tree, {0: np.array([1.0, 2.0, 3.0])})

    def leaf(value: float) -> int:
        node = 0
        while split.left[node] != -1:
            left = split.missing_left[node] if np.isnan(value) else value <= split.threshold[node]
            node = split.left[node] if left else split.right[node]
        return int(split.values[node].argmax())

    assert [leaf(value) for value in (1.0, 1.5, 2.5, 3.5, np.nan)] == [1, 2, 1, 2, 2]


def test_a_curve_that_depends_on_the_rows_beside_is_refused() -> None:
    def beside(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return x + (np.arange(len(x)) % 2 if len(x) > 100 else 0)

    with pytest.raises(ConvertError, match="depends, in last bits, on the rows beside"):
        crossings(beside, np.array([0.5]), Domain(-10.0, 10.0))
