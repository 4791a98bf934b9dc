"""Where an estimator's answers change: the thresholds of its trees, as numbers of its own features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np

from convert.estimator.encoded import encoder_and_trees
from convert.estimator.features import Floats
from convert.estimator.fitted import parts_of, width_of
from convert.estimator.floats import from_ordinal, ordinal
from convert.graph.ensembles.table import is_made_of_trees, read_trees
from convert.oracle.accepts import LARGEST
from convert.oracle.oracle import Oracle


@lru_cache(maxsize=1)  # a pipeline's take a while, and several ask for those of one estimator
def tree_thresholds(oracle: Oracle) -> list[Floats]:
    """Return, for each feature, the sorted distinct finite thresholds in the estimator's trees, if it has any.

    A threshold on what transformers make of a feature is pulled back to the last value of the feature on its left.
    A feature of which only some values are accepted has none: those values are what there is to try.
    """
    width = width_of(oracle.last)
    ensembles = [read_trees(part) for part in _ensembles(oracle.last) if part.n_features_in_ == width]
    each = [ensemble.thresholds(width) for ensemble in ensembles]
    joined = [np.unique(np.concatenate([np.empty(0), *parts])) for parts in zip(*each, strict=True)] if each else []
    found = [values[np.isfinite(values)] for values in joined]
    if not any(len(values) for values in found):
        return [np.empty(0)] * len(oracle.features)
    if not oracle.transformers:
        return found
    pulled = _pulled_back(oracle, found, float32=all(ensemble.float32 for ensemble in ensembles))
    return [np.unique(np.concatenate(parts)) if parts else np.empty(0) for parts in pulled]


def _ensembles(estimator: Any) -> Iterator[Any]:
    """Yield the fitted ensembles of trees that compare features: the estimator, or those that it is made of."""
    if is_made_of_trees(estimator):
        yield estimator
        estimator = getattr(estimator, "init_", None)  # what gradient boosting starts from
    parts = (part for part in parts_of(estimator) if is_made_of_trees(part) and hasattr(part, "n_features_in_"))
    yield from {id(part): part for part in parts if encoder_and_trees(part) is None}.values()


def _pulled_back(oracle: Oracle, thresholds: list[Floats], *, float32: bool) -> list[list[Floats]]:
    """Return thresholds on the columns that the transformers make as thresholds on the features.

    Those on a column that does not grow with a single feature (a sum of features, a category) give none.
    """
    back: list[list[Floats]] = [[] for _ in oracle.features]
    for column, origin in enumerate(oracle.traced.columns or []):
        if origin is None or origin.how in {"category", "replaced"} or oracle.accepts[origin.feature].values:
            continue
        if len(thresholds[column]):
            function = partial(_column, oracle, origin.feature, column, np.float32 if float32 else np.float64)
            accepts = oracle.accepts[origin.feature]
            low = -LARGEST if accepts.low is None else accepts.low
            high = LARGEST if accepts.high is None else accepts.high
            back[origin.feature].append(_largest_at_or_below(thresholds[column], function, low, high))
    return back


def _column(oracle: Oracle, feature: int, column: int, precision: type[np.floating[Any]], values: Floats) -> Floats:
    """Return what the transformers make of `values` of a feature, in one of their columns."""
    rows = np.repeat(oracle.row[np.newaxis], len(values), axis=0)
    rows[:, feature] = values
    made = oracle.as_input(rows)
    for transformer in oracle.transformers:
        if hasattr(transformer, "transform"):
            made = transformer.transform(made)
    dense = made[:, [column]].toarray() if hasattr(made, "toarray") else np.asarray(made)[:, [column]]
    return np.asarray(dense[:, 0]).astype(precision).astype(np.float64)


def _largest_at_or_below(limits: Floats, function: Callable[[Floats], Floats], low: float, high: float) -> Floats:
    """Return, for each limit, the largest number from `low` to `high` at which the growing `function` is not above it.

    A limit that the function is above everywhere, or nowhere, is left out: it parts nothing.
    """
    ends = function(np.array([low, high]))
    limits = limits[(limits >= ends[0]) & (limits < ends[1])]
    below, above = np.full(len(limits), ordinal(np.float64(low))), np.full(len(limits), ordinal(np.float64(high)))
    while (below + 1 < above).any():
        middle = (below & above) + ((below ^ above) >> 1)  # half way, where the difference would overflow
        is_below = function(from_ordinal(middle)) <= limits
        below, above = np.where(is_below, middle, below), np.where(is_below, above, middle)
    return from_ordinal(below)
