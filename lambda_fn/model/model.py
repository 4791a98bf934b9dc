"""Bytes become a checked model; rows become scores. Knows nothing of HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.digest import sha256
from lambda_fn.errors import Problem, ServiceError, listed
from lambda_fn.model.engine import BATCH_ROWS, Engine
from lambda_fn.model.guard.check import check_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.card import Feature
    from lambda_fn.model.companion import Companion
    from lambda_fn.model.rows import Rows

SEAL = b"\x0a\x06digest\x12\x40"
"""How the metadata entry ``digest`` starts in the file: its key, and the length of the 64 digits that follow."""

FEW_VALUES = 32
"""Up to so many values Python compares sooner than numpy: 0.6 instead of 2.4 µs for two rows of two."""
THREADED_ROWS = 8 * BATCH_ROWS
"""Threads are started for more rows than these only: it takes 0.1 ms."""
SESSION_BYTES, FILE_BYTES, NODE_BYTES = 2**21, 4, 1000
"""What a session takes, and for each byte of its file, and each inner node of trees: 700 to 955 bytes were seen, of
forests and boosted trees with 16,000 to 91,000 nodes."""
NEVER = 2**62
"""More rows than there are."""


class Scores:
    """What a model says of n rows.

    prediction: (n,), the class labels or, for a regression, the values.
    probabilities: (n, classes), or None for a regression.
    """

    __slots__ = ("prediction", "probabilities")

    def __init__(self, prediction: NDArray[Any], probabilities: NDArray[np.floating[Any]] | None) -> None:
        self.prediction = prediction
        self.probabilities = probabilities

    def part(self, begin: int, end: int) -> Scores:
        """Return the scores of the rows from `begin` to `end`."""
        return Scores(self.prediction[begin:end], None if self.probabilities is None else self.probabilities[begin:end])


class Model:
    """A loaded model: its card, its digest, about what it takes of memory, and `score`."""

    def __init__(
        self,
        data: bytes,
        fetch: Callable[[str], bytes] | None = None,
        admit: Callable[[int], bool] | None = None,
    ) -> None:
        """Check and load the bytes of a model file; raise ServiceError (model-invalid) if they are not one.

        fetch: returns the bytes of the model's companion with that digest, or raises ServiceError. The first call of a
        whole batch has it fetched and loaded.
        admit: whether there is room for about so many bytes. If there is not, ServiceError is raised (model-too-large).
        """
        check_seal(data)
        checked = check_model(data)
        self.memory_bytes = SESSION_BYTES + FILE_BYTES * len(data) + NODE_BYTES * checked.tree_nodes
        if admit is not None and not admit(self.memory_bytes):
            size = f"{self.memory_bytes / 2**20:,.0f} MB"
            raise ServiceError(
                Problem.MODEL_TOO_LARGE, f"it takes about {size}, for which there is no room: deploy with more `memory`"
            )
        self.sha256 = sha256(data).hex()
        self._engine = Engine(data, checked)
        self.card = self._engine.card
        self.has_probabilities = self._engine.has_probabilities
        self._labels = {label: label for label in self.card.classes}
        accepts = [feature.accepts for feature in self.card.features]
        self._nan = np.array([each.nan for each in accepts], np.bool_)
        self._low = np.array([each.low for each in accepts], float)
        self._high = np.array([each.high for each in accepts], float)
        values = {column: np.array(each.values, float) for column, each in enumerate(accepts) if each.values}
        self._values = {column: np.sort(each, axis=None) for column, each in values.items()}
        self._rounded = [(n, each.dtype) for n, each in enumerate(self.card.features) if each.dtype != "float64"]
        self._narrowest = max(each.low for each in accepts), min(each.high for each in accepts)
        self._fetch = fetch
        self._companion: Companion | None = None
        self._many_from = NEVER if fetch is None or self.card.many_rows is None else BATCH_ROWS

    def score(self, rows: Rows, threads: int = 1, probabilities: bool = True) -> Scores:
        """Score rows of shape (n, features), by several `threads` where they are many: the bits are the same.

        Without `probabilities`, none are kept for many rows. Raises ServiceError for the first value, row by row, that
        the estimator refuses, or that the rows' codec does.
        """
        count = len(rows)
        engine = self._engine if count < self._many_from else self._engine_for_many()
        if count <= engine.batch_rows:
            outputs = self._score_batch(engine, rows, 0, probabilities)
        else:
            outputs = self._score_batches(engine, rows, threads if count > THREADED_ROWS else 1, probabilities)
        return Scores(outputs[0].reshape(count), outputs[1] if len(outputs) > 1 else None)

    def _engine_for_many(self) -> Engine:
        """Return the companion's engine, or the model's own where there is none, or it can't be had."""
        if self._companion is None:
            if self._fetch is None or self.card.many_rows is None:
                return self._engine
            from lambda_fn.model.companion import Companion  # here: a cold start does without

            self._companion = Companion(self._engine, self.card.many_rows, self._fetch)
        engine = self._companion.engine()
        self._many_from = BATCH_ROWS if engine is None else engine.least_rows
        return engine or self._engine

    def _score_batches(self, engine: Engine, rows: Rows, threads: int, probabilities: bool) -> list[NDArray[Any]]:
        """Return the outputs for all `rows`, each (n, …), written batch by batch, as large as the engine takes them."""
        size = engine.batch_rows
        first = self._score_batch(engine, rows, 0, probabilities)
        outputs = [np.empty((len(rows), *output.shape[1:]), output.dtype) for output in first]
        starts = iter(range(size, len(rows), size))
        failures: dict[int, Exception] = {}

        def write(start: int, batch: list[NDArray[Any]]) -> None:
            for whole, part in zip(outputs, batch, strict=True):
                whole[start : start + size] = self._labels_of(part) if part.dtype.hasobject else part

        def score_rest() -> None:
            for start in starts:  # which the threads share: each batch is one's
                try:
                    write(start, self._score_batch(engine, rows, start, probabilities))
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

    def _score_batch(self, engine: Engine, rows: Rows, start: int, probabilities: bool) -> list[NDArray[Any]]:
        """Return the outputs for the batch of rows from `start` on: one, or with probabilities two.

        What the companion is not made for, or does not run, the model's own engine scores.
        """
        batch = sent = rows[start : start + engine.batch_rows]
        if self._rounded:
            batch = self._round(sent)
        self._refuse(batch, sent, start)
        if self._companion is None or len(batch) < engine.least_rows:
            return self._engine.run(batch, probabilities)
        return self._companion.run(engine, batch, probabilities)

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
        if not self._values and (self._all_accept(rows) if rows.size <= FEW_VALUES else self._accept_extremes(rows)):
            return
        refused = self._places_refused(rows)
        if len(refused):
            row, column = refused[0].tolist()
            raise _refusal(float(sent[row, column]), start + row, column, self.card.features[column])

    def refusals(self, rows: NDArray[np.float64]) -> Iterator[ServiceError]:
        """Yield the error for each of the rows (n, features) that the estimator itself refuses: of its first value."""
        last = -1
        for row, column in self._places_refused(self._round(rows) if self._rounded else rows).tolist():
            if row != last:
                yield _refusal(float(rows[row, column]), row, column, self.card.features[column])
            last = row

    def _places_refused(self, rows: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return where the values are that the estimator itself refuses, (values, 2), row by row."""
        inside = (rows >= self._low) & (rows <= self._high)
        for column, values in self._values.items():
            places = values.searchsorted(rows[:, column])  # as np.isin has it, in 2 instead of 22 µs
            inside[:, column] &= values[np.minimum(places, len(values) - 1)] == rows[:, column]
        if inside.all():
            return np.empty((0, 2), np.intp)
        return np.argwhere(~(inside | (np.isnan(rows) & self._nan)))

    def _accept_extremes(self, rows: NDArray[np.float64]) -> bool:
        """Whether each of the features accepts the least and the largest number, and there is none that is NaN."""
        low, high = self._narrowest  # 5 µs for 512 rows of 10; to compare each with its column's takes 40
        return bool(low <= np.minimum.reduce(rows, axis=None) and np.maximum.reduce(rows, axis=None) <= high)

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
