"""PolynomialFeatures: products of columns."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator import insides
from convert.graph.columns import Columns, number_columns
from convert.graph.graph import Graph, Value
from convert.graph.transformers.origins import Known, Origins
from convert.graph.transformers.transformer import Transformer

PRODUCTS = 1e30
"""What products are to stay below: trees compare them in float32."""


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write PolynomialFeatures.transform: each product is one of a factor less, times its first factor."""
    lowest, highest = insides.degrees(transformer)
    if rows.sparse and highest > 2:
        raise ConvertError("PolynomialFeatures of sparse columns is written up to degree=2: give it a dense matrix")
    powers = [tuple(np.repeat(np.arange(len(row)), row).tolist()) for row in transformer.powers_]
    last: dict[tuple[int, ...], tuple[Value, int]] = {
        (column,): (rows.value, column) for column in range(len(rows.categories))
    }
    parts = [_ones(graph, rows.value)] if () in powers else []
    parts += [rows.value] if lowest <= 1 <= highest else []
    for degree in range(2, highest + 1):
        wanted = _products(len(rows.categories), degree, distinct=transformer.interaction_only)
        if not wanted:
            break
        [shorter] = {last[product[1:]][0] for product in wanted}
        places = graph.constant(np.array([last[product[1:]][1] for product in wanted]))
        firsts = graph.constant(np.array([product[0] for product in wanted]))
        name = graph.node(
            "Mul",
            graph.node("Gather", shorter, places, axis=1),
            graph.node("Gather", rows.value, firsts, axis=1),
        )
        last = {product: (name, place) for place, product in enumerate(wanted)}
        parts += [name] if degree >= lowest else []
    return number_columns(
        graph.node("Concat", *parts, axis=1, name="products"), len(powers), sparse=rows.sparse, summed_by=rows.summed_by
    )


def _products(columns: int, degree: int, *, distinct: bool) -> list[tuple[int, ...]]:
    choose = combinations if distinct else combinations_with_replacement
    return list(choose(range(columns), degree))


def _ones(graph: Graph, rows: Value) -> Value:
    """Write a 1 for each row, (n, 1): a number is no NaN or is one."""
    first = graph.node("Gather", rows, graph.constant(np.array([0])), axis=1)
    never = graph.cast(graph.node("Less", first, first), np.float64)
    return graph.node("Add", never, graph.constant(np.float64(1)))


def _follow(transformer: Any, columns: Origins, known: Known) -> Origins:
    """Follow the columns that are no products."""
    return [columns[int(powers.argmax())] if powers.sum() == 1 else None for powers in transformer.powers_]


def _limit(transformer: Any) -> float:
    _, highest = insides.degrees(transformer)
    return float(PRODUCTS ** (1 / max(highest, 1)))


POLYNOMIAL = Transformer(_write, _follow, computes=True, limit=_limit)
