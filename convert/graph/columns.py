"""What a graph has made of the rows so far: a matrix of columns, and what is known of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator.features import Feature, Floats
from convert.graph.curves import Compared, Source, in_front, pulled_back
from convert.graph.graph import Graph, Value
from convert.graph.trees import TreeEnsemble


class Later:
    """A matrix that is written when it is first asked for, if it ever is."""

    def __init__(self, write: Callable[[], Value]) -> None:
        """Take what writes it; that may raise ConvertError."""
        self._write = write

    @cached_property
    def value(self) -> Value:
        """Write it."""
        return self._write()


@dataclass(frozen=True, slots=True)
class Columns:
    """What a graph has made of the rows so far.

    written: (n, columns) float64, or what writes it: where curves make the columns, trees do without it.
    categories: for each column, the strings whose numbers it holds; None where it holds numbers of its own.
    sparse: whether scikit-learn holds it in a sparse matrix, where scalers multiply instead of dividing.
    dtypes: for each column, the type in which scikit-learn holds it; all are float64 where there are none.
    summed_by: the class of the transformer that summed up numbers in an order of its own, so that last bits differ;
    None where all bits are scikit-learn's.
    sources: for each column, where trees find it to the bit, in front of its curve; none where no column has a curve.
    """

    written: Value | Later
    categories: tuple[tuple[str, ...] | None, ...]
    sparse: bool = False
    summed_by: str | None = None
    dtypes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def value(self) -> Value:
        """Return the matrix, which is written now, if it was not before."""
        return self.written.value if isinstance(self.written, Later) else self.written

    @property
    def dtype(self) -> str:
        """Return the type of the array that scikit-learn makes of the columns."""
        return str(np.result_type(*self.dtypes)) if self.dtypes else "float64"

    def with_dtype(self, dtype: str) -> Columns:
        """Return the columns as such that scikit-learn holds in `dtype`."""
        return replace(self, dtypes=() if dtype == "float64" else (dtype,) * len(self.categories))

    def made(self, value: Value) -> Columns:
        """Return as many columns, of the same kinds, made into another `value`."""
        return replace(self, written=value, sources=())

    def plain(self) -> Columns:
        """Return the columns as operators write them, curves or not."""
        return replace(self, sources=())

    def bent(self, by: str, written: Later, sources: Sequence[Source]) -> Columns:
        """Return as many columns, made by the curves of a transformer of the class `by`."""
        return replace(self, written=written, sources=tuple(sources), summed_by=by)

    def own_sources(self) -> tuple[Source, ...]:
        """Return where each column is found to the bit: those that no curve makes are so where they are."""
        return self.sources or tuple(Source(self.value, place) for place in range(len(self.categories)))

    def chosen(self, graph: Graph, indices: Sequence[int]) -> Columns:
        """Write the choice of some of the columns."""

        def write() -> Value:
            places = graph.constant(np.asarray(indices, dtype=np.int64))
            return graph.node("Gather", self.value, places, axis=1, name="chosen")

        return replace(
            self,
            written=_written(write, later=bool(self.sources)),
            categories=tuple(self.categories[index] for index in indices),
            dtypes=tuple(self.dtypes[index] for index in indices) if self.dtypes else (),
            sources=tuple(self.sources[index] for index in indices) if self.sources else (),
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

    def split_by(self, graph: Graph, estimator: Any, ensemble: TreeEnsemble) -> Compared:
        """Return what the trees of `estimator` compare; raise ConvertError as `compared_by` does.

        Where curves make columns, those in front of them are compared, with thresholds that are pulled back.
        """
        if self.sources:
            return in_front(graph, self.sources, ensemble)
        return Compared(self.compared_by(estimator), len(self.categories), ensemble)

    def cut_by(self, graph: Graph, transformer: Any, limits: Sequence[Floats]) -> tuple[Value, list[Floats]]:
        """Return what `transformer` compares with sorted `limits` of each column, whether it is above them, and those.

        Raises ConvertError as `compared_by` does.
        """
        if self.sources:
            return pulled_back(graph, self.sources, limits)
        return self.compared_by(transformer), list(limits)


def input_columns(graph: Graph, features: Sequence[Feature], dtypes: tuple[str, ...]) -> Columns:
    """Return the columns that the graph of an estimator of `features` begins with, held in `dtypes`."""
    categories = tuple(each.categories if each.type == "str" else None for each in features)
    return Columns(graph.rows, categories, dtypes=dtypes)


def number_columns(
    value: Value | Later, count: int, *, sparse: bool = False, summed_by: str | None = None, dtype: str = "float64"
) -> Columns:
    """Return `count` columns of numbers, of the `dtype` in which scikit-learn holds them."""
    return Columns(value, (None,) * count, sparse, summed_by).with_dtype(dtype)


def side_by_side(graph: Graph, parts: Sequence[Columns], *, sparse: bool) -> Columns:
    """Write the columns of all `parts` as those of one matrix."""

    def write() -> Value:
        return graph.node("Concat", *(part.value for part in parts), axis=1, name="columns")

    categories = tuple(chain.from_iterable(part.categories for part in parts))
    summed = [part.summed_by for part in parts if part.summed_by and not part.sources]
    bent = [part.summed_by for part in parts if part.sources]
    sources = tuple(chain.from_iterable(part.own_sources() for part in parts)) if bent and not summed else ()
    dtype = str(np.result_type(*(part.dtype for part in parts)))
    summed_by = next(iter([*summed, *bent]), None)
    made = Columns(_written(write, later=bool(bent)), categories, sparse, summed_by, sources=sources)
    return made.with_dtype(dtype)


def _written(write: Callable[[], Value], *, later: bool) -> Value | Later:
    return Later(write) if later else write()
