"""The inverse of what a target was transformed with: from the value that a regressor predicts to one of the target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
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
from convert.graph.elementary import log1p
from convert.graph.graph import Graph, Value
from convert.graph.transformers.function import function_of
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
    return function_of(transformer.inverse_func, transformer.inv_kw_args).write(graph, value)


def _refused(given: str) -> ConvertError:
    return ConvertError(
        f"TransformedTargetRegressor is not written with {given[:60]}: fit it with one of numpy's functions, a"
        " scaler, or a PowerTransformer"
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
    logarithm = log1p(graph, graph.node("Mul", value, _one(graph, power)))
    return graph.node("Exp", graph.node("Div", logarithm, _one(graph, power)))


def _raised(graph: Graph, value: Value, power: float) -> Value:
    """Write (power * value + 1) to the power of 1 / power, whose limit for 0 is the exponential."""
    if abs(power) < np.spacing(1.0):
        return graph.node("Exp", value)
    base = graph.node("Add", graph.node("Mul", value, _one(graph, power)), _one(graph, 1.0))
    return graph.node("Pow", base, _one(graph, 1 / power))


def _one(graph: Graph, number: Any) -> Value:
    return graph.constant(np.float64(np.asarray(number, dtype=np.float64).reshape(-1)[0]))


INVERSES: dict[type, Inverse] = {
    FunctionTransformer: _function,
    MaxAbsScaler: _largest,
    MinMaxScaler: _minimum_maximum,
    Pipeline: _steps,
    PowerTransformer: _power,
    RobustScaler: _robust,
    StandardScaler: _standard,
}
