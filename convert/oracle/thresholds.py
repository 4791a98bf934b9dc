"""Where an estimator's answers change: the thresholds of its trees, as numbers of its own features."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np

from convert.estimator.encoded import encoder_and_trees
from convert.estimator.features import Floats
from convert.estimator.fitted import parts_of, width_of
from convert.estimator.floats import neighbours
from convert.graph.curves import Curve, Domain, asked, crossings, edge
from convert.graph.ensembles.table import is_made_of_trees, read_trees
from convert.graph.transformers.table import is_curve
from convert.oracle.accepts import LARGEST, Accepts
from convert.oracle.oracle import Oracle

LOOKED_AT = 100_000
"""How many numbers are looked at for each column, beside its thresholds, where curves may fall by last bits."""


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
    curved = any(is_curve(part) for part in parts_of(oracle.estimator))
    for column, origin in enumerate(oracle.traced.columns or []):
        if origin is None or origin.how in {"category", "replaced"} or oracle.accepts[origin.feature].values:
            continue
        if len(thresholds[column]):
            function = partial(_column, oracle, origin.feature, column, np.float32 if float32 else np.float64)
            accepts, start = oracle.accepts[origin.feature], float(oracle.row[origin.feature])
            turns = _turns(function, thresholds[column], accepts, start, LOOKED_AT if curved else 0)
            back[origin.feature].append(turns)
    return back


def _turns(function: Curve, limits: Floats, accepts: Accepts, start: float, looked_at: int) -> Floats:
    """Return, for each limit, the largest number at which the growing function is not above it; and where it ends.

    Where last bits fall, there are more of them, next to each other. A limit that the function is above
    everywhere, or nowhere, is left out: it parts nothing.
    """
    low = -LARGEST if accepts.low is None else accepts.low
    high = LARGEST if accepts.high is None else accepts.high
    images, _ = asked(function, np.array([low, start, high]))
    if np.isnan(images[1]):
        return np.empty(0)
    first = edge(function, outside=low, inside=start) if np.isnan(images[0]) else low
    last = edge(function, outside=high, inside=start) if np.isnan(images[2]) else high
    ends, _ = asked(function, np.array([first, last]))
    limits = limits[(limits >= ends[0]) & (limits < ends[1])]
    begins = [float(neighbours(first, -np.inf, "float64"))] if first > low else []
    found = crossings(function, limits, Domain(first, last), looked_at)
    return np.concatenate([begins, found.cuts, *found.again.values(), [last] if last < high else []])


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
