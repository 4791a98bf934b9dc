"""Transformers of numbers against what is written of them, where they compare, divide and overflow."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, KBinsDiscretizer, Normalizer, OneHotEncoder, PolynomialFeatures
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.graph.columns import number_columns
from convert.graph.graph import Graph
from convert.graph.transformers.normalizer import NO_NORM
from convert.graph.transforms import write_transform
from convert.proof.parity import Candidate
from convert.strategies.table import write_graph
from tests.conftest import oracle_of

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = np.random.default_rng(7)
ROWS = GENERATOR.normal(size=(80, 3)).round(1)
LABELS = (ROWS.sum(axis=1) > 0).astype(int)


def around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values, and one step to either side in both precisions."""
    single = values.astype(np.float32)
    sides = [np.nextafter(single, np.float32(side)).astype(np.float64) for side in (-np.inf, np.inf)]
    return np.concatenate([values, *(np.nextafter(values, side) for side in (-np.inf, np.inf)), single, *sides])


def edges(values: Any = ()) -> NDArray[np.float64]:
    """Return rows of zeros, of equal values, with one value far from the rest, and at `values`."""
    numbers = [0.0, -0.0, 5e-324, -1e-310, 1e-200, NO_NORM, -NO_NORM, 1.0, -1.0, 1e150, 1e200, -1.7e308]
    numbers += around(np.array([NO_NORM, *values], dtype=np.float64)).tolist()
    equal = [np.full(3, number) for number in numbers]
    alone = [np.where(np.arange(3) == place, number, 0.0) for number in numbers for place in range(3)]
    beside = [np.where(np.arange(3) == place, number, ROWS[0]) for number in numbers for place in range(3)]
    rows = np.array([*equal, *alone, *beside, *ROWS])
    return rows[np.isfinite(rows).all(axis=1)]


def made_by_graph(transformer: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the graph makes of `rows`."""
    graph = Graph(rows.shape[1])
    made = write_transform(graph, number_columns(graph.rows, rows.shape[1]), transformer)
    model = graph.model("made", [graph.node("Identity", made.value, name="value")])
    return np.asarray(Candidate(model).run(rows)["value"])


@pytest.mark.parametrize("threshold", [0.0, -0.0, 0.1, -2.5, 5e-324, 1e300])
def test_a_binarizer_is_1_above_its_threshold_only(threshold: float) -> None:
    binarizer, rows = Binarizer(threshold=threshold).fit(ROWS), edges([threshold])
    np.testing.assert_array_equal(made_by_graph(binarizer, rows), binarizer.transform(rows.copy()))


@pytest.mark.parametrize("encode", ["onehot", "onehot-dense", "ordinal"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
def test_bins_begin_with_their_edge(encode: str, strategy: str) -> None:
    bins = KBinsDiscretizer(4, encode=encode, strategy=strategy, quantile_method="linear").fit(ROWS)
    rows = edges(np.concatenate(bins.bin_edges_))
    expected = bins.transform(rows)
    expected = expected.toarray() if hasattr(expected, "toarray") else expected
    np.testing.assert_array_equal(made_by_graph(bins, rows), expected)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_a_row_without_a_norm_stays_what_it_is(norm: str) -> None:
    normalizer, rows = Normalizer(norm).fit(ROWS), edges()
    expected = normalizer.transform(rows)
    made = made_by_graph(normalizer, rows)
    if norm == "max":
        np.testing.assert_array_equal(made, expected)
    np.testing.assert_allclose(made, expected, rtol=1e-15, atol=0)


def test_a_norm_of_sparse_rows_is_lacking_only_if_it_is_0() -> None:
    encoder, rows = OneHotEncoder(handle_unknown="ignore"), np.array([[1.0], [2.0], [3.0], [4.0]])
    pipeline = make_pipeline(encoder, Normalizer(), LogisticRegression()).fit(rows[:3], [0, 1, 1])
    oracle = oracle_of(pipeline)
    graph, *_ = write_graph(oracle, "model")
    assert Candidate(graph).run(rows)["label"].tolist() == pipeline.predict(rows).tolist()
    np.testing.assert_allclose(Candidate(graph).run(rows)["probabilities"], pipeline.predict_proba(rows), atol=1e-12)


@pytest.mark.parametrize("degree", [0, 1, 2, 4, (0, 0), (2, 2), (1, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("distinct", [True, False])
def test_products_are_the_same_bits(degree: Any, bias: bool, distinct: bool) -> None:
    polynomial = PolynomialFeatures(degree, include_bias=bias, interaction_only=distinct)
    if not bias and degree in (0, (0, 0)):
        return  # which scikit-learn refuses: nothing would be left
    rows = edges()
    np.testing.assert_array_equal(made_by_graph(polynomial.fit(ROWS), rows), polynomial.transform(rows))


@pytest.mark.parametrize("binarize", [0.0, 0.3, None])
def test_bernoulli_counts_what_is_above_its_threshold_only(binarize: float | None) -> None:
    estimator = BernoulliNB(binarize=binarize).fit(np.abs(ROWS), LABELS)
    rows = edges([] if binarize is None else [binarize])
    rows = rows[np.abs(rows).max(axis=1) < 1e100]
    graph, *_ = write_graph(oracle_of(estimator), "model")
    answers = Candidate(graph).run(rows)
    assert answers["label"].tolist() == estimator.predict(rows).tolist()
    np.testing.assert_allclose(answers["probabilities"], estimator.predict_proba(rows), atol=1e-9)


def test_the_rows_of_the_report_are_answered_as_scikit_learn_does() -> None:
    rows = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, -1.0], [-0.0, 2.0, 0.0]])
    for step in (Binarizer(), Normalizer()):
        pipeline = make_pipeline(step, LogisticRegression()).fit(ROWS, np.array(["no", "yes"])[LABELS])
        answers = Candidate(write_graph(oracle_of(pipeline), "model")[0]).run(rows)
        assert answers["label"].tolist() == pipeline.predict(rows).tolist()
        np.testing.assert_allclose(answers["probabilities"], pipeline.predict_proba(rows), atol=1e-12)


@pytest.mark.parametrize("step", [Binarizer(), KBinsDiscretizer(3), OneHotEncoder(handle_unknown="ignore")], ids=repr)
def test_what_compares_is_refused_behind_what_sums_up(step: Any) -> None:
    pipeline = make_pipeline(Normalizer(), step, DecisionTreeClassifier()).fit(ROWS, LABELS)
    with pytest.raises(ConvertError, match=f"{type(step).__name__} compares what Normalizer sums up"):
        write_graph(oracle_of(pipeline), "model")
