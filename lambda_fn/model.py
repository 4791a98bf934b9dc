"""Bytes become a checked model; rows become scores. Knows nothing of HTTP."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lambda_fn.card import Card, Feature
from lambda_fn.errors import Problem, ServiceError

SEAL = b"\x0a\x06digest\x12\x40"
"""How the metadata entry ``digest`` starts in the file: its key, and the length of the 64 digits that follow."""

BATCH_ROWS = 1024
"""How many rows are scored at once: 10,000 rows on a forest of 500 deep trees took 0.8 GB in one."""
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model says of n rows.

    prediction: (n,), the class labels or, for a regression, the values.
    probabilities: (n, classes), or None for a regression.
    """

    prediction: NDArray[Any]
    probabilities: NDArray[np.floating[Any]] | None


class Model:
    """A loaded model: its card, its digest, and `score`."""

    def __init__(self, data: bytes) -> None:
        """Check and load the bytes of a model file; raise ServiceError (model-invalid) if they are not one."""
        check_seal(data)
        self.sha256 = hashlib.sha256(data).hexdigest()
        try:
            self._session = _session(data)
            self.card = Card.parse(self._session.get_modelmeta().custom_metadata_map.get("card"))
            [rows] = self._session.get_inputs()
            self._input: str = rows.name
            self._dtype = DTYPES[rows.type]
            accepts = [feature.accepts for feature in self.card.features]
            self._nan = np.array([each.nan for each in accepts])
            self._low, self._high = np.array([each.low for each in accepts]), np.array([each.high for each in accepts])
            self._values = {column: each.values for column, each in enumerate(accepts) if each.values}
            self.has_probabilities = len(self._session.get_outputs()) > 1
            # The first run of a session allocates what later ones use again, and shows whether it runs at all.
            self._session.run(None, {self._input: np.zeros((1, len(self.card.features)), self._dtype)})
        except ServiceError:
            raise
        except Exception as error:  # onnxruntime raises ValueError, RuntimeError or classes of its own, as it comes
            raise ServiceError(Problem.MODEL_INVALID, f"the model file does not load: {error}") from error

    def score(self, rows: NDArray[np.float64]) -> Scores:
        """Score rows of shape (n, features); raise ServiceError for a value that the estimator refuses."""
        self._refuse(rows)
        values = rows.astype(self._dtype, copy=False)
        batches = [values[start : start + BATCH_ROWS] for start in range(0, len(values), BATCH_ROWS)]
        outputs = [self._session.run(None, {self._input: batch}) for batch in batches]
        prediction, *probabilities = (
            outputs[0] if len(outputs) == 1 else map(np.concatenate, zip(*outputs, strict=True))
        )
        return Scores(prediction.reshape(len(rows)), probabilities[0] if probabilities else None)

    def _refuse(self, rows: NDArray[np.float64]) -> None:
        """Raise ServiceError for the first value that the estimator itself refuses."""
        inside = (rows >= self._low) & (rows <= self._high)
        for column, values in self._values.items():
            inside[:, column] &= np.isin(rows[:, column], values)
        if inside.all():
            return
        refused = np.argwhere(~(inside | (np.isnan(rows) & self._nan)))
        if len(refused) == 0:
            return
        row, column = refused[0].tolist()
        raise _refusal(float(rows[row, column]), row, column, self.card.features[column])


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
        takes = ", ".join(map(repr, accepts.values[:20])) + (", …" if len(accepts.values) > 20 else "")
    detail = f"row {row}, column {column} ({feature.name!r}) is {value}, the model takes {takes}"
    return ServiceError(problem, detail, row=row, column=column)


def check_seal(data: bytes) -> None:
    """Compare the digest in the file with the bytes around it; raise ServiceError where they differ.

    The digest is the SHA-256 of the whole file with zeros in the place of its own 64 digits (convert/seal.py).
    """
    start = data.rfind(SEAL) + len(SEAL)
    if start < len(SEAL):
        raise ServiceError(
            Problem.MODEL_INVALID, "the model file carries no digest: export it with `python -m convert export`"
        )
    end = start + 64
    digest = hashlib.sha256(data[:start])
    digest.update(b"0" * 64)
    digest.update(data[end:])
    if digest.hexdigest().encode() != data[start:end]:
        raise ServiceError(
            Problem.MODEL_INVALID, "the model file was altered after its export: its digest is not that of its bytes"
        )


def _session(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # A function has one vCPU below about 1.8 GB, and one thread keeps the order of additions that parity rests on.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
