"""Where an estimator's answers change: the thresholds of its trees, as numbers of its own features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from convert.estimator import as_input, steps_of, width_of
from convert.floats import from_ordinal, ordinal
from convert.trees import READERS, Floats, read_trees

PROBES = np.array([-1e30, -1e9, -1.23456789, 0.123456789, 1.3456789, 1e9, 1e30])
"""Where a transformer is tried for growing with a feature."""


def tree_thresholds(estimator: Any) -> list[Floats]:
    """Return, for each feature, the sorted distinct finite thresholds in the estimator's trees, if it has any."""
    *transformers, last = steps_of(estimator)
    features = int(last.n_features_in_)
    ensembles = [read_trees(member) for member in _members(last) if getattr(member, "n_features_in_", None) == features]
    each = [ensemble.thresholds(features) for ensemble in ensembles]
    joined = [np.unique(np.concatenate([np.empty(0), *parts])) for parts in zip(*each, strict=True)] if each else []
    found = [values[np.isfinite(values)] for values in joined]
    if not any(len(values) for values in found):
        return [np.empty(0)] * width_of(estimator)
    if not transformers:
        return found
    return _pulled_back(estimator, transformers, found, float32=all(ensemble.float32 for ensemble in ensembles))


def _members(estimator: Any) -> Iterator[Any]:
    """Yield the ensembles of trees that score the same rows: the estimator, or those that it votes, stacks or wraps."""
    if type(estimator) in READERS:
        yield estimator
        return
    for name in ("estimators_", "calibrated_classifiers_", "estimator_", "best_estimator_", "estimator"):
        inner = getattr(estimator, name, None)
        for member in inner if isinstance(inner, list) else [inner]:
            if hasattr(member, "n_features_in_") or hasattr(member, "estimator"):
                yield from _members(member)


def _pulled_back(estimator: Any, transformers: Sequence[Any], thresholds: list[Floats], float32: bool) -> list[Floats]:
    """Return thresholds on what the transformers make of the rows as thresholds on the rows themselves.

    Each is found by bisection on the transformers, which are taken to grow with a single feature; those that do not
    (a sum of features, a category) give none.
    """
    features = width_of(estimator)
    precision = np.float32 if float32 else np.float64

    def columns_of(feature: int, values: Floats) -> Floats:
        rows = np.zeros((len(values), features))
        rows[:, feature] = values
        made = as_input(estimator, rows)
        for transformer in transformers:
            if hasattr(transformer, "transform"):
                made = transformer.transform(made)
        dense = made.toarray() if hasattr(made, "toarray") else np.asarray(made)
        return np.asarray(dense).astype(precision).astype(np.float64)

    back: list[list[Floats]] = [[] for _ in range(features)]
    for feature in range(features):
        probed = columns_of(feature, PROBES)
        growing = (np.diff(probed, axis=0) >= 0).all(axis=0) & (probed[-1] > probed[0])
        for column in np.flatnonzero(growing).tolist():
            if len(thresholds[column]):
                function = partial(_one_column, columns_of, feature, column)
                back[feature].append(_largest_at_or_below(thresholds[column], function))
    return [np.unique(np.concatenate(parts)) if parts else np.empty(0) for parts in back]


def _one_column(columns_of: Callable[[int, Floats], Floats], feature: int, column: int, values: Floats) -> Floats:
    return columns_of(feature, values)[:, column]


def _largest_at_or_below(limits: Floats, function: Callable[[Floats], Floats]) -> Floats:
    """Return, for each limit, the largest number at which the growing `function` is at or below it."""
    reach = np.float64(1e30)
    low, high = np.full(len(limits), ordinal(-reach)), np.full(len(limits), ordinal(reach))
    while (low + 1 < high).any():
        middle = (low & high) + ((low ^ high) >> 1)  # half way, where the difference would overflow
        below = function(from_ordinal(middle)) <= limits
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return from_ordinal(low)
