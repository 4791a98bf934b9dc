"""What transformers make of numbers in operators, beside what scikit-learn, numpy and scipy make of them."""

from functools import partial
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, SplineTransformer

from convert.graph.columns import number_columns
from convert.graph.graph import Graph
from convert.graph.transformers.function import FUNCTIONS
from convert.graph.transforms import write_transform

GENERATOR = np.random.default_rng(8)
NORMAL = GENERATOR.normal(size=(250, 3))
ROWS = NORMAL * [1, 10, 1e-3]
POSITIVE = np.exp(NORMAL)


def function(func: Any, **settings: Any) -> FunctionTransformer:
    return FunctionTransformer(func, kw_args=settings or None)


def values(transformer: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the graph makes of rows."""
    graph = Graph(rows.shape[1])
    made = write_transform(graph, number_columns(graph.rows, rows.shape[1]), transformer)
    model = graph.model("model", [made.value]).SerializeToString()
    [output] = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"X": rows})
    return np.asarray(output)


SIZES = np.concatenate([NORMAL * size for size in (1, 1e-300, 1e-8, 1e-3, 10, 100, 1e5, 1e15, 1e200)])
NUMBERS = np.concatenate([SIZES, np.round(SIZES), np.round(SIZES) + 0.5, np.zeros((1, 3)), np.full((1, 3), np.nan)])
CALLS = {
    **{f"{getattr(each, '__name__', each)} {number}": function(each) for number, each in enumerate(FUNCTIONS)},
    "clip": function(np.clip, a_min=-0.5, a_max=1.0),
    "clip at one end": function(np.clip, min=0.0),
    "round": function(partial(np.round, decimals=2)),
    "round to hundreds": function(np.around, decimals=-2),
}


@np.errstate(all="ignore")
@pytest.mark.parametrize("name", CALLS)
def test_functions_are_numpys(name: str) -> None:
    transformer = CALLS[name].fit(NUMBERS)
    expected, made = transformer.transform(NUMBERS), values(transformer, NUMBERS)
    known = FUNCTIONS.get(transformer.func)
    if known is None or known.exact:
        np.testing.assert_array_equal(made, expected)
    np.testing.assert_allclose(made, expected, rtol=2e-12, atol=1e-300)


@pytest.mark.parametrize("extrapolation", ["error", "constant", "linear", "continue", "periodic"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("knots", ["uniform", "quantile", "own"])
def test_splines_are_scipys(extrapolation: str, degree: int, knots: Any) -> None:
    rows = np.round(ROWS, 2) * [1, 1, 100]
    low, high = rows.min(axis=0), rows.max(axis=0)
    own = (
        low + np.where(high > low, high - low, 1.0) * np.linspace(0, 1, 8)[:, np.newaxis] ** 2
        if knots == "own"
        else knots
    )
    settings = {"degree": degree, "knots": own, "n_knots": 7, "extrapolation": extrapolation}
    beyond = [] if extrapolation == "error" or (degree == 0 and extrapolation == "constant") else [rows * 3, rows * 50]
    for others in ({}, {"include_bias": False, "handle_missing": "zeros"}, {"sparse_output": True}):
        if others.get("sparse_output") and degree == 0 and extrapolation == "periodic":
            continue  # scikit-learn itself fails
        spline = SplineTransformer(**settings, **others).fit(rows)
        tried = np.concatenate([rows, *beyond, *([np.full((1, 3), np.nan)] if "handle_missing" in others else [])])
        tried = np.concatenate([tried, np.clip(np.nextafter(tried, 9.0), low, high)])
        expected = spline.transform(tried)
        expected = expected.toarray() if hasattr(expected, "toarray") else expected
        sizes = np.maximum(1.0, np.abs(expected).max(axis=1, keepdims=True))
        np.testing.assert_allclose(values(spline, tried) / sizes, expected / sizes, rtol=0, atol=1e-11)


@pytest.mark.parametrize("exponents", [[0.0, 2.0, -2.0], [1.0, 0.5, 3.0], [1e-17, 2 + 1e-15, 1e-12]], ids=str)
@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_powers_with_any_exponents(exponents: list[float], method: str) -> None:
    power = PowerTransformer(method=method, standardize=False).fit(POSITIVE)
    power.lambdas_ = np.array(exponents)
    rows = POSITIVE if method == "box-cox" else np.concatenate([NORMAL, NORMAL * 1e-9, NORMAL * 1e3])
    np.testing.assert_allclose(values(power, rows), power.transform(rows), rtol=1e-12, atol=1e-14)
