"""Work in a thread of its own, so that whoever waits for it can stop waiting, and end it.

A socket's timeout counts from byte to byte, and no deadline ends the look-up of a name, or what boto3 does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lambda_fn.errors import Problem, ServiceError

CALL_SECONDS = 8.5
"""How long a call waits for S3 at the most, but for a companion."""
INIT_SECONDS = 7.0
"""How long an init does: Lambda ends one after 10 s."""
MAX_ENDING = 8
"""How many pieces of work that are to end may still run: after that, none is begun."""
_ending: list[threading.Thread] = []


class UnfinishedError(ServiceError):
    """Raised when the work is not done in time. It goes on."""


class AbandonedError(SystemExit):
    """Raised within work that is to end. No failure that boto3 would try again after."""


class Work[Outcome]:
    """What a function returns or raises, sooner or later.

    begun: when, by the clock on the wall, in seconds since 1970.
    """

    def __init__(self, function: Callable[[], Outcome]) -> None:
        """Begin; raise ServiceError (storage-unavailable) if too much does not end that was abandoned before."""
        _ending[:] = [thread for thread in _ending if thread.is_alive()]
        if len(_ending) >= MAX_ENDING:
            raise ServiceError(Problem.STORAGE_UNAVAILABLE, f"{MAX_ENDING} requests to the storage are unanswered")
        self.begun = time.time()
        self._function = function
        self._outcome: Outcome
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise ServiceError(Problem.STORAGE_UNAVAILABLE, f"no thread can be started: {error}") from error

    @property
    def done(self) -> bool:
        """Whether the outcome is there."""
        return not self._thread.is_alive()

    def result(self, seconds: float) -> Outcome:
        """Return, or raise, the outcome; raise UnfinishedError if it is not there after so many seconds."""
        self._thread.join(max(0.0, seconds))
        if not self.done:
            raise UnfinishedError(
                Problem.STORAGE_UNAVAILABLE, f"the storage has not answered as a whole within {seconds:.1f} s"
            )
        if self._failure is not None:
            raise self._failure
        return self._outcome

    def abandon(self) -> None:
        """End it at the next byte that it gets: what it has open is closed, and it has no outcome."""
        import ctypes  # here: a call that S3 answers does without

        _ending.append(self._thread)
        number = ctypes.c_ulong(self._thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(AbandonedError))

    def _run(self) -> None:
        try:
            self._outcome = self._function()
        except Exception as error:  # raised where the outcome is awaited
            self._failure = error
        except AbandonedError:  # nobody waits for it
            pass


def bounded[Outcome](function: Callable[[], Outcome], seconds: float) -> Outcome:
    """Return what a function returns within so many seconds; or else end it, and raise ServiceError."""
    work = Work(function)
    try:
        return work.result(seconds)
    except UnfinishedError as error:
        work.abandon()
        raise error.again() from None
