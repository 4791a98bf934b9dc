"""Graphs that are wrong at one number only: `verify` has to try that number."""

import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from convert.graph.answers import Labelled, classifier_model, regressor_model
from convert.graph.columns import input_columns
from convert.graph.graph import Graph, Value
from convert.graph.transforms import write_transform
from convert.oracle.oracle import Oracle
from convert.oracle.thresholds import tree_thresholds
from convert.proof.edges import Range, edge_rows
from convert.proof.parity import Candidate, Comparison, compare
from convert.proof.refusals import refused_together
from convert.proof.rows import EDGES, accepted_rows, edge_sets, row_sets
from convert.strategies.composed import strategy as composed
from convert.strategies.composed.linear import write_affine
from tests.conftest import oracle_of

ROWS = np.random.default_rng(5).normal(size=(200, 3))
TARGET = ROWS @ [1.0, -2.0, 0.5] + (ROWS[:, 1] > 0.3)
TOLERANCE = 1e-9

type Wrong = Callable[[float], float]


def same(number: float) -> float:
    return number


def float32(number: float) -> float:
    return float(np.float32(number))


def next_float32(number: float) -> float:
    return float(np.nextafter(np.float32(number), np.float32(np.inf)))


def next_up(number: float) -> float:
    return float(np.nextafter(number, np.inf))


def scaled(graph: Graph, oracle: Oracle) -> Value:
    return write_transform(graph, input_columns(graph, oracle.features, oracle.dtypes), oracle.transformers[0]).value


def answered(graph: Graph, oracle: Oracle, columns: Value) -> onnx.ModelProto:
    value = write_affine(graph, columns, oracle.last.coef_, oracle.last.intercept_)
    return regressor_model(graph, value, "model")


def binarized(operator: str, wrong: Wrong = same) -> Callable[[Oracle], onnx.ModelProto]:
    def write(oracle: Oracle) -> onnx.ModelProto:
        graph = Graph(oracle.width)
        threshold = graph.constant(np.float64(wrong(oracle.transformers[1].threshold)))
        above = graph.node(operator, scaled(graph, oracle), threshold)
        return answered(graph, oracle, graph.cast(above, np.float64))

    return write


def binned(operator: str, wrong: Wrong = same) -> Callable[[Oracle], onnx.ModelProto]:
    def write(oracle: Oracle) -> onnx.ModelProto:
        graph = Graph(oracle.width)
        rows = scaled(graph, oracle)
        edges = np.array([[wrong(edge) for edge in each[1:-1]] for each in oracle.transformers[1].bin_edges_])
        reached = [
            graph.cast(graph.node(operator, rows, graph.constant(np.ascontiguousarray(edge))), np.float64)
            for edge in edges.T
        ]
        return answered(graph, oracle, graph.node("Sum", *reached))

    return write


def normalized(guarded: bool) -> Callable[[Oracle], onnx.ModelProto]:
    def write(oracle: Oracle) -> onnx.ModelProto:
        graph = Graph(oracle.width)
        axis = graph.constant(np.array([1]))
        norm = graph.node("Sqrt", graph.node("ReduceSumSquare", graph.rows, axis, keepdims=1))
        if guarded:
            zero = graph.node("Less", norm, graph.constant(10 * np.finfo(np.float64).eps))  # _handle_zeros_in_scale
            norm = graph.node("Where", zero, graph.constant(np.float64(1)), norm)
        return answered(graph, oracle, graph.node("Div", graph.rows, norm))

    return write


def floored(lift: float) -> Callable[[Oracle], onnx.ModelProto]:
    def write(oracle: Oracle) -> onnx.ModelProto:
        graph = Graph(oracle.width)
        return answered(
            graph, oracle, graph.node("Floor", graph.node("Add", graph.rows, graph.constant(np.float64(lift))))
        )

    return write


def imputed(wrong: Wrong) -> Callable[[Oracle], onnx.ModelProto]:
    def write(oracle: Oracle) -> onnx.ModelProto:
        graph, imputer = Graph(oracle.width), oracle.transformers[0]
        missing = graph.node("Equal", graph.rows, graph.constant(np.float64(wrong(imputer.missing_values))))
        return answered(graph, oracle, graph.node("Where", missing, graph.constant(imputer.statistics_), graph.rows))

    return write


def bernoulli(operator: str) -> Callable[[Oracle], onnx.ModelProto]:
    def write(oracle: Oracle) -> onnx.ModelProto:
        graph, last = Graph(oracle.width), oracle.last
        above = graph.cast(graph.node(operator, graph.rows, graph.constant(np.float64(last.binarize))), np.float64)
        absent = np.log(1 - np.exp(last.feature_log_prob_))
        scores = write_affine(graph, above, last.feature_log_prob_ - absent, last.class_log_prior_ + absent.sum(axis=1))
        index = graph.node("ArgMax", scores, axis=1, keepdims=0)
        answer = Labelled(index, graph.node("Softmax", scores, axis=1))
        return classifier_model(graph, answer, oracle.classes, "model")

    return write


