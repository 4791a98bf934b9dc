"""``{"data": [[6.2, 3.4], …]}`` becomes rows; scores become ``{"prediction": […]}``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.codecs.json_document import SLICED_BYTES, read
from lambda_fn.codecs.sizes import BLOCK_NUMBERS, check_size
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.json_body import check_charset
from lambda_fn.http.request import Request
from lambda_fn.model.card import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.rows import Rows

CONTENT_TYPE = "application/json"
ENCODER = json.JSONEncoder(allow_nan=False)
MANY_NUMBERS = 128
LEAST_BYTES = 5
"""What a number takes at the least that is not whole, with what parts it from the next: ``0.5, ``."""


def decode_request(request: Request, parameters: Mapping[str, str], card: Card) -> tuple[Rows, bool | None]:
    """Return the rows in the JSON body of `request`, and whether it wants probabilities, None if it does not say.

    Raises unsupported-media-type, and what `decode_body` raises.
    """
    if parameters:
        check_charset(parameters)
    body = request.body
    if len(body) > SLICED_BYTES:
        from lambda_fn.codecs.json_slices import sliced_rows  # here, as most bodies are small

        rows = sliced_rows(body, card)
        if rows is not None:
            return rows, None
    return read(body, card)


def least_bytes(count: int, classes: Sequence[bool | int | float | str], probabilities: bool) -> int:
    """Return what an answer takes at the least: ``2, `` for a row, ``[0.5, 0.5], `` for its probabilities."""
    label = min((len(str(label)) for label in classes), default=len("0.0"))
    return count * (label + 2 + (LEAST_BYTES * len(classes) + 2 if probabilities else 0))


def encode(
    prediction: NDArray[Any],
    probabilities: NDArray[np.floating[Any]] | None = None,
    classes: Sequence[bool | int | float | str] = (),
) -> str:
    """Return the body for the predictions (n,), with probabilities (n, classes) if they are given.

    Raises ServiceError naming the first row whose score is NaN or infinite, and response-too-large.
    """
    if probabilities is None:
        whole = prediction.dtype.kind in "iu"  # nearly always
        return f'{{"prediction": {_whole_numbers(prediction) if whole else encode_values(prediction)}}}'
    members = [f'"prediction": {encode_values(prediction)}', f'"probabilities": {encode_values(probabilities)}']
    return f'{{{", ".join(members)}, "classes": {ENCODER.encode(list(classes))}}}'


def encode_values(values: NDArray[Any]) -> str:
    """Return labels or numbers (n,), or numbers (n, m), as a JSON array.

    Raises ServiceError naming the first row that is NaN or infinite, and response-too-large.
    """
    if values.dtype.kind in "iu" and values.ndim == 1:
        return _whole_numbers(values)
    if values.dtype == object:
        return _labels(values)
    try:
        check_size(LEAST_BYTES * values.size)
        return _blocks(values)
    except ValueError as error:
        row = int(np.argmin(np.isfinite(values.astype(np.float64)).reshape(len(values), -1).all(axis=1)))
        detail = f"row {row} is scored {values[row].tolist()}; the model overflows on it"
        raise ServiceError(Problem.SCORE_NOT_FINITE, detail, row=row) from error


def _blocks(values: NDArray[Any]) -> str:
    """Return values (n, …) as a JSON array, written block by block; raise ValueError for one that is not finite."""
    step = max(1, BLOCK_NUMBERS * len(values) // max(1, values.size))
    if len(values) <= step:
        return ENCODER.encode(values.tolist())
    texts, size = [], 0
    for start in range(0, len(values), step):
        texts.append(ENCODER.encode(values[start : start + step].tolist())[1:-1])
        size += len(texts[-1])
        check_size(size)
    return f"[{', '.join(texts)}]"


def _labels(labels: NDArray[np.object_]) -> str:
    """Return strings (n,) as a JSON array: each label is written once."""
    texts = {label: ENCODER.encode(label) for label in set(labels.tolist())}
    written = [texts[label] for label in labels.tolist()]
    check_size(sum(map(len, written)) + 2 * len(written))
    return f"[{', '.join(written)}]"


def _whole_numbers(numbers: NDArray[np.integer[Any]]) -> str:
    """Return whole numbers (n,) as a JSON array: Python writes them the same, in a third of an encoder's time.

    Of many numbers of a digit, as class labels mostly are, an array of characters takes a twelfth of that.
    """
    if len(numbers) <= MANY_NUMBERS:
        return str(numbers.tolist())
    check_size(3 * len(numbers))
    if numbers.min() < 0 or numbers.max() > 9:
        return str(numbers.tolist())
    text = np.full((len(numbers), 3), np.frombuffer(b"0, ", np.uint8))
    text[:, 0] += numbers.astype(np.uint8)
    return f"[{text.tobytes()[:-2].decode()}]"
