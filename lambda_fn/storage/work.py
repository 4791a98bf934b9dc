"""Work in a thread of its own, so that whoever waits for it can stop waiting.

A socket's timeout counts from byte to byte, and no deadline ends the look-up of a name, or what boto3 does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from lambda_fn.errors import Problem, ServiceError

CALL_SECONDS = 9.0
"""How long a call waits for S3 at the most."""
INIT_SECONDS = 7.0
"""How long an init does: Lambda ends one after 10 s."""
MAX_LOST = 8
"""How many pieces of work that nobody waits for any more may still run: after that, none is begun."""
_lost: list[threading.Thread] = []


class UnfinishedError(ServiceError):
    """Raised when the work is not done in time. It goes on."""


class Work[Outcome]:
    """What a function returns or raises, sooner or later."""

    def __init__(self, function: Callable[[], Outcome]) -> None:
        """Begin; raise ServiceError (storage-unavailable) if too much that was begun before does not end."""
        _lost[:] = [thread for thread in _lost if thread.is_alive()]
        if len(_lost) >= MAX_LOST:
            raise ServiceError(Problem.STORAGE_UNAVAILABLE, f"{MAX_LOST} requests to the storage are unanswered")
        self._function = function
        self._outcome: Outcome
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the outcome is there."""
        return not self._thread.is_alive()

    def result(self, seconds: float) -> Outcome:
        """Return, or raise, the outcome; raise UnfinishedError if it is not there after so many seconds."""
        self._thread.join(max(0.0, seconds))
        if not self.done:
            if self._thread not in _lost:
                _lost.append(self._thread)
            raise UnfinishedError(
                Problem.STORAGE_UNAVAILABLE, f"the storage has not answered as a whole within {seconds:.1f} s"
            )
        if self._failure is not None:
            raise self._failure
        return self._outcome

    def _run(self) -> None:
        try:
            self._outcome = self._function()
        except Exception as error:  # raised where the outcome is awaited
            self._failure = error
