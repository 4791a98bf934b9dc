"""Estimator against model file: the same rows to both, and what differs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator import as_input, task_of
from convert.rows import Rows

BATCH_ROWS = 1024
"""How many rows are scored at once, as in `lambda_fn`, which says why."""
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


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
        batches = [rows[start : start + BATCH_ROWS] for start in range(0, len(rows), BATCH_ROWS)]
        return [np.concatenate(parts) for parts in zip(*map(self._run_batch, batches), strict=True)]

    def _run_batch(self, rows: Rows) -> list[NDArray[Any]]:
        values = rows.astype(DTYPES[self._input.type])
        try:
            outputs: list[NDArray[Any]] = self._session.run(None, {self._input.name: values})
        except Exception as error:  # as above
            raise ConvertError(f"onnxruntime does not run the model file: {error}") from error
        return outputs


def compare(estimator: Any, data: bytes, row_sets: Iterable[tuple[str, Rows]]) -> list[Comparison]:
    """Compare `estimator` with the model file `data` on sets of rows, each with its name."""
    candidate = Candidate(data)
    compare_rows = _compare_labels if task_of(estimator) == "classification" else _compare_values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numbers at the limits overflow on their way, as they should
        return [_compared(compare_rows, source, estimator, candidate, rows) for source, rows in row_sets]


def _compared(
    compare_rows: Callable[[str, Any, Candidate, Rows], Comparison],
    source: str,
    estimator: Any,
    candidate: Candidate,
    rows: Rows,
) -> Comparison:
    try:
        return compare_rows(source, estimator, candidate, rows)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise ConvertError(f"{type(estimator).__name__} refuses {source}, which its card accepts: {reason}") from error


def _differences(expected: NDArray[Any], actual: NDArray[Any]) -> Rows:
    """Return how far apart the numbers are; NaN and NaN, or two infinities of one sign, are not apart."""
    same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    return np.where(same, 0.0, np.abs(expected - actual))


def _compare_labels(source: str, estimator: Any, candidate: Candidate, rows: Rows) -> Comparison:
    table = as_input(estimator, rows)
    expected, (actual, *probabilities) = estimator.predict(table), candidate.run(rows)
    difference = np.zeros(len(rows))
    if hasattr(estimator, "predict_proba"):
        difference = _differences(estimator.predict_proba(table), probabilities[0]).max(axis=1)
    same_type = [type(label) for label in expected[:1].tolist()] == [type(label) for label in actual[:1].tolist()]
    return Comparison(source, rows, (expected != actual) | (not same_type), difference, expected, actual)


def _compare_values(source: str, estimator: Any, candidate: Candidate, rows: Rows) -> Comparison:
    expected = estimator.predict(as_input(estimator, rows))
    [actual] = (output.reshape(len(rows)) for output in candidate.run(rows))
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0.0) or 1.0
    difference = _differences(expected, actual) / largest
    return Comparison(source, rows, np.zeros(len(rows), dtype=np.bool_), difference, expected, actual)
