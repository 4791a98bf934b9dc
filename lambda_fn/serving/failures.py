"""What failed a moment ago, and is not waited for again so soon."""

from __future__ import annotations

import math
import time

from lambda_fn.errors import Problem, ServiceError

SLOW_SECONDS = 1.0
"""What failed sooner is tried again by the next call."""
REMEMBERED_SECONDS = 5.0
"""How long other failures are remembered, at the most: who fails at once draws calls from those who do not."""
VAIN_SECONDS, MOST_VAIN_SECONDS = 10.0, 600.0
"""How long no call waits for a look after one did in vain: for the time to live, but within these."""


class Failures:
    """The last failure that a call waited for, so that the calls behind it need not."""

    def __init__(self) -> None:
        self._failure: ServiceError | None = None
        self._until = -math.inf
        self._in_vain_at = -math.inf

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

    def wait_no_more(self) -> None:
        """Remember that a call waited for a look in vain."""
        self._in_vain_at = time.time()

    def were_waited_for(self, ttl: float) -> bool:
        """Whether a call waited in vain a moment ago."""
        return 0 <= time.time() - self._in_vain_at < max(VAIN_SECONDS, min(ttl, MOST_VAIN_SECONDS))
