"""Where an estimator's answers change: the thresholds of its trees, as numbers of its own features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from convert.estimator import parts_of
from convert.floats import from_ordinal, ordinal
from convert.oracle import Oracle
from convert.trees import READERS, Floats, read_trees


def tree_thresholds(oracle: Oracle) -> list[Floats]:
    """Return, for each feature, the sorted distinct finite thresholds in the estimator's trees, if it has any.

    A threshold on what transformers make of a feature is pulled back to the last value of the feature on its left.
    A feature of which only some values are accepted has none: those values are what there is to try.
    """
    width = int(oracle.last.n_features_in_)
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
    """Yield the fitted ensembles of trees: the estimator, or those that it is made of."""
    if type(estimator) in READERS:
        yield estimator
        estimator = getattr(estimator, "init_", None)  # what gradient boosting starts from
    parts = (part for part in parts_of(estimator) if type(part) in READERS and hasattr(part, "n_features_in_"))
    yield from {id(part): part for part in parts}.values()


def _pulled_back(oracle: Oracle, thresholds: list[Floats], *, float32: bool) -> list[list[Floats]]:
    """Return thresholds on the columns that the transformers make as thresholds on the features.

    Those on a column that does not grow with a single feature (a sum of features, a category) give none.
    """
    back: list[list[Floats]] = [[] for _ in oracle.features]
    for column, origin in enumerate(oracle.traced.columns or []):
        if origin is None or origin.how == "category" or oracle.accepts[origin.feature].values:
            continue
        if len(thresholds[column]):
            function = partial(_column, oracle, origin.feature, column, np.float32 if float32 else np.float64)
            back[origin.feature].append(_largest_at_or_below(thresholds[column], function))
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


def _largest_at_or_below(limits: Floats, function: Callable[[Floats], Floats]) -> Floats:
    """Return, for each limit, the largest number at which the growing `function` is at or below it."""
    reach = np.float64(1e30)
    low, high = np.full(len(limits), ordinal(-reach)), np.full(len(limits), ordinal(reach))
    while (low + 1 < high).any():
        middle = (low & high) + ((low ^ high) >> 1)  # half way, where the difference would overflow
        below = function(from_ordinal(middle)) <= limits
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return from_ordinal(low)
