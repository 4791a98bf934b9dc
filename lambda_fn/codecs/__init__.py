"""One file per dialect: a body becomes rows, scores become a body. Codecs know nothing of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lambda_fn.card import Card
    from lambda_fn.request import Request
    from lambda_fn.rows import Rows


class Codec(Protocol):
    """What the module of a dialect has: the `CONTENT_TYPE` of what it encodes, and these."""

    CONTENT_TYPE: str

    def decode_request(self, request: Request, parameters: Mapping[str, str], card: Card) -> Rows:
        """Return the rows in the body of `request`, whose media type has `parameters`."""

    def encode(
        self,
        prediction: NDArray[Any],
        probabilities: NDArray[np.floating[Any]] | None = None,
        classes: Sequence[bool | int | float | str] = (),
    ) -> str | bytes:
        """Return the body for the predictions (n,), with probabilities (n, classes) if they are given."""


@cache
def _json() -> Codec:
    from lambda_fn.codecs import json_rows

    return json_rows


@cache
def _csv() -> Codec:
    from lambda_fn.codecs import csv_rows  # here, so that a cold start that scores JSON does not import it

    return csv_rows


@cache
def _npy() -> Codec:
    from lambda_fn.codecs import npy_rows

    return npy_rows


JSON = "application/json"
CODECS: Mapping[str, Callable[[], Codec]] = {JSON: _json, "text/csv": _csv, "application/x-npy": _npy}
"""The dialects by media type; where a client takes several equally, the earlier ones are preferred."""
