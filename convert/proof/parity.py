"""Estimator against model file: the same rows to both, and what differs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.graph.answers import SCORES
from convert.oracle.oracle import Oracle

BATCH_ROWS = 1024
"""How many rows are scored at once, as in `lambda_fn`, which says why."""
BLOCK_ROWS = 16 * BATCH_ROWS
"""How many rows are compared at once."""
GRAPHS_DIFFER = "graphs differ"
"""Under which name it is told, beside the outputs, whether the graph for many rows answers otherwise."""
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a set of rows showed.

    rows: (n, features), those that were tried.
    label_differs: (n,), whether the labels, or their types, differ; never for a regression.
    difference: (n,), the largest difference of a probability in the row, or that of the value as part of the largest
    value in the set.
    expected, actual: (n,), the labels or values of the estimator and of the model file.
    score_difference: (n,), the largest difference of a raw score in the row, as part of the score if that is above 1;
    None where there are none to compare.
    refused: (m, features), those that the estimator refuses, which are not in `rows`.
    graphs_differ: (n,), whether the graph for many rows answers other bits than the model file's own; None where there
    is none, or where it was the service that chose.
    """

    source: str
    rows: Floats
    label_differs: NDArray[np.bool_]
    difference: Floats
    expected: NDArray[Any]
    actual: NDArray[Any]
    score_difference: Floats | None = None
    refused: Floats = field(default_factory=lambda: np.empty((0, 0)))
    graphs_differ: NDArray[np.bool_] | None = None

    def failed(self, tolerance: float) -> NDArray[np.bool_]:
        """Return (n,), whether a label or more than `tolerance` differs in the row; NaN is more than any."""
        apart = self.label_differs | ~(self.difference <= tolerance)
        if self.graphs_differ is not None:
            apart = apart | self.graphs_differ
        return apart if self.score_difference is None else apart | ~(self.score_difference <= tolerance)


class Answers(Protocol):
    """What answers rows (n, features) as a model file does."""

    def run(self, rows: Floats) -> dict[str, NDArray[Any]]:
        """Return label and probabilities, raw scores if they are shown, or value; all of n rows."""


class Candidate:
    """The model file, run as `lambda_fn` runs it: one thread, the input cast to what the graph takes.

    rounded: what the service makes of the rows before.
    batch_rows: how many are scored at once; one row alone is never left over.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        rounded: Callable[[Floats], Floats] = lambda rows: rows,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        """Load the model, raw scores among its outputs; raise ConvertError if onnxruntime does not load it."""
        self._rounded, self._batch_rows = rounded, batch_rows
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            data = _showing_scores(model).SerializeToString()
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises ValueError, RuntimeError or classes of its own, as it comes
            raise ConvertError(f"onnxruntime does not load the model file: {error}") from error
        [self._input] = self._session.get_inputs()
        self.outputs = [output.name for output in self._session.get_outputs()]

    def run(self, rows: Floats) -> dict[str, NDArray[Any]]:
        """Return label, probabilities and raw scores, or value, for rows of shape (n, features)."""
        starts = [*range(0, max(len(rows) - 1, 1), self._batch_rows), len(rows)]
        batches = [rows[start:stop] for start, stop in pairwise(starts)]
        parts = zip(*map(self._run_batch, batches), strict=True)
        return dict(zip(self.outputs, map(np.concatenate, parts), strict=True))

    def _run_batch(self, rows: Floats) -> list[NDArray[Any]]:
        with np.errstate(over="ignore"):
            values = self._rounded(rows).astype(DTYPES[self._input.type])
        try:
            outputs: list[NDArray[Any]] = self._session.run(None, {self._input.name: values})
        except Exception as error:  # as above
            raise ConvertError(f"onnxruntime does not run the model file: {error}") from error
        return outputs


class BothGraphs:
    """The model file's own graph, and that for many rows, which is to answer the same bits."""

    def __init__(self, own: Candidate, many: Candidate) -> None:
        """Take both."""
        self._own, self._many = own, many
        self.outputs = own.outputs

    def run(self, rows: Floats) -> dict[str, NDArray[Any]]:
        """Return what the model file's own graph answers, and (n,) whether the other answers otherwise."""
        own = self._own.run(rows)
        many = self._many.run(np.repeat(rows, 2, axis=0) if len(rows) == 1 else rows)
        apart = np.zeros(len(rows), dtype=np.bool_)
        for name, answers in own.items():
            apart |= _bits_differ(answers, many[name][: len(rows)])
        return {**own, GRAPHS_DIFFER: apart}


