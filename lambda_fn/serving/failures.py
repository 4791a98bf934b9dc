"""What failed a moment ago, and is not waited for again so soon."""

from __future__ import annotations

import math
import time

from lambda_fn.errors import ServiceError

SLOW_SECONDS = 1.0
"""What failed sooner is tried again by the next call."""
MEMORY_SECONDS = 5.0
"""How long other failures are remembered, at the most: who fails at once draws calls from those who do not."""


class Failures:
    """The last failure that a call waited for, so that the calls behind it need not.

    in_vain_at: when a call last waited for a look that was not finished; by the clock on the wall.
    """

    def __init__(self) -> None:
        self.in_vain_at = -math.inf
        self._failure: ServiceError | None = None
        self._until = -math.inf

    def check(self) -> None:
        """Raise the failure again while it is remembered."""
        left = self._until - time.time()
        if self._failure is not None and 0 < left <= MEMORY_SECONDS:
            raise self._failure.later(left)

    def remember(self, error: ServiceError, took: float) -> ServiceError:
        """Return the error that is to be raised; for twice as long as it took it is remembered, if that was long."""
        if took < SLOW_SECONDS:
            return error
        seconds = min(MEMORY_SECONDS, 2 * took)
        self._failure, self._until = error.again(), time.time() + seconds
        error.retry_after = error.later(seconds).retry_after
        return error
