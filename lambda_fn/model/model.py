"""Bytes become a checked model; rows become scores. Knows nothing of HTTP."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from lambda_fn.digest import sha256
from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError, listed
from lambda_fn.model.card import Card, Feature
from lambda_fn.model.guard.check import check_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.rows import Rows

log = logging.getLogger(__name__)

SEAL = b"\x0a\x06digest\x12\x40"
"""How the metadata entry ``digest`` starts in the file: its key, and the length of the 64 digits that follow."""

FEW_VALUES = 32
"""Up to so many values Python compares sooner than numpy: 0.6 instead of 2.4 µs for two rows of two."""
BATCH_ROWS = 1024
"""How many rows are scored at once: 10,000 rows on a forest of 500 deep trees took 0.8 GB in one."""
BATCH_BYTES = 2**24
"""What a batch may take: of a model that takes more than 16 kB for a row, as one of 500 trees that are not fully grown
and 100 classes does (0.4 MB), fewer rows are scored at once."""
THREADED_ROWS = 8 * BATCH_ROWS
"""Threads are started for more rows than these only: it takes 0.1 ms."""
LABEL_KINDS: dict[type, str] = {bool: "b", int: "iu", float: "f", str: "O"}
"""numpy's kinds of arrays that hold class labels, by the labels' type in the card."""
DTYPES: dict[str, type[np.floating[Any]]] = {"tensor(float)": np.float32, "tensor(double)": np.float64}


class Scores:
    """What a model says of n rows.

    prediction: (n,), the class labels or, for a regression, the values.
    probabilities: (n, classes), or None for a regression.
    """

    __slots__ = ("prediction", "probabilities")

    def __init__(self, prediction: NDArray[Any], probabilities: NDArray[np.floating[Any]] | None) -> None:
        self.prediction = prediction
        self.probabilities = probabilities


class Model:
    """A loaded model: its card, its digest, and `score`."""

    def __init__(self, data: bytes) -> None:
        """Check and load the bytes of a model file; raise ServiceError (model-invalid) if they are not one."""
        check_seal(data)
        checked = check_model(data)
        self._batch_rows = max(1, min(BATCH_ROWS, BATCH_BYTES // checked.row_bytes))
        self.sha256 = sha256(data).hex()
        try:
            self._session = _session(data)
            self.card = Card.parse(self._session.get_modelmeta().custom_metadata_map.get("card"))
            self._input, self._dtype = _input(self._session, self.card)
            self._labels = {label: label for label in self.card.classes}
            accepts = [feature.accepts for feature in self.card.features]
            self._nan = np.array([each.nan for each in accepts], np.bool_)
            self._low = np.array([each.low for each in accepts], float)
            self._high = np.array([each.high for each in accepts], float)
            values = {column: np.array(each.values, float) for column, each in enumerate(accepts) if each.values}
            self._values = {column: np.sort(each, axis=None) for column, each in values.items()}
            self._rounded = [(n, each.dtype) for n, each in enumerate(self.card.features) if each.dtype != "float64"]
            self._narrowest = max(each.low for each in accepts), min(each.high for each in accepts)
            # The first run of a session allocates what later ones use again, and shows whether it runs at all. Of two
            # rows, as a graph that takes them all together answers one of them rightly.
            outputs = self._session.run(None, {self._input: np.zeros((2, len(self.card.features)), self._dtype)})
            _check_outputs(outputs, self.card)
            if checked.labels is not None:
                _check_labels(checked.labels, self.card)
            self._is_label = self.card.task == "classification"
            self.has_probabilities = len(outputs) > 1
            self._names = [output.name for output in self._session.get_outputs()]
        except ServiceError:
            raise
        except Exception as error:  # onnxruntime raises ValueError, RuntimeError or classes of its own, as it comes
            raise _failed("load", error) from error

    def score(self, rows: Rows, threads: int = 1, probabilities: bool = True) -> Scores:
        """Score rows of shape (n, features), by several `threads` where they are many: the bits are the same.

        Without `probabilities`, none are kept for many rows. Raises ServiceError for the first value, row by row, that
        the estimator refuses, or that the rows' codec does.
        """
        count = len(rows)
        if count <= self._batch_rows:
            outputs = self._score_batch(rows, 0, probabilities)
        else:
            outputs = self._score_batches(rows, threads if count > THREADED_ROWS else 1, probabilities)
        return Scores(outputs[0].reshape(count), outputs[1] if len(outputs) > 1 else None)

    def _score_batches(self, rows: Rows, threads: int, probabilities: bool) -> list[NDArray[Any]]:
        """Return the outputs for all `rows`, each (n, …), written batch by batch."""
        first = self._score_batch(rows, 0, probabilities)
        outputs = [np.empty((len(rows), *output.shape[1:]), output.dtype) for output in first]
        size = self._batch_rows
        starts = iter(range(size, len(rows), size))
        failures: dict[int, Exception] = {}

        def write(start: int, batch: list[NDArray[Any]]) -> None:
            for whole, part in zip(outputs, batch, strict=True):
                whole[start : start + size] = self._labels_of(part) if part.dtype.hasobject else part

        def score_rest() -> None:
            for start in starts:  # which the threads share: each batch is one's
                try:
                    write(start, self._score_batch(rows, start, probabilities))
                except Exception as error:  # raised below, where it is awaited
                    failures[start] = error
                if failures:
                    return

        write(0, first)  # and imported what that takes: threads are not to import at the same time
        others = [threading.Thread(target=score_rest) for _ in range(threads - 1)]
        for thread in others:
            thread.start()
        score_rest()
        for thread in others:
            thread.join()
        if failures:
            failure = failures[min(failures)]  # of the first row: what is in front of it was begun earlier, and is done
            failures.clear()  # a failure holds this frame, which would hold it: and the rows, until Python looks
            try:
                raise failure
            finally:
                del failure
        return outputs

    def _labels_of(self, part: NDArray[Any]) -> NDArray[Any]:
        """Return strings as the card's own: the engine makes new ones for each row, which take 60 bytes and more."""
        own = np.empty(part.size, object)
        own[:] = [self._labels.get(label, label) for label in part.ravel().tolist()]
        return own.reshape(part.shape)

    def _score_batch(self, rows: Rows, start: int, probabilities: bool) -> list[NDArray[Any]]:
        """Return the outputs for the batch of rows from `start` on: one, or with probabilities two."""
        batch = sent = rows[start : start + self._batch_rows]
        if self._rounded:
            batch = self._round(sent)
        self._refuse(batch, sent, start)
        values = batch.astype(self._dtype, copy=False)
        names = self._names if probabilities else self._names[:1]
        try:
            outputs: list[NDArray[Any]] = self._session.run(names, {self._input: values})
        except Exception as error:  # as above; a graph that is sound for one row may not be for others
            raise _failed("run", error) from error
        count = len(batch)
        if outputs[0].shape != ((count,) if self._is_label else (count, 1)) or (
            probabilities and self.has_probabilities and outputs[1].shape != (count, len(self.card.classes))
        ):
            raise _unlike(outputs, self.card, count)
        return outputs

    def _round(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rows with each number in the precision that the estimator knows it in."""
        rounded = rows.copy()
        with np.errstate(over="ignore"):  # what is beyond becomes infinite, and is refused if that is
            for column, dtype in self._rounded:
                rounded[:, column] = rows[:, column].astype(dtype)
        return rounded

    def _refuse(self, rows: NDArray[np.float64], sent: NDArray[np.float64], start: int) -> None:
        """Raise ServiceError for the first value that the estimator itself refuses; the first row is number `start`.

        The error tells of what was `sent`, before it was rounded.
        """
        if rows.size <= FEW_VALUES and not self._values and self._all_accept(rows):
            return
        inside = (rows >= self._low) & (rows <= self._high)
        for column, values in self._values.items():
            places = values.searchsorted(rows[:, column])  # as np.isin has it, in 2 instead of 22 µs
            inside[:, column] &= values[np.minimum(places, len(values) - 1)] == rows[:, column]
        if inside.all():
            return
        refused = np.argwhere(~(inside | (np.isnan(rows) & self._nan)))
        if len(refused) == 0:
            return
        row, column = refused[0].tolist()
        raise _refusal(float(sent[row, column]), start + row, column, self.card.features[column])

    def _all_accept(self, rows: NDArray[np.float64]) -> bool:
        """Whether every value is one that each of the features accepts."""
        low, high = self._narrowest
        for value in rows.ravel().tolist():  # noqa: SIM110 - all() takes twice as long, 0.3 µs more
            if not low <= value <= high:
                return False
        return True


def _refusal(value: float, row: int, column: int, feature: Feature) -> ServiceError:
    """Return the error for a value that the estimator itself refuses."""
    accepts = feature.accepts
    if np.isnan(value):
        problem = Problem.NAN
    elif np.isinf(value):
        problem = Problem.INFINITY
    elif accepts.values:
        problem = Problem.UNKNOWN_CATEGORY
    else:
        problem = Problem.BEYOND_FLOAT32
    takes = f"numbers from {accepts.low} to {accepts.high}"
    if accepts.values:
        takes = listed(accepts.values)
    detail = f"row {row}, column {column} ({feature.name!r}) is {value}, the model takes {takes}"
    return ServiceError(problem, detail, row=row, column=column)


def _failed(what: str, error: Exception) -> ServiceError:
    """Return the error for a file that does not load, or run; its words, as of onnxruntime's sources, go to the log."""
    log.error("the model file does not %s: %s", what, error)
    detail = f"the model file does not {what} ({type(error).__name__}): {SEE_THE_LOG}"
    return ServiceError(Problem.MODEL_INVALID, detail)


def check_seal(data: bytes) -> None:
    """Compare the digest in the file with the bytes around it; raise ServiceError where they differ.

    The digest is the SHA-256 of the whole file with zeros in the place of its own 64 digits (model_file/seal.py there).
    """
    start = data.rfind(SEAL) + len(SEAL)
    if start < len(SEAL):
        raise ServiceError(
            Problem.MODEL_INVALID, "the model file carries no digest: export it with `python -m convert export`"
        )
    end = start + 64
    view = memoryview(data)
    if sha256(view[:start], b"0" * 64, view[end:]).hex().encode() != data[start:end]:
        raise ServiceError(
            Problem.MODEL_INVALID, "the model file was altered after its export: its digest is not that of its bytes"
        )


def _session(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # A function has one vCPU below about 1.8 GB, and one thread keeps the order of additions that parity rests on.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Or else it looks for its own format in the bytes, which could be both that and the ONNX that was checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # With fallback it prints a failure on stdout, and tries the same once more.
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"], enable_fallback=False)


def _input(session: onnxruntime.InferenceSession, card: Card) -> tuple[str, type[np.floating[Any]]]:
    """Return name and type of the graph's input; raise ServiceError if it is not the one that the card tells of."""
    inputs = [(each.name, DTYPES.get(each.type), each.shape) for each in session.get_inputs()]
    match inputs:
        case [(str(name), type() as dtype, [None | str(), width])] if width == len(card.features):
            return name, dtype
    came = ", ".join(f"{each.type} {each.shape}" for each in session.get_inputs()) or "none"
    raise ServiceError(
        Problem.MODEL_INVALID,
        f"the model's graph was expected to have one input, rows of {len(card.features)} features as the card says,"
        f" it has {came}",
    )


def _check_outputs(outputs: list[NDArray[Any]], card: Card) -> None:
    """Raise ServiceError if what came for two rows of zeros is not what the card tells."""
    shapes = [np.shape(output) for output in outputs]
    if card.task == "regression":
        if shapes == [(2, 1)] and outputs[0].dtype.kind == "f":
            return
    elif shapes in ([(2,)], [(2,), (2, len(card.classes))]):
        kinds = [output.dtype.kind for output in outputs]
        if kinds[0] in LABEL_KINDS[type(card.classes[0])] and kinds[1:] in ([], ["f"]):
            return
    raise _unlike(outputs, card, 2)


def _check_labels(labels: Sequence[bool | int | float | str], card: Card) -> None:
    """Raise ServiceError if the graph's class labels are others than the card's.

    Not all numbers of classes need be answered: of the rows of a table, none may be of the last class.
    """
    if isinstance(labels, range):
        numbers = tuple(range(len(card.classes)))
        same = numbers == card.classes and 0 <= labels.start <= labels.stop <= len(numbers)
    else:
        same = tuple(labels) == card.classes
    if not same:
        raise ServiceError(
            Problem.MODEL_INVALID,
            f"the model's graph answers {listed(labels)}, its card tells of {listed(card.classes)}",
        )


def _unlike(outputs: list[NDArray[Any]], card: Card, rows: int) -> ServiceError:
    """Return the error for outputs that are not what the card tells."""
    came = ", ".join(f"{output.dtype} {output.shape}" for output in outputs)
    return ServiceError(
        Problem.MODEL_INVALID,
        f"the model's graph was expected to answer a {card.task} with {len(card.classes)} classes,"
        f" for {rows} rows it answers {came or 'nothing'}",
    )
