"""What failed a moment ago, and is not waited for again so soon."""

from __future__ import annotations

import math
import time

from lambda_fn.errors import Problem, ServiceError

SLOW_SECONDS = 1.0
"""What failed sooner is tried again by the next call."""
REMEMBERED_SECONDS = 5.0
"""How long other failures are remembered, at the most: who fails at once draws calls from those who do not."""
LOOK_SECONDS = 2.0
"""How long a call waits for a look, and what it finds, at the most; twice as long if the last one did in vain: where an
instance is frozen between calls, a look that takes longer would begin anew in each."""
VAIN_SECONDS, MOST_VAIN_SECONDS = 10.0, 600.0
"""How long no call waits for a look after one did in vain: for the time to live, but within these."""


class Failures:
    """The last failure that a call waited for, so that the calls behind it need not."""

    def __init__(self) -> None:
        self._failure: ServiceError | None = None
        self._until = -math.inf
        self._in_vain_at = -math.inf
        self._in_vain = False

    def check(self) -> None:
        """Raise the failure again while it is remembered."""
        left = self._until - time.time()
        if self._failure is not None and 0 < left <= REMEMBERED_SECONDS:
            raise self._failure.later(left)

    def remember(self, error: ServiceError, took: float) -> ServiceError:
        """Return the error that is to be raised; for twice as long as it took it is remembered, if that was long.

        So is that there is no memory: it takes a whole file to know.
        """
        if error.problem is Problem.MODEL_TOO_LARGE:
            took = REMEMBERED_SECONDS
        if took < SLOW_SECONDS:
            return error
        seconds = min(REMEMBERED_SECONDS, 2 * took)
        self._failure, self._until = error.again(), time.time() + seconds
        error.retry_after = error.later(seconds).retry_after
        return error

    def look_seconds(self, ttl: float) -> float:
        """Return how long a call waits for a look: not at all where one did in vain a moment ago, longer after that."""
        if 0 <= time.time() - self._in_vain_at < max(VAIN_SECONDS, min(ttl, MOST_VAIN_SECONDS)):
            return 0.0
        return 2 * LOOK_SECONDS if self._in_vain else LOOK_SECONDS

    def waited(self, in_vain: bool) -> None:
        """Remember whether a call waited for a look in vain."""
        self._in_vain = in_vain
        if in_vain:
            self._in_vain_at = time.time()