def _bits_differ(some: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (n,), whether a row's answers differ in any bit; that of a zero's sign, and of NaN, included."""
    if some.dtype.kind == "f":
        some, others = (each.view(f"u{each.itemsize}") for each in (some, others))
    apart: NDArray[np.bool_] = (some.reshape(len(some), -1) != others.reshape(len(some), -1)).any(axis=1)
    return apart


def check_answers(candidate: Candidate, oracle: Oracle) -> None:
    """Raise ConvertError if the model does not run, or answers in other shapes than the service serves."""
    rows = np.repeat(oracle.row[np.newaxis], 2, axis=0)
    shapes = {name: output.shape for name, output in candidate.run(rows).items() if name != SCORES}
    expected: dict[str, tuple[int, ...]] = {"value": (2, 1)}
    if oracle.task == "classification":
        expected = {"label": (2,)} | ({"probabilities": (2, len(oracle.classes))} if "probabilities" in shapes else {})
    if shapes != expected:
        raise ConvertError(f"for 2 rows the graph answers {shapes}, expected {expected}")


def _showing_scores(model: onnx.ModelProto) -> onnx.ModelProto:
    if not any(SCORES in node.output for node in model.graph.node):
        return model
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.append(onnx.helper.make_tensor_value_info(SCORES, onnx.TensorProto.DOUBLE, None))
    return shown


def compare(
    oracle: Oracle,
    model: onnx.ModelProto,
    row_sets: Sequence[tuple[str, Floats]],
    advance: Callable[[int], object] = lambda rows: None,
) -> list[Comparison]:
    """Compare the estimator with `model` on sets of rows, each with its name; tell `advance` of rows that are done."""
    return compare_answers(oracle, Candidate(model, oracle.rounded), row_sets, advance)


def compare_answers(
    oracle: Oracle,
    candidate: Answers,
    row_sets: Sequence[tuple[str, Floats]],
    advance: Callable[[int], object] = lambda rows: None,
) -> list[Comparison]:
    """Compare the estimator with whatever answers in its place, as `compare` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers at the limits overflow on their way, as they should
        return [_compare_set(source, oracle, candidate, rows, advance) for source, rows in row_sets]


def _compare_set(
    source: str, oracle: Oracle, candidate: Answers, rows: Floats, advance: Callable[[int], object]
) -> Comparison:
    blocks, refused = [], [rows[:0]]
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        try:
            blocks.append(_compare_block(source, oracle, candidate, block))
        except ConvertError:
            raise
        except Exception as error:  # whatever the estimator raises, it refuses
            taken = ~_refused(oracle, block)
            if not taken.any():
                reason, name = next(iter(str(error).splitlines()), ""), type(oracle.estimator).__name__
                raise ConvertError(f"{name} refuses {source}, which its card accepts: {reason}") from error
            refused.append(block[~taken])
            blocks.append(_compare_block(source, oracle, candidate, block[taken]))
        advance(len(block))
    whole = replace(_joined(blocks), refused=np.concatenate(refused))
    if oracle.task == "classification":
        return whole
    largest = np.abs(whole.expected[np.isfinite(whole.expected)]).max(initial=0.0) or 1.0
    return replace(whole, difference=whole.difference / largest)


def _refused(oracle: Oracle, rows: Floats) -> NDArray[np.bool_]:
    """Return (n,), whether the estimator refuses the row."""
    try:
        oracle.predict(rows)
    except Exception:  # as above
        if len(rows) == 1:
            return np.ones(1, dtype=np.bool_)
        return np.concatenate([_refused(oracle, half) for half in np.array_split(rows, 2)])
    return np.zeros(len(rows), dtype=np.bool_)


def _joined(blocks: Sequence[Comparison]) -> Comparison:
    scores = [block.score_difference for block in blocks if block.score_difference is not None]
    apart = [block.graphs_differ for block in blocks if block.graphs_differ is not None]
    return Comparison(
        blocks[0].source,
        np.concatenate([block.rows for block in blocks]),
        np.concatenate([block.label_differs for block in blocks]),
        np.concatenate([block.difference for block in blocks]),
        np.concatenate([block.expected for block in blocks]),
        np.concatenate([block.actual for block in blocks]),
        np.concatenate(scores) if scores else None,
        graphs_differ=np.concatenate(apart) if apart else None,
    )


def _compare_block(source: str, oracle: Oracle, candidate: Answers, rows: Floats) -> Comparison:
    """Compare on a block of rows; the difference of a regression's values is not yet a part of the largest."""
    got, expected = candidate.run(rows), oracle.predict(rows)
    if oracle.task == "regression":
        actual = got["value"].reshape(len(rows))
        never = np.zeros(len(rows), dtype=np.bool_)
        difference, apart_from_many = _differences(expected, actual)[:, 0], got.get(GRAPHS_DIFFER)
        return Comparison(source, rows, never, difference, expected, actual, graphs_differ=apart_from_many)
    actual, difference, apart = got["label"], np.zeros(len(rows)), None
    probabilities = oracle.predict_proba(rows)
    if probabilities is not None and "probabilities" in got:
        difference = _differences(probabilities, got["probabilities"]).max(axis=1)
    scores = oracle.decision_function(rows) if SCORES in got else None
    if scores is not None:
        scores = scores.reshape(len(rows), -1)
        apart = (_differences(scores, got[SCORES]) / np.fmax(1.0, np.abs(scores))).max(axis=1)
    label_differs = (expected != actual) | _other_type(expected, actual)
    many = got.get(GRAPHS_DIFFER)
    return Comparison(source, rows, label_differs, difference, expected, actual, apart, graphs_differ=many)


def _other_type(expected: NDArray[Any], actual: NDArray[Any]) -> bool:
    return [type(label) for label in expected[:1].tolist()] != [type(label) for label in actual[:1].tolist()]


def _differences(expected: NDArray[Any], actual: NDArray[Any]) -> Floats:
    """Return how far apart the numbers are, (n, columns); NaN and NaN, or two infinities of one sign, are not apart."""
    expected, actual = (each.reshape(len(each), -1) for each in (expected, actual))
    same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    return np.where(same, 0.0, np.abs(expected - actual))
