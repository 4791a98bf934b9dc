"""Transformers of numbers that compare, bin, multiply or normalise, with scikit-learn's own operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.columns import Columns, number_columns
from convert.errors import ConvertError
from convert.graph import Graph

NO_NORM = 10 * float(np.finfo(np.float64).eps)
"""Below it sklearn.preprocessing.normalize takes the norm of a row for 1."""
NORMS = {"l1": ("Abs", "ReduceSum"), "l2": ("Mul", "ReduceSum"), "max": ("Abs", "ReduceMax")}


def binarizer(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write Binarizer.transform."""
    return rows.made(write_binary(graph, rows.compared_by(transformer), transformer.threshold))


def write_binary(graph: Graph, rows: str, threshold: float) -> str:
    """Write 1 where a number is above the `threshold`, 0 at it and below: (n, columns) float64."""
    return graph.cast(graph.node("Greater", rows, graph.constant(np.float64(threshold))), np.float64)


def discretizer(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write KBinsDiscretizer.transform: how many of the inner edges are at or below the number."""
    if transformer.dtype == np.float32:
        raise ConvertError("KBinsDiscretizer is written with dtype=None or numpy.float64, not with numpy.float32")
    name, made = rows.compared_by(transformer), []
    for column, edges in enumerate(transformer.bin_edges_):
        value = graph.node("Gather", name, graph.constant(np.array([column])), axis=1)
        limits = edges[1:-1] if len(edges) > 2 else [np.inf]  # of a constant column, whose one bin has none
        inner = graph.constant(np.asarray(limits, dtype=np.float64)[np.newaxis])
        reached = graph.cast(graph.node("GreaterOrEqual", value, inner), np.float64)
        place = graph.node("ReduceSum", reached, graph.constant(np.array([1])), keepdims=1)
        if transformer.encode != "ordinal":
            bins = graph.constant(np.arange(len(edges) - 1, dtype=np.float64)[np.newaxis])
            place = graph.cast(graph.node("Equal", place, bins), np.float64)
        made.append(place)
    ordinal, sparse = transformer.encode == "ordinal", transformer.encode == "onehot"
    count = len(made) if ordinal else int(sum(transformer.n_bins_))
    return number_columns(graph.node("Concat", *made, axis=1), count, sparse=sparse)


def normalizer(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write sklearn.preprocessing.normalize: each row divided by its norm, if it has one."""
    size, reduce = NORMS[transformer.norm]
    each = graph.node(size, rows.name, *[rows.name] * (size == "Mul"))
    norm = graph.node(reduce, each, graph.constant(np.array([1])), keepdims=1)
    if transformer.norm == "l2":
        norm = graph.node("Sqrt", norm)
    one = graph.constant(np.float64(1))
    if rows.sparse:
        none = graph.node("Equal", norm, graph.constant(np.float64(0)))
    else:
        none = graph.node("Less", norm, graph.constant(np.float64(NO_NORM)))
    name = graph.node("Div", rows.name, graph.node("Where", none, one, norm))
    summed_by = rows.summed_by if transformer.norm == "max" else type(transformer).__name__
    return number_columns(name, len(rows.categories), sparse=rows.sparse, summed_by=summed_by)


def polynomial_features(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write PolynomialFeatures.transform: each product is one of a factor less, times its first factor."""
    if rows.sparse and transformer._max_degree > 2:
        raise ConvertError("PolynomialFeatures of sparse columns is written up to degree=2: give it a dense matrix")
    powers = [tuple(np.repeat(np.arange(len(row)), row).tolist()) for row in transformer.powers_]
    last: dict[tuple[int, ...], tuple[str, int]] = {
        (column,): (rows.name, column) for column in range(len(rows.categories))
    }
    parts = [_ones(graph, rows.name)] if () in powers else []
    parts += [rows.name] if transformer._min_degree <= 1 <= transformer._max_degree else []
    for degree in range(2, transformer._max_degree + 1):
        wanted = _products(len(rows.categories), degree, distinct=transformer.interaction_only)
        if not wanted:
            break
        [shorter] = {last[product[1:]][0] for product in wanted}
        places = graph.constant(np.array([last[product[1:]][1] for product in wanted]))
        firsts = graph.constant(np.array([product[0] for product in wanted]))
        name = graph.node(
            "Mul",
            graph.node("Gather", shorter, places, axis=1),
            graph.node("Gather", rows.name, firsts, axis=1),
        )
        last = {product: (name, place) for place, product in enumerate(wanted)}
        parts += [name] if degree >= transformer._min_degree else []
    return number_columns(
        graph.node("Concat", *parts, axis=1), len(powers), sparse=rows.sparse, summed_by=rows.summed_by
    )


def _products(columns: int, degree: int, *, distinct: bool) -> list[tuple[int, ...]]:
    from itertools import combinations, combinations_with_replacement

    choose = combinations if distinct else combinations_with_replacement
    return list(choose(range(columns), degree))


def _ones(graph: Graph, rows: str) -> str:
    """Write a 1 for each row, (n, 1): a number is no NaN or is one."""
    first = graph.node("Gather", rows, graph.constant(np.array([0])), axis=1)
    never = graph.cast(graph.node("Less", first, first), np.float64)
    return graph.node("Add", never, graph.constant(np.float64(1)))
