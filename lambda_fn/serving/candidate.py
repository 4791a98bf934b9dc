"""The candidate: a model beside the current one, which a share of the calls is scored by, or compared with."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.config import Settings
from lambda_fn.digest import sha256
from lambda_fn.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.model import Scores
    from lambda_fn.serving.loaded import Loaded
    from lambda_fn.serving.served import Patience, Served


class Difference(Record):
    """How the answers for some rows differ.

    rows, differing: how many there are, and of how many the label, or the value, is another.
    largest: the largest difference of a probability, or of a value; None where there is none to compare.
    """

    rows: int
    differing: int
    largest: float | None


class Candidate:
    """Which calls it gets, and how its answers differed so far."""

    def __init__(self, served: Served, settings: Settings) -> None:
        """Load nothing yet."""
        self.served = served
        self._share, self.shadow = settings.candidate_share, settings.candidate_shadow
        self._lock = threading.Lock()
        self._pair = ("", "")
        self._compared: dict[str, Any] = {}

    def current(self, loaded: Loaded, patience: Patience) -> Loaded | None:
        """Return the candidate of what is `loaded`; None if there is none, or it is the same model.

        It is waited for if it is to answer, so that calls of one key have one model from the first on.
        """
        other = self.served.current_if_any(None if self.shadow else patience)
        return None if other is None or other.model.sha256 == loaded.model.sha256 else other

    def gets(self, key: str | None) -> bool:
        """Whether a call with this key is the candidate's, always the same for the same key; without one, by chance."""
        drawn = os.urandom(8) if key is None else sha256(key.encode("utf-8", "surrogatepass"))[:8]
        return int.from_bytes(drawn) < self._share * 2**64

    def count(self, loaded: Loaded, other: Loaded, difference: Difference | str) -> None:
        """Remember, and tell outside, how an answer differed, or why the candidate did not score what was."""
        with self._lock:
            if self._pair != (loaded.model.sha256, other.model.sha256):
                self._pair = (loaded.model.sha256, other.model.sha256)
                self._compared = {"calls": 0, "failures": 0, "rows": 0, "rows_differing": 0, "largest_difference": None}
            compared = self._compared
            compared["calls"] += 1
            if isinstance(difference, str):
                compared["failures"] += 1
                self.served.tell("WARN", f"the candidate did not score a call: {difference}", {"CandidateFailures": 1})
                return
            compared["rows"] += difference.rows
            compared["rows_differing"] += difference.differing
            told: dict[str, float] = {"CandidateRows": difference.rows, "CandidateRowsDiffering": difference.differing}
            if difference.largest is not None:
                compared["largest_difference"] = max(compared["largest_difference"] or 0.0, difference.largest)
                told["CandidateLargestDifference"] = difference.largest
            differing = f"{difference.differing} of {difference.rows} rows"
            self.served.tell("INFO", f"the candidate answers {differing} otherwise", told)

    def describe(self, loaded: Loaded) -> dict[str, Any]:
        """Return what is known of it, as JSON has it."""
        other = self.served.loaded
        return {
            "serving": other and other.describe(),
            "rejected": self.served.rejected,
            "share": self._share,
            "mode": "shadow" if self.shadow else "answer",
            "compared": self._compared if self._pair == (loaded.model.sha256, other and other.model.sha256) else None,
        }


def compare(ours: Scores, theirs: Scores, classes: Sequence[Any], their_classes: Sequence[Any]) -> Difference:
    """Return how the scores of the same rows differ; probabilities are compared if they are of the same classes."""
    count = len(ours.prediction)
    if not classes or not their_classes:
        largest = _largest(ours.prediction, theirs.prediction) if not classes and not their_classes else None
    elif set(classes) == set(their_classes) and ours.probabilities is not None and theirs.probabilities is not None:
        order = [their_classes.index(label) for label in classes]
        largest = _largest(ours.probabilities, theirs.probabilities[:, order])
    else:
        largest = None
    pairs = zip(ours.prediction.tolist(), theirs.prediction.tolist(), strict=True)
    same = [mine == other or (mine != mine and other != other) for mine, other in pairs]  # two that are NaN, too
    return Difference(count, count - sum(same), largest)


def _largest(ours: NDArray[Any], theirs: NDArray[Any]) -> float | None:
    """Return the largest difference of two numbers that are finite; None if there are none."""
    with np.errstate(invalid="ignore", over="ignore"):
        differences = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    finite = differences[np.isfinite(differences)]
    return float(finite.max()) if finite.size else None
