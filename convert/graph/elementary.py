"""Elementary functions of float64 numbers, element by element, in operators: to the bit, or nearly.

Those that say nothing else are as precise as numpy's, but for a last bit or two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convert.graph.graph import Graph, Value

WHOLE = 2.0**52
"""From here on every float64 is a whole number."""
FEW = 20.0
"""Beyond it exp(-x) is less than half a bit of exp(x)."""
NEAR = 0.25
"""Up to how far from 0 the series of the arctangent is summed up."""
NORMAL_MIDDLE = (
    (3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125),
    (45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727),
    (1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077),
    (21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610),
)
NORMAL_NEAR = (
    (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504),
    (1.27045825245236838258, 0.241780725177450611770, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550),
    (0.148103976427480074590, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)
NORMAL_FAR = (
    (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230),
    (2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 0.599832206555887937690, 0.136929880922735805310, 1.48753612908506148525e-2),
    (7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)
"""Coefficients of the rational functions of Wichura's algorithm AS 241 (PPND16): above and below the line, by power."""


def number(graph: Graph, value: float) -> Value:
    """Write a number."""
    return graph.constant(np.float64(value))


def polynomial(graph: Graph, values: Value, coefficients: Sequence[float]) -> Value:
    """Write the polynomial of the coefficients, that of the lowest power first."""
    made = number(graph, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        made = graph.node("Add", graph.node("Mul", made, values), number(graph, coefficient))
    return made


def with_sign_of(graph: Graph, signed: Value, size: Value) -> Value:
    """Write `size`, negative where `signed` is."""
    return graph.node("Where", graph.node("Less", signed, number(graph, 0)), graph.node("Neg", size), size)


def log1p(graph: Graph, values: Value) -> Value:
    """Write log(1 + x); what rounding 1 + x loses, x / ((1 + x) - 1) brings back."""
    one = number(graph, 1)
    moved = graph.node("Add", values, one)
    kept = graph.node("Sub", moved, one)
    same = graph.node("Equal", kept, values)
    none = graph.node("Equal", kept, number(graph, 0))
    ratio = graph.node("Where", same, one, graph.node("Div", values, graph.node("Where", none, one, kept)))
    return graph.node("Where", none, values, graph.node("Mul", graph.node("Log", moved), ratio), name="log1p")


def expm1(graph: Graph, values: Value) -> Value:
    """Write exp(x) - 1, by Kahan's way: (e - 1) * (x / log(e)), e being exp(x)."""
    one = number(graph, 1)
    power = graph.node("Exp", values)
    less = graph.node("Sub", power, one)
    log = graph.node("Log", power)
    none = graph.node("Equal", less, number(graph, 0))
    plain = graph.node("Greater", graph.node("Abs", values), number(graph, FEW))
    ratio = graph.node("Where", plain, one, graph.node("Div", values, graph.node("Where", none, one, log)))
    return graph.node("Where", none, values, graph.node("Mul", less, ratio), name="expm1")


def log_of_base(graph: Graph, values: Value, base: float) -> Value:
    """Write the logarithm of a base."""
    return graph.node("Div", graph.node("Log", values), number(graph, math.log(base)))


def exp2(graph: Graph, values: Value) -> Value:
    """Write 2 to the power of x."""
    return graph.node("Pow", number(graph, 2), values)


def cbrt(graph: Graph, values: Value) -> Value:
    """Write the third root."""
    root = graph.node("Pow", graph.node("Abs", values), number(graph, 1 / 3))
    return with_sign_of(graph, values, root)


def sinh(graph: Graph, values: Value) -> Value:
    """Write (exp(x) - exp(-x)) / 2; far off, without the second, and as a product that does not overflow before."""
    size, half = graph.node("Abs", values), number(graph, 0.5)
    less = expm1(graph, size)
    other = graph.node("Div", less, graph.node("Add", less, number(graph, 1)))
    near = graph.node("Mul", graph.node("Add", less, other), half)
    root = graph.node("Exp", graph.node("Mul", size, half))
    far = graph.node("Mul", graph.node("Mul", root, half), root)
    chosen = graph.node("Where", graph.node("Greater", size, number(graph, FEW)), far, near)
    return with_sign_of(graph, values, chosen)


def arcsinh(graph: Graph, values: Value) -> Value:
    """Write log(x + sqrt(x * x + 1)), and far off log(2 x)."""
    size, one = graph.node("Abs", values), number(graph, 1)
    square = graph.node("Mul", size, size)
    root = graph.node("Sqrt", graph.node("Add", square, one))
    near = log1p(graph, graph.node("Add", size, graph.node("Div", square, graph.node("Add", root, one))))
    far = graph.node("Add", graph.node("Log", size), number(graph, math.log(2)))
    chosen = graph.node("Where", graph.node("Greater", size, number(graph, 1e9)), far, near)
    return with_sign_of(graph, values, chosen)


def arctan(graph: Graph, values: Value) -> Value:
    """Write the arctangent: of the inverse where x is above 1, twice of half the angle until the series is short."""
    size, one, angle = graph.node("Abs", values), number(graph, 1), 1.0
    above = graph.node("Greater", size, one)
    tangent = graph.node("Where", above, graph.node("Div", one, size), size)
    while math.tan(math.pi / 4 * angle) > NEAR:
        root = graph.node("Sqrt", graph.node("Add", one, graph.node("Mul", tangent, tangent)))
        tangent, angle = graph.node("Div", tangent, graph.node("Add", one, root)), angle / 2
    series = [(-1.0) ** power / (2 * power + 1) / angle for power in range(14)]
    near = graph.node("Mul", tangent, polynomial(graph, graph.node("Mul", tangent, tangent), series))
    turned = graph.node("Where", above, graph.node("Sub", number(graph, math.pi / 2), near), near)
    return with_sign_of(graph, values, turned)


def arctanh(graph: Graph, values: Value) -> Value:
    """Write half the difference of log(1 + x) and log(1 - x)."""
    apart = graph.node("Sub", log1p(graph, values), log1p(graph, graph.node("Neg", values)))
    return graph.node("Mul", apart, number(graph, 0.5))


def arccosh(graph: Graph, values: Value) -> Value:
    """Write log(x + sqrt(x * x - 1)), and far off log(2 x)."""
    more = graph.node("Sub", values, number(graph, 1))
    product = graph.node("Mul", more, graph.node("Add", more, number(graph, 2)))
    near = log1p(graph, graph.node("Add", more, graph.node("Sqrt", product)))
    far = graph.node("Add", graph.node("Log", values), number(graph, math.log(2)))
    chosen = graph.node("Where", graph.node("Greater", values, number(graph, 1e9)), far, near)
    return graph.node("Where", graph.node("Less", values, number(graph, 1)), number(graph, np.nan), chosen)


def expit(graph: Graph, values: Value) -> Value:
    """Write the sigmoid as scipy computes it. ONNX's is 0 below -37, where shares of several such are not."""
    one = number(graph, 1)
    return graph.node("Div", one, graph.node("Add", one, graph.node("Exp", graph.node("Neg", values))))


def logit(graph: Graph, values: Value) -> Value:
    """Write log(x / (1 - x))."""
    return graph.node("Log", graph.node("Div", values, graph.node("Sub", number(graph, 1), values)))


def rint(graph: Graph, values: Value) -> Value:
    """Write the nearest whole number, the even one of two, to the bit."""
    size, whole = graph.node("Abs", values), number(graph, WHOLE)
    near = graph.node("Sub", graph.node("Add", size, whole), whole)
    chosen = graph.node("Where", graph.node("Less", size, whole), near, size)
    return with_sign_of(graph, values, chosen)


def floor(graph: Graph, values: Value) -> Value:
    """Write the largest whole number that is not above, to the bit."""
    near = rint(graph, values)
    above = graph.node("Greater", near, values)
    return graph.node("Where", above, graph.node("Sub", near, number(graph, 1)), near)


def ceil(graph: Graph, values: Value) -> Value:
    """Write the smallest whole number that is not below, to the bit."""
    return graph.node("Neg", floor(graph, graph.node("Neg", values)))


def trunc(graph: Graph, values: Value) -> Value:
    """Write the whole number without the digits behind the point, to the bit."""
    return with_sign_of(graph, values, floor(graph, graph.node("Abs", values)))


def sign(graph: Graph, values: Value) -> Value:
    """Write 1, 0 or -1, to the bit."""
    zero = number(graph, 0)
    sides = [graph.cast(graph.node(side, values, zero), np.float64) for side in ("Greater", "Less")]
    return graph.node("Where", graph.node("IsNaN", values), values, graph.node("Sub", *sides))


def normal_quantile(graph: Graph, shares: Value) -> Value:
    """Write the number that a normally distributed one is below with a probability of `shares`, by AS 241."""
    half, one = number(graph, 0.5), number(graph, 1)
    off = graph.node("Sub", shares, half)
    left = graph.node("Sub", number(graph, 0.180625), graph.node("Mul", off, off))
    middle = graph.node("Mul", off, _rational(graph, left, NORMAL_MIDDLE))
    below = graph.node("Less", off, number(graph, 0))
    tail = graph.node("Where", below, shares, graph.node("Sub", one, shares))
    root = graph.node("Sqrt", graph.node("Neg", graph.node("Log", tail)))
    near = _rational(graph, graph.node("Sub", root, number(graph, 1.6)), NORMAL_NEAR)
    far = _rational(graph, graph.node("Sub", root, number(graph, 5)), NORMAL_FAR)
    outer = graph.node("Where", graph.node("Greater", root, number(graph, 5)), far, near)
    outer = graph.node("Where", below, graph.node("Neg", outer), outer)
    central = graph.node("Greater", left, number(graph, 0))
    return graph.node("Where", central, middle, outer, name="normal")


def _rational(graph: Graph, values: Value, coefficients: Sequence[Sequence[float]]) -> Value:
    above, below = (polynomial(graph, values, [*coefficients[place], *coefficients[place + 1]]) for place in (0, 2))
    return graph.node("Div", above, below)
