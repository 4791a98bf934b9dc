"""The inverse of what a target was transformed with: from the value that a regressor predicts to one of the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import exp10
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from convert.errors import ConvertError
from convert.estimator import insides
from convert.graph.graph import Graph, Value
from convert.graph.transformers.layouts import passes

type Inverse = Callable[[Graph, Value, Any], Value]


def write_inverse(graph: Graph, value: Value, transformer: Any) -> Value:
    """Write the inverse_transform of a transformer of the target, for `value` (n, 1).

    Raises ConvertError for one that is not written.
    """
    if passes(transformer):
        return value
    inverse = INVERSES.get(type(transformer))
    if inverse is None:
        raise _refused(type(transformer).__name__)
    return inverse(graph, value, transformer)


def _steps(graph: Graph, value: Value, pipeline: Any) -> Value:
    for _, step in reversed(pipeline.steps):
        value = write_inverse(graph, value, step)
    return value


def _function(graph: Graph, value: Value, transformer: Any) -> Value:
    if transformer.inverse_func is None:
        return value
    write = next((write for function, write in FUNCTIONS if function is transformer.inverse_func), None)
    if write is None or transformer.inv_kw_args:
        name = getattr(transformer.inverse_func, "__name__", type(transformer.inverse_func).__name__)
        raise _refused(f"inverse_func={name}")
    return write(graph, value)


def _refused(given: str) -> ConvertError:
    return ConvertError(
        f"TransformedTargetRegressor is not written with {given[:60]}: fit it with inverse_func=numpy.exp or another of"
        " numpy's functions (expm1, exp2, square, sqrt, log, log1p), a scaler, or a PowerTransformer"
    )


def _minimum_maximum(graph: Graph, value: Value, scaler: Any) -> Value:
    return graph.node("Div", graph.node("Sub", value, _one(graph, scaler.min_)), _one(graph, scaler.scale_))


def _largest(graph: Graph, value: Value, scaler: Any) -> Value:
    return graph.node("Mul", value, _one(graph, scaler.scale_))


def _standard(graph: Graph, value: Value, scaler: Any) -> Value:
    return _moved(graph, value, scaler.scale_ if scaler.with_std else None, scaler.mean_ if scaler.with_mean else None)


def _robust(graph: Graph, value: Value, scaler: Any) -> Value:
    scale, center = scaler.scale_ if scaler.with_scaling else None, scaler.center_ if scaler.with_centering else None
    return _moved(graph, value, scale, center)


def _moved(graph: Graph, value: Value, scale: Any, center: Any) -> Value:
    value = value if scale is None else graph.node("Mul", value, _one(graph, scale))
    return value if center is None else graph.node("Add", value, _one(graph, center))


def _power(graph: Graph, value: Value, transformer: Any) -> Value:
    """Write PowerTransformer.inverse_transform."""
    [power] = [float(each) for each in transformer.lambdas_]
    if transformer.standardize:
        value = _standard(graph, value, insides.scaler_of_powers(transformer))
    if transformer.method == "box-cox":
        return _box_cox(graph, value, power)
    above = graph.node("Sub", _raised(graph, value, power), _one(graph, 1.0))
    below = graph.node("Sub", _one(graph, 1.0), _raised(graph, graph.node("Neg", value), 2.0 - power))
    negative = graph.node("Less", value, _one(graph, 0.0))
    return graph.node("Where", negative, below, above)


def _box_cox(graph: Graph, value: Value, power: float) -> Value:
    """Write scipy.special.inv_boxcox: no number where that of another power would have to be negative."""
    if power == 0:
        return graph.node("Exp", value)
    logarithm = _log1p(graph, graph.node("Mul", value, _one(graph, power)))
    return graph.node("Exp", graph.node("Div", logarithm, _one(graph, power)))


def _raised(graph: Graph, value: Value, power: float) -> Value:
    """Write (power * value + 1) to the power of 1 / power, whose limit for 0 is the exponential."""
    if abs(power) < np.spacing(1.0):
        return graph.node("Exp", value)
    base = graph.node("Add", graph.node("Mul", value, _one(graph, power)), _one(graph, 1.0))
    return graph.node("Pow", base, _one(graph, 1 / power))


def _expm1(graph: Graph, value: Value) -> Value:
    return graph.node("Sub", graph.node("Exp", value), _one(graph, 1.0))


def _log1p(graph: Graph, value: Value) -> Value:
    return graph.node("Log", graph.node("Add", value, _one(graph, 1.0)))


def _one(graph: Graph, number: Any) -> Value:
    return graph.constant(np.float64(np.asarray(number, dtype=np.float64).reshape(-1)[0]))


FUNCTIONS: list[tuple[Any, Callable[[Graph, Value], Value]]] = [
    (np.exp, lambda graph, value: graph.node("Exp", value)),
    (np.expm1, _expm1),
    (np.exp2, lambda graph, value: graph.node("Pow", _one(graph, 2.0), value)),
    (exp10, lambda graph, value: graph.node("Pow", _one(graph, 10.0), value)),
    (np.log, lambda graph, value: graph.node("Log", value)),
    (np.log1p, _log1p),
    (np.log2, lambda graph, value: graph.node("Div", graph.node("Log", value), _one(graph, np.log(2.0)))),
    (np.log10, lambda graph, value: graph.node("Div", graph.node("Log", value), _one(graph, np.log(10.0)))),
    (np.square, lambda graph, value: graph.node("Mul", value, value)),
    (np.sqrt, lambda graph, value: graph.node("Sqrt", value)),
    (np.negative, lambda graph, value: graph.node("Neg", value)),
    (np.reciprocal, lambda graph, value: graph.node("Div", _one(graph, 1.0), value)),
    (np.abs, lambda graph, value: graph.node("Abs", value)),
]
"""The functions that are written, by what they are."""
INVERSES: dict[type, Inverse] = {
    FunctionTransformer: _function,
    MaxAbsScaler: _largest,
    MinMaxScaler: _minimum_maximum,
    Pipeline: _steps,
    PowerTransformer: _power,
    RobustScaler: _robust,
    StandardScaler: _standard,
}
