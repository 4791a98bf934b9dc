"""PowerTransformer: powers of numbers, by Yeo and Johnson or by Box and Cox."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.features import Floats
from convert.graph.columns import Columns
from convert.graph.elementary import expm1, log1p, number
from convert.graph.graph import Graph, Value
from convert.graph.transformers.curved import bent
from convert.graph.transformers.scalers import STANDARD, follow_scaler
from convert.graph.transformers.transformer import Transformer

NO_POWER = float(np.finfo(np.float64).eps)
"""Below it scipy takes an exponent for 0, of which there is a logarithm."""
SPREAD = 1e5
"""How many times its standard deviation the mean of what is made may be: rounding is blown up as much."""


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    return bent(graph, rows.with_dtype(rows.dtype), transformer, _write_out)


def _write_out(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write PowerTransformer.transform."""
    exponents = np.asarray(transformer.lambdas_, dtype=np.float64)
    made = _box_cox if transformer.method == "box-cox" else _yeo_johnson
    powers = rows.made(made(graph, rows.value, exponents))
    scaler = insides.power_scaler(transformer)
    if scaler is None:
        return powers
    if (np.abs(scaler.mean_) > SPREAD * scaler.scale_).any():
        raise ConvertError(
            "PowerTransformer makes numbers that hardly vary, and blows up what is rounded: put a StandardScaler in"
            " front of it, or trees behind it"
        )
    return STANDARD.write(graph, powers, scaler)


def _yeo_johnson(graph: Graph, values: Value, exponents: Floats) -> Value:
    """Write scipy.stats.yeojohnson: as for numbers above 0, and for those below 0 with 2 - exponent, negative."""
    below = graph.node("Less", values, number(graph, 0))
    log = log1p(graph, graph.node("Abs", values))
    sides = [_power(graph, log, each) for each in (2 - exponents, exponents)]
    return graph.node("Where", below, graph.node("Neg", sides[0]), sides[1], name="powers")


def _box_cox(graph: Graph, values: Value, exponents: Floats) -> Value:
    """Write scipy.special.boxcox."""
    return _power(graph, graph.node("Log", values), exponents)


def _power(graph: Graph, log: Value, exponents: Floats) -> Value:
    """Write (exp(exponent * log) - 1) / exponent, and the log itself where the exponent is 0."""
    none = np.abs(exponents) < NO_POWER
    divisors = graph.constant(np.where(none, 1.0, exponents))
    power = graph.node("Div", expm1(graph, graph.node("Mul", log, divisors)), divisors)
    return graph.node("Where", graph.constant(none), log, power) if none.any() else power


POWER = Transformer(_write, follow_scaler, computes=True, curve=True)