def as_written(oracle: Oracle) -> onnx.ModelProto:
    return composed.write_graph(oracle, "model")


def with_thresholds(wrong: Wrong) -> Callable[[Oracle], onnx.ModelProto]:
    """Return a genuine graph, the thresholds of its trees changed."""

    def write(oracle: Oracle) -> onnx.ModelProto:
        model = as_written(oracle)
        for node in model.graph.node:
            for attribute in node.attribute:
                if attribute.name == "nodes_splits":
                    splits = numpy_helper.to_array(attribute.t)
                    changed = np.array([wrong(each) for each in splits], dtype=splits.dtype)
                    attribute.t.CopyFrom(numpy_helper.from_array(changed))
        return model

    return write


def with_constant(old: float, new: float) -> Callable[[Oracle], onnx.ModelProto]:
    """Return a genuine graph, a number in its constants changed."""

    def write(oracle: Oracle) -> onnx.ModelProto:
        model, found = as_written(oracle), 0
        for constant in model.graph.initializer:
            place = constant.raw_data.find(struct.pack("<d", old)) if constant.data_type == 11 else -1
            if place >= 0:
                data = constant.raw_data
                constant.raw_data = data[:place] + struct.pack("<d", new) + data[place + 8 :]
                found += 1
        assert found
        return model

    return write


class Case(NamedTuple):
    """An estimator, a right graph, a wrong one, and whether random rows and training rows miss that."""

    estimator: Any
    right: Callable[[Oracle], onnx.ModelProto]
    wrong: Callable[[Oracle], onnx.ModelProto]
    hidden: bool = True
    rows: NDArray[np.float64] = ROWS


VOTING = VotingRegressor(
    [
        ("tree", make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=4, random_state=0))),
        ("linear", LinearRegression()),
    ]
)
BAGGING = BaggingRegressor(DecisionTreeRegressor(max_depth=4), 5, max_features=0.7, random_state=0)
STACKING = StackingRegressor(VOTING.estimators)
BINARIZER = make_pipeline(StandardScaler(), Binarizer(threshold=0.3), LinearRegression())
BINS = make_pipeline(MinMaxScaler((-1, 1)), KBinsDiscretizer(4, encode="ordinal"), LinearRegression())
CLIP = make_pipeline(MinMaxScaler(clip=True), LinearRegression())
CODES = make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-7), LinearRegression())
NUMBERS: NDArray[np.float64] = np.random.default_rng(5).integers(0, 4, size=(200, 3)).astype(np.float64) + 0.1
ONES = make_pipeline(OneHotEncoder(handle_unknown="ignore", sparse_output=False), LinearRegression())
CASES = {
    "binarizer >=": Case(BINARIZER, binarized("Greater"), binarized("GreaterOrEqual")),
    "binarizer float32": Case(BINARIZER, binarized("Greater"), binarized("Greater", float32)),
    "binarizer 1 ulp": Case(BINARIZER, binarized("Greater"), binarized("Greater", next_up)),
    "bins >": Case(BINS, binned("GreaterOrEqual"), binned("Greater")),
    "bins float32": Case(BINS, binned("GreaterOrEqual"), binned("GreaterOrEqual", float32)),
    "bernoulli": Case(BernoulliNB(binarize=0.25), bernoulli("Greater"), bernoulli("GreaterOrEqual")),
    "normalizer 0/0": Case(make_pipeline(Normalizer(), LinearRegression()), normalized(True), normalized(False)),
    "imputer": Case(
        make_pipeline(SimpleImputer(missing_values=7.25), LinearRegression()), imputed(same), imputed(next_up), False
    ),
    "function": Case(make_pipeline(FunctionTransformer(np.floor), LinearRegression()), floored(0), floored(1e-12)),
    "clip": Case(CLIP, as_written, with_constant(1.0, 1.0 + 1e-6), hidden=False),
    "voting": Case(VOTING, as_written, with_thresholds(next_float32)),
    "bagging": Case(BAGGING, as_written, with_thresholds(next_float32)),
    "stacking": Case(STACKING, as_written, with_thresholds(next_float32)),
    "codes": Case(CODES, as_written, with_constant(-7.0, -7.5), False, NUMBERS),
    "one-hot": Case(ONES, as_written, with_constant(2.1, 2.1 + 1e-12), False, NUMBERS),
}


def compared(oracle: Oracle, model: onnx.ModelProto, *, edges: bool) -> dict[str, Comparison]:
    thresholds = tree_thresholds(oracle)
    sets = list(row_sets(oracle, oracle.accepts, thresholds, 20_000))
    if edges:
        sets = list(edge_sets(oracle, Candidate(model), oracle.accepts, thresholds, TOLERANCE))
    return {each.source: each for each in compare(oracle, model, sets)}


