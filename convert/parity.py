"""Estimator against model file: the same rows to both, and what differs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from convert.accepts import Accepts
from convert.errors import ConvertError
from convert.estimator import as_input, steps_of, task_of
from convert.sample import Sample
from convert.trees import READERS, read_trees

RANDOM_ROWS = 100_000
SEED = 0
MISSING_SHARE = 0.1
PROBES = np.array([-1e30, -1e9, -1.23456789, 0.123456789, 1.3456789, 1e9, 1e30])
"""Where a transformer is tried for growing with a feature."""
EVERY_CELL = "every cell of the table"

DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}

type Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a set of rows showed.

    rows: (n, features), those that were tried.
    label_differs: (n,), whether the labels, or their types, differ; never for a regression.
    difference: (n,), the largest difference of a probability in the row, or that of the value as part of the largest
    value in the set.
    expected, actual: (n,), the labels or values of the estimator and of the model file.
    """

    source: str
    rows: Rows
    label_differs: NDArray[np.bool_]
    difference: Rows
    expected: NDArray[Any]
    actual: NDArray[Any]

    def failed(self, tolerance: float) -> NDArray[np.bool_]:
        """Return (n,), whether a label or more than `tolerance` differs in the row; NaN is more than any."""
        return self.label_differs | ~(self.difference <= tolerance)


class Candidate:
    """The model file, run as `lambda_fn` runs it: one thread, the input cast to what the graph takes."""

    def __init__(self, data: bytes) -> None:
        """Load the bytes of a model file; raise ConvertError if onnxruntime does not."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises ValueError, RuntimeError or classes of its own, as it comes
            raise ConvertError(f"onnxruntime does not load the model file: {error}") from error
        [self._input] = self._session.get_inputs()

    def run(self, rows: Rows) -> list[NDArray[Any]]:
        """Return label and probabilities, or value, for rows of shape (n, features)."""
        outputs: list[NDArray[Any]] = self._session.run(None, {self._input.name: rows.astype(DTYPES[self._input.type])})
        return outputs


def compare(estimator: Any, data: bytes, row_sets: Iterable[tuple[str, Rows]]) -> list[Comparison]:
    """Compare `estimator` with the model file `data` on sets of rows, each with its name."""
    candidate = Candidate(data)
    compare_rows = _compare_labels if task_of(estimator) == "classification" else _compare_values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numbers at the limits overflow on their way, as they should
        return [compare_rows(source, estimator, candidate, rows) for source, rows in row_sets]


def tree_thresholds(estimator: Any) -> list[Rows]:
    """Return, for each feature, the sorted distinct finite thresholds in the estimator's trees, if it has any."""
    *transformers, last = steps_of(estimator)
    features = int(last.n_features_in_)
    ensembles = [read_trees(member) for member in _members(last) if getattr(member, "n_features_in_", None) == features]
    each = [ensemble.thresholds(features) for ensemble in ensembles]
    joined = [np.unique(np.concatenate([np.empty(0), *parts])) for parts in zip(*each, strict=True)] if each else []
    found = [values[np.isfinite(values)] for values in joined] or [np.empty(0)] * features
    if not transformers:
        return found
    return _pulled_back(estimator, found, float32=all(ensemble.float32 for ensemble in ensembles))


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


def _pulled_back(pipeline: Any, thresholds: list[Rows], float32: bool) -> list[Rows]:
    """Return thresholds on what the pipeline's transformers make of the rows as thresholds on the rows themselves.

    Each is found by bisection on the transformers, which are taken to grow with a single feature; those that do not
    (a sum of features, a category) give none.
    """
    features = int(pipeline.n_features_in_)
    transform = pipeline[:-1].transform
    precision = np.float32 if float32 else np.float64

    def columns_of(feature: int, values: Rows) -> Rows:
        rows = np.zeros((len(values), features))
        rows[:, feature] = values
        made = transform(as_input(pipeline, rows))
        dense = made.toarray() if hasattr(made, "toarray") else np.asarray(made)
        return np.asarray(dense).astype(precision).astype(np.float64)

    back: list[list[Rows]] = [[] for _ in range(features)]
    for feature in range(features):
        probed = columns_of(feature, PROBES)
        growing = (np.diff(probed, axis=0) >= 0).all(axis=0) & (probed[-1] > probed[0])
        for column in np.flatnonzero(growing).tolist():
            if len(thresholds[column]):
                function = partial(_one_column, columns_of, feature, column)
                back[feature].append(_largest_at_or_below(thresholds[column], function))
    return [np.unique(np.concatenate(parts)) if parts else np.empty(0) for parts in back]


def _one_column(columns_of: Callable[[int, Rows], Rows], feature: int, column: int, values: Rows) -> Rows:
    return columns_of(feature, values)[:, column]


