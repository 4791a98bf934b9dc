"""FunctionTransformer, of no function, or of one of numpy's or scipy's that are known by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import scipy.special

from convert.errors import ConvertError
from convert.graph import elementary
from convert.graph.columns import Columns
from convert.graph.elementary import number
from convert.graph.graph import Graph, Value
from convert.graph.transformers.curved import bent
from convert.graph.transformers.origins import Known, Origins, grown
from convert.graph.transformers.transformer import Transformer

type Writer = Callable[[Graph, Value], Value]


class Function(NamedTuple):
    """A function of numbers, element by element.

    write: writes it.
    rises: whether it never falls where it makes numbers.
    exact: whether what is written is numpy's to the bit.
    """

    write: Writer
    rises: bool = True
    exact: bool = False


def _of(operator: str) -> Writer:
    return partial(_node, operator)


def _node(operator: str, graph: Graph, values: Value) -> Value:
    return graph.node(operator, values)


def _reciprocal(graph: Graph, values: Value) -> Value:
    return graph.node("Div", number(graph, 1), values)


def _square(graph: Graph, values: Value) -> Value:
    return graph.node("Mul", values, values)


def _clip(low: float | None, high: float | None, graph: Graph, values: Value) -> Value:
    """Write numpy.clip between two numbers; what is no number stays so."""
    ends = (number(graph, -np.inf if low is None else low), number(graph, np.inf if high is None else high))
    return graph.node("Where", graph.node("IsNaN", values), values, graph.node("Clip", values, *ends))


def _round(decimals: int, graph: Graph, values: Value) -> Value:
    """Write numpy.round: whole numbers of a power of ten."""
    if not decimals:
        return elementary.rint(graph, values)
    power, (there, back) = number(graph, 10.0 ** abs(decimals)), ("Mul", "Div") if decimals > 0 else ("Div", "Mul")
    return graph.node(back, elementary.rint(graph, graph.node(there, values, power)), power)


FUNCTIONS: Mapping[Any, Function] = {
    np.absolute: Function(_of("Abs"), rises=False, exact=True),
    np.arccosh: Function(elementary.arccosh),
    np.arcsinh: Function(elementary.arcsinh),
    np.arctan: Function(elementary.arctan),
    np.arctanh: Function(elementary.arctanh),
    np.cbrt: Function(elementary.cbrt),
    np.ceil: Function(elementary.ceil, exact=True),
    np.exp: Function(_of("Exp")),
    np.exp2: Function(elementary.exp2),
    np.expm1: Function(elementary.expm1),
    np.fabs: Function(_of("Abs"), rises=False, exact=True),
    np.fix: Function(elementary.trunc, exact=True),
    np.floor: Function(elementary.floor, exact=True),
    np.log: Function(_of("Log")),
    np.log10: Function(partial(elementary.log_of_base, base=10)),
    np.log1p: Function(elementary.log1p),
    np.log2: Function(partial(elementary.log_of_base, base=2)),
    np.negative: Function(_of("Neg"), rises=False, exact=True),
    np.positive: Function(lambda _, values: values, exact=True),
    np.reciprocal: Function(_reciprocal, rises=False, exact=True),
    np.rint: Function(elementary.rint, exact=True),
    np.sign: Function(elementary.sign, exact=True),
    np.sinh: Function(elementary.sinh),
    np.sqrt: Function(_of("Sqrt"), exact=True),
    np.square: Function(_square, rises=False, exact=True),
    np.tanh: Function(_of("Tanh")),
    np.trunc: Function(elementary.trunc, exact=True),
    scipy.special.cbrt: Function(elementary.cbrt),
    scipy.special.exp10: Function(lambda graph, values: graph.node("Pow", number(graph, 10), values)),
    scipy.special.exp2: Function(elementary.exp2),
    scipy.special.expit: Function(elementary.expit),
    scipy.special.expm1: Function(elementary.expm1),
    scipy.special.log1p: Function(elementary.log1p),
    scipy.special.logit: Function(elementary.logit),
}
"""By numpy's or scipy's own function."""


def function_of(func: Any, settings: Mapping[str, Any] | None) -> Function:
    """Return the function that is called with some settings; raise ConvertError for one that is not known."""
    given = dict(settings or {})
    while isinstance(func, partial) and not func.args:
        func, given = func.func, {**func.keywords, **given}
    if func in (np.clip, np.round, np.around):
        made = _between(**given) if func is np.clip else _rounded(**given)
    else:
        made = FUNCTIONS.get(func) if _is_hashable(func) and not given else None
    if made is None:
        raise ConvertError(
            f"FunctionTransformer runs {_named(func, given)}, which is none of the functions that are written, such as"
            " numpy.log1p (docs/estimators.md has them): give it one of those, or apply yours before rows are sent"
        )
    return made


def _between(a_min: Any = None, a_max: Any = None, **others: Any) -> Function | None:
    """Return numpy.clip with numbers for its ends, by their old names or by the new ones, ``min`` and ``max``."""
    low, high = others.pop("min", a_min), others.pop("max", a_max)
    numbers = all(end is None or isinstance(end, int | float | np.number) for end in (low, high))
    return None if others or not numbers else Function(partial(_clip, low, high), exact=True)


def _rounded(decimals: Any = 0, **others: Any) -> Function | None:
    whole = isinstance(decimals, int | np.integer) and not others
    return Function(partial(_round, int(decimals)), exact=True) if whole else None


def _is_hashable(func: Any) -> bool:
    return type(func).__hash__ is not None


def _named(func: Any, settings: Mapping[str, Any]) -> str:
    name = getattr(func, "__name__", type(func).__name__)
    name = "a function of its own" if name in {"<lambda>", "partial"} else name
    return f"{name} with {', '.join(settings)}" if settings else name


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    if transformer.validate:
        rows = rows.with_dtype(rows.dtype)
    if transformer.func is None:
        return rows
    function = function_of(transformer.func, transformer.kw_args)
    if function.rises and (rows.sources or not function.exact):
        return bent(graph, rows, transformer, partial(_write_out, function))
    return rows.made(_write_out(function, graph, rows, transformer))


def _write_out(function: Function, graph: Graph, rows: Columns, _: Any) -> Value:
    return _in_own_precision(graph, rows, function.write(graph, rows.value))


def _in_own_precision(graph: Graph, rows: Columns, made: Value) -> Value:
    """Round the columns that scikit-learn holds in float32, where it makes float32 of them."""
    narrow = np.array([dtype != "float64" for dtype in rows.dtypes])
    if not narrow.any():
        return made
    single = graph.cast(graph.cast(made, np.float32), np.float64)
    return single if narrow.all() else graph.node("Where", graph.constant(narrow), single, made)


def _follow(transformer: Any, columns: Origins, known: Known) -> Origins:
    if transformer.func is None:
        return columns
    rises = function_of(transformer.func, transformer.kw_args).rises
    return [grown(column) if rises else None for column in columns]


FUNCTION = Transformer(_write, _follow, curve=True)