def failing(comparisons: dict[str, Comparison]) -> set[str]:
    return {source for source, each in comparisons.items() if each.failed(TOLERANCE).any()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_graph_that_is_wrong_at_an_edge_is_told_from_a_right_one(case: Case) -> None:
    target = (TARGET > 0).astype(int) if isinstance(case.estimator, BernoulliNB) else TARGET
    oracle = oracle_of(case.estimator.fit(case.rows, target), case.rows)
    assert failing(compared(oracle, case.right(oracle), edges=True)) == set()
    wrong = case.wrong(oracle)
    assert failing(compared(oracle, wrong, edges=True))
    if case.hidden:
        assert failing(compared(oracle, wrong, edges=False)) - {"thresholds ± 1 ulp"} == set()


def test_a_category_that_was_swapped_is_told() -> None:
    encoder = make_column_transformer((OneHotEncoder(sparse_output=False), [0]), remainder="passthrough")
    table = np.column_stack([np.repeat(["a", "b", "c", "d"], 50).astype(object), ROWS[:, 0]])
    oracle = oracle_of(make_pipeline(encoder, LinearRegression()).fit(table, TARGET))
    model = as_written(oracle)
    assert failing(compared(oracle, model, edges=True)) == set()
    places, *_ = [each for each in model.graph.initializer if each.data_type == 7 and tuple(each.dims) == (5,)]
    swapped = numpy_helper.to_array(places)[[0, 2, 1, 3, 4]]
    places.CopyFrom(numpy_helper.from_array(swapped, places.name))
    assert "special rows" in failing(compared(oracle, model, edges=True))


def test_a_threshold_that_was_left_out_is_told() -> None:
    from sklearn.model_selection import FixedThresholdClassifier

    oracle = oracle_of(FixedThresholdClassifier(LogisticRegression(), threshold=0.8).fit(ROWS, TARGET > 0), ROWS)
    without = composed.write_graph(oracle_of(oracle.estimator.estimator_, ROWS), "model")
    found = failing(compared(oracle, without, edges=True))
    assert {"special rows", EDGES} & found


def adjacent(rows: NDArray[np.float64], column: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows that are equal but for one feature, which is the next number in the second."""
    places = {row.tobytes(): place for place, row in enumerate(rows)}
    for place, row in enumerate(rows):
        beside = row.copy()
        beside[column] = np.nextafter(row[column], np.inf)
        if beside.tobytes() in places:
            yield place, places[beside.tobytes()]


def test_every_bin_of_every_feature_is_entered_by_a_step_of_1_ulp() -> None:
    bins = KBinsDiscretizer(5, encode="ordinal")
    oracle = oracle_of(make_pipeline(StandardScaler(), bins, LinearRegression()).fit(ROWS, TARGET), ROWS)
    generator, known = np.random.default_rng(0), Range(ROWS.min(axis=0), ROWS.max(axis=0))
    rows, _ = edge_rows(oracle, oracle.accepts, ROWS, known, generator)
    rows = rows[accepted_rows(rows, oracle.accepts)]
    inside = oracle.estimator[:-1].transform(rows)
    for column in range(3):
        entered = {
            (inside[first, column], inside[second, column])
            for first, second in adjacent(rows, column)
            if inside[first, column] != inside[second, column]
        }
        assert entered == {(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0)}


def test_special_rows_are_what_a_sample_does_not_have() -> None:
    oracle = oracle_of(LinearRegression().fit(ROWS, TARGET), ROWS)
    sets = dict(edge_sets(oracle, Candidate(as_written(oracle)), oracle.accepts, [np.empty(0)] * 3, TOLERANCE))
    special, far = sets["special rows"], sets["rows with a value far off"]
    bits = {row.tobytes() for row in special}
    for number in (0.0, -0.0, 1.0, 5e-324, -1e-310, 1e-40):
        assert np.full(3, number).tobytes() in bits
    assert any(np.signbit(row[column]) and row[column] == 0 and row.any() for row in special for column in range(3))
    assert (np.abs(far).max(axis=1) > 1e3).all()
    assert any((row > 1e5).any() and (row < -1e5).any() for row in far)
    assert "between labels" not in sets


class Picky(LinearRegression):  # type: ignore[misc]
    """Refuses rows of equal values, as no look at one value would show."""

    def predict(self, X: Any) -> Any:  # noqa: N803
        if (np.ptp(X, axis=1) == 0).any():
            raise ValueError("equal values")
        return super().predict(X)


def test_rows_that_only_the_estimator_refuses_are_told() -> None:
    oracle = oracle_of(Picky().fit(ROWS, TARGET), ROWS)
    model = as_written(oracle_of(LinearRegression().fit(ROWS, TARGET), ROWS))
    comparisons = compared(oracle, model, edges=True)
    [line] = refused_together(list(comparisons.values()))
    assert "of the special rows are refused by the estimator only, such as 0.0, 0.0, 0.0" in line
    assert failing(comparisons) == set()
    assert len(comparisons["special rows"].rows) > 1000
