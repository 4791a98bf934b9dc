"""The columns of an estimator's features, followed through its transformers to what predicts from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from convert.estimator.fitted import steps_of, unwrapped
from convert.estimator.members import members_of
from convert.graph.transformers.layouts import InTurn, SideBySide, passes
from convert.graph.transformers.origins import Known, Origins, untouched
from convert.graph.transformers.table import TRANSFORMERS
from convert.graph.transforms import layout_of


class Predictor(NamedTuple):
    """An estimator that is made of no others, and the origins of the columns that it is given, as in `Traced`."""

    estimator: Any
    columns: Origins | None


@dataclass(frozen=True, slots=True)
class Traced:
    """What `trace` finds.

    columns: the origin of each column that the last transformer of a pipeline makes, None for one made of several
    features or in an unknown way; None if not even their number is known.
    known: for each feature, the categories that the encoders and imputers on it know.
    together: the features in the columns of each transformer that computes with numbers.
    predictors: what is behind the transformers, those of the members of an ensemble, too.
    """

    columns: Origins | None
    known: Known
    together: tuple[frozenset[int], ...]
    predictors: tuple[Predictor, ...]


def trace(estimator: Any, features: int) -> Traced:
    """Follow the columns of `features` features through the transformers of an estimator, and of its members.

    Raises ConvertError for a transformer whose columns can't be followed and have to be.
    """
    tracer = _Tracer([[] for _ in range(features)])
    *transformers, last = steps_of(estimator)
    columns = tracer.through(transformers, untouched(features))
    predictors = tuple(tracer.predictors(last, columns))
    return Traced(columns, tracer.known, tuple(tracer.together), predictors)


@dataclass(frozen=True, slots=True)
class _Tracer:
    known: Known
    together: list[frozenset[int]] = field(default_factory=list)

    def predictors(self, estimator: Any, columns: Origins | None) -> Iterator[Predictor]:
        """Yield the estimator, or what its members end with, whose encoders are looked at on the way."""
        members = members_of(estimator)
        if not members:
            yield Predictor(unwrapped(estimator), columns)
        for member in members:
            given = columns
            if columns is not None and member.columns is not None:
                given = [columns[index] for index in member.columns]
            *transformers, last = steps_of(member.estimator)
            yield from self.predictors(last, self.through(transformers, given))

    def through(self, transformers: Sequence[Any], columns: Origins | None) -> Origins | None:
        """Return the origins of what `transformers` make, one after the other."""
        for transformer in transformers:
            columns = None if columns is None else self._follow(transformer, columns)
        return columns

    def _follow(self, transformer: Any, columns: Origins) -> Origins | None:
        if passes(transformer):
            return columns
        transformer = unwrapped(transformer)
        layout = layout_of(transformer)
        if isinstance(layout, InTurn):
            return self.through(layout.steps, columns)
        if isinstance(layout, SideBySide):
            return self._parts(layout, columns)
        kind = TRANSFORMERS.get(type(transformer))
        if kind is None:
            return None
        if kind.computes:
            self.together.append(frozenset(column.feature for column in columns if column is not None))
        return kind.follow(transformer, columns, self.known)

    def _parts(self, layout: SideBySide, columns: Origins) -> Origins:
        made: Origins = []
        for part in layout.parts:
            chosen = columns if part.columns is None else [columns[index] for index in part.columns]
            followed = self._follow(part.transformer, list(chosen))
            made += [None] * part.width() if followed is None else followed
        return made
