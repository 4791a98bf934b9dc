"""What a graph has made of the rows so far: a matrix of columns, and what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator.features import Feature
from convert.graph.graph import Graph, Value


@dataclass(frozen=True, slots=True)
class Columns:
    """What a graph has made of the rows so far.

    value: (n, columns) float64.
    categories: for each column, the strings whose numbers it holds; None where it holds numbers of its own.
    sparse: whether scikit-learn holds it in a sparse matrix, where scalers multiply instead of dividing.
    dtypes: for each column, the type in which scikit-learn holds it; all are float64 where there are none.
    summed_by: the class of the transformer that summed up numbers in an order of its own, so that last bits differ;
    None where all bits are scikit-learn's.
    """

    value: Value
    categories: tuple[tuple[str, ...] | None, ...]
    sparse: bool = False
    summed_by: str | None = None
    dtypes: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """Return the type of the array that scikit-learn makes of the columns."""
        return str(np.result_type(*self.dtypes)) if self.dtypes else "float64"

    def with_dtype(self, dtype: str) -> Columns:
        """Return the columns as such that scikit-learn holds in `dtype`."""
        return replace(self, dtypes=() if dtype == "float64" else (dtype,) * len(self.categories))

    def made(self, value: Value) -> Columns:
        """Return as many columns, of the same kinds, made into another `value`."""
        return replace(self, value=value)

    def chosen(self, graph: Graph, indices: Sequence[int]) -> Columns:
        """Write the choice of some of the columns."""
        value = graph.node(
            "Gather", self.value, graph.constant(np.asarray(indices, dtype=np.int64)), axis=1, name="chosen"
        )
        return replace(
            self,
            value=value,
            categories=tuple(self.categories[index] for index in indices),
            dtypes=tuple(self.dtypes[index] for index in indices) if self.dtypes else (),
        )

    def compared_by(self, estimator: Any) -> Value:
        """Return the value, for `estimator` to compare with thresholds; raise ConvertError where last bits differ."""
        if self.summed_by is not None:
            compares = type(estimator).__name__
            raise ConvertError(
                f"{compares} compares what {self.summed_by} sums up, whose last bits differ from scikit-learn's: leave"
                f" {self.summed_by} out, or end with a linear model instead of {compares}"
            )
        return self.value


def input_columns(graph: Graph, features: Sequence[Feature], dtypes: tuple[str, ...]) -> Columns:
    """Return the columns that the graph of an estimator of `features` begins with, held in `dtypes`."""
    categories = tuple(each.categories if each.type == "str" else None for each in features)
    return Columns(graph.rows, categories, dtypes=dtypes)


def number_columns(
    value: Value, count: int, *, sparse: bool = False, summed_by: str | None = None, dtype: str = "float64"
) -> Columns:
    """Return `count` columns of numbers, of the `dtype` in which scikit-learn holds them."""
    return Columns(value, (None,) * count, sparse, summed_by).with_dtype(dtype)


def side_by_side(graph: Graph, parts: Sequence[Columns], *, sparse: bool) -> Columns:
    """Write the columns of all `parts` as those of one matrix."""
    value = graph.node("Concat", *(part.value for part in parts), axis=1, name="columns")
    categories = tuple(chain.from_iterable(part.categories for part in parts))
    summed_by = next((part.summed_by for part in parts if part.summed_by), None)
    dtype = str(np.result_type(*(part.dtype for part in parts)))
    return Columns(value, categories, sparse, summed_by).with_dtype(dtype)
