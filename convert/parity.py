"""Estimator against model file: the same rows to both, and what differs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from convert.accepts import Accepts
from convert.errors import ConvertError
from convert.estimator import task_of
from convert.sample import Sample
from convert.trees import READERS, read_trees

RANDOM_ROWS = 100_000
SEED = 0
MISSING_SHARE = 0.1
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
    features = int(estimator.n_features_in_)
    if type(estimator) not in READERS:
        return [np.empty(0)] * features
    return [found[np.isfinite(found)] for found in read_trees(estimator).thresholds(features)]


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
    expected, (actual, *probabilities) = estimator.predict(rows), candidate.run(rows)
    difference = np.zeros(len(rows))
    if hasattr(estimator, "predict_proba"):
        difference = np.abs(estimator.predict_proba(rows) - probabilities[0]).max(axis=1)
    same_type = [type(label) for label in expected[:1].tolist()] == [type(label) for label in actual[:1].tolist()]
    return Comparison(source, rows, (expected != actual) | (not same_type), difference, expected, actual)


def _compare_values(source: str, estimator: Any, candidate: Candidate, rows: Rows) -> Comparison:
    expected = estimator.predict(rows)
    [actual] = (output.reshape(len(rows)) for output in candidate.run(rows))
    difference = np.abs(expected - actual) / (np.abs(expected).max() or 1.0)
    return Comparison(source, rows, np.zeros(len(rows), dtype=np.bool_), difference, expected, actual)