def _largest_at_or_below(limits: Rows, function: Callable[[Rows], Rows]) -> Rows:
    """Return, for each limit, the largest number at which the growing `function` is at or below it."""
    reach = np.float64(1e30)
    low, high = np.full(len(limits), _ordinal(-reach)), np.full(len(limits), _ordinal(reach))
    while (low + 1 < high).any():
        middle = (low & high) + ((low ^ high) >> 1)  # half way, where the difference would overflow
        below = function(_from_ordinal(middle)) <= limits
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return _from_ordinal(low)


def _ordinal(number: np.float64) -> np.int64:
    """Return the place of a float64 among all, as an integer: neighbours are 1 apart."""
    bits = number.view(np.int64)
    return bits if bits >= 0 else np.int64(np.iinfo(np.int64).min) - bits


def _from_ordinal(places: NDArray[np.int64]) -> Rows:
    bits = np.where(places >= 0, places, np.iinfo(np.int64).min - places)
    return bits.astype(np.int64).view(np.float64)


def row_sets(estimator: Any, sample: Sample | None, accepts: Sequence[Accepts]) -> Iterator[tuple[str, Rows]]:
    """Yield the sets of rows to try, each with its name: training, random, thresholds, limits, missing values."""
    generator = np.random.default_rng(SEED)
    thresholds = tree_thresholds(estimator)
    low, high = _ranges(thresholds, sample)
    if sample is not None:
        yield "training rows", sample.rows
    random = generator.uniform(low, high, size=(RANDOM_ROWS, len(low)))
    yield f"random rows (seed {SEED})", random
    if any(len(found) for found in thresholds):
        yield "thresholds ± 1 ulp", _threshold_rows(thresholds, random if sample is None else sample.rows)
    yield "limits of what is accepted", _limit_rows(accepts, random)
    missing = np.array([accepted.nan for accepted in accepts])
    if missing.any():
        holes = (generator.random(random.shape) < MISSING_SHARE) & missing
        yield "missing values", np.where(holes, np.nan, random)


def _ranges(thresholds: list[Rows], sample: Sample | None) -> tuple[Rows, Rows]:
    """Return the lowest and highest value to try for each feature: the range that is known, and half of it beyond."""
    known = [
        np.concatenate([found, [] if sample is None else sample.rows[:, column]])
        for column, found in enumerate(thresholds)
    ]
    known = [values[np.isfinite(values)] for values in known]
    low = np.array([values.min() if len(values) else 0.0 for values in known])
    high = np.array([values.max() if len(values) else 1.0 for values in known])
    margin = np.maximum(high - low, 1.0) / 2
    return low - margin, high + margin


def _threshold_rows(thresholds: list[Rows], bases: Rows) -> Rows:
    """Return rows with one feature at each of its thresholds, and 1 ulp to either side in float64 and in float32."""
    rows = []
    for column, found in enumerate(thresholds):
        values = np.concatenate([_with_neighbours(found), _with_neighbours(found.astype(np.float32))])
        block = bases[np.arange(len(values)) % len(bases)].copy()
        block[:, column] = values
        rows.append(block)
    return np.concatenate(rows)


def _limit_rows(accepts: Sequence[Accepts], bases: Rows) -> Rows:
    """Return rows with one feature at the lowest or highest number that is accepted."""
    limits = [
        (-np.inf if each.low is None else each.low, np.inf if each.high is None else each.high) for each in accepts
    ]
    rows = bases[: 2 * len(accepts)].copy()
    for column, pair in enumerate(limits):
        rows[2 * column : 2 * column + 2, column] = pair
    return rows


def _with_neighbours(values: NDArray[np.floating[Any]]) -> Rows:
    """Return the values and the next numbers to either side, in the values' own precision."""
    below = np.nextafter(values, values.dtype.type(-np.inf))
    above = np.nextafter(values, values.dtype.type(np.inf))
    return np.concatenate([values, below, above]).astype(np.float64)


def _compare_labels(source: str, estimator: Any, candidate: Candidate, rows: Rows) -> Comparison:
    table = as_input(estimator, rows)
    expected, (actual, *probabilities) = estimator.predict(table), candidate.run(rows)
    difference = np.zeros(len(rows))
    if hasattr(estimator, "predict_proba"):
        difference = np.abs(estimator.predict_proba(table) - probabilities[0]).max(axis=1)
    same_type = [type(label) for label in expected[:1].tolist()] == [type(label) for label in actual[:1].tolist()]
    return Comparison(source, rows, (expected != actual) | (not same_type), difference, expected, actual)


def _compare_values(source: str, estimator: Any, candidate: Candidate, rows: Rows) -> Comparison:
    expected = estimator.predict(as_input(estimator, rows))
    [actual] = (output.reshape(len(rows)) for output in candidate.run(rows))
    difference = np.abs(expected - actual) / (np.abs(expected).max() or 1.0)
    return Comparison(source, rows, np.zeros(len(rows), dtype=np.bool_), difference, expected, actual)
