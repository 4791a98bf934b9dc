"""What the module of a dialect has: for types alone, which no cold start makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lambda_fn.http.request import Request
from lambda_fn.model.card import Card
from lambda_fn.model.rows import Rows


class Codec(Protocol):
    """What the module of a dialect has: the `CONTENT_TYPE` of what it encodes, and these."""

    CONTENT_TYPE: str

    def decode_request(self, request: Request, parameters: Mapping[str, str], card: Card) -> tuple[Rows, bool | None]:
        """Return the rows in the body of `request`, whose media type has `parameters`.

        Beside them: whether the body itself wants probabilities, None if it does not say.
        """

    def least_bytes(self, count: int, classes: Sequence[bool | int | float | str], probabilities: bool) -> int:
        """Return what the answer for `count` rows takes at the least, whatever they are scored.

        classes: the class labels, none for a regression.
        """

    def encode(
        self,
        prediction: NDArray[Any],
        probabilities: NDArray[np.floating[Any]] | None = None,
        classes: Sequence[bool | int | float | str] = (),
    ) -> str | bytes:
        """Return the body for the predictions (n,), with probabilities (n, classes) if they are given.

        Raises ServiceError (response-too-large) before it takes much more memory than an answer may.
        """
