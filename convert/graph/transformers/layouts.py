"""How transformers that are made of others lay them out: in turn, or side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from convert.errors import ConvertError
from convert.estimator import insides


@dataclass(frozen=True, slots=True)
class InTurn:
    """Each step is given what the one in front of it makes."""

    steps: tuple[Any, ...]


class Part(NamedTuple):
    """A transformer, the places of the columns that it is given, or None for all, and how many it makes."""

    transformer: Any
    columns: tuple[int, ...] | None
    width: Callable[[], int]


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The parts' columns make up one matrix, in order; `sparse`, or where that is None, if any of theirs is."""

    parts: tuple[Part, ...]
    sparse: bool | None


def passes(transformer: Any) -> bool:
    """Whether there is nothing to it: ``"passthrough"``, or ``"drop"``."""
    return transformer is None or isinstance(transformer, str)


def pipeline(transformer: Any) -> InTurn:
    """Return the steps of a Pipeline."""
    return InTurn(tuple(step for _, step in transformer.steps))


def column_transformer(transformer: Any) -> SideBySide:
    """Return the parts of a ColumnTransformer, in the order of `transformers_`; raise ConvertError for weights."""
    _refuse_weights(transformer)
    parts = []
    for name, part, _ in transformer.transformers_:
        columns, place = insides.given_columns(transformer, name), transformer.output_indices_[name]
        if len(columns) and not _drops(part):
            parts.append(Part(part, tuple(columns), partial(_length, place)))
    return SideBySide(tuple(parts), bool(transformer.sparse_output_))


def feature_union(union: Any) -> SideBySide:
    """Return the parts of a FeatureUnion; raise ConvertError for weights."""
    _refuse_weights(union)
    kept = [part for _, part in union.transformer_list if not _drops(part)]
    return SideBySide(tuple(Part(part, None, partial(_count_names, part)) for part in kept), None)


def _count_names(transformer: Any) -> int:
    return len(transformer.get_feature_names_out())


def _length(place: slice) -> int:
    return int(place.stop - place.start)


def _drops(part: Any) -> bool:
    return isinstance(part, str) and part == "drop"


def _refuse_weights(transformer: Any) -> None:
    if transformer.transformer_weights:
        name = type(transformer).__name__
        raise ConvertError(f"{name} is written without transformer_weights: scale its parts with a scaler instead")
