"""Where a model is: what is asked of the storage, what was seen there last, and what is still on its way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lambda_fn.config import Settings
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.storage import store
from lambda_fn.storage.work import Work

if TYPE_CHECKING:
    from lambda_fn.storage.store import Blob

OLD_SECONDS = 10.0
"""What was asked for longer ago may have been replaced since."""
WAKING_SECONDS = 0.1
"""What a call that woke the instance needs to say so."""
COMPANION_SECONDS = 1.0
"""How long a call of many rows waits for a graph that is made for those."""


class Source:
    """A URI. Lambda freezes an instance between calls: what one call does not see the end of, the next one may.

    etag: of the object that was seen last, whether it was taken or not; empty for none.
    asked_at: when it was asked last whether there is another, by the clock on the wall, in seconds since 1970.
    """

    def __init__(self, uri: str, beside: str, settings: Settings, ahead: Work[Blob] | None) -> None:
        """Ask for nothing yet; what was fetched `ahead` is taken first. Companions are `beside` that URI."""
        self.uri, self._beside = uri, beside
        self._max_bytes, self._memory_bytes = settings.max_model_bytes, settings.memory_bytes
        self.etag, self.asked_at = "", 0.0
        self._refusal: ServiceError | None = None
        self._fetching, self._in_vain = ahead, False
        self._companions: dict[str, Work[Blob]] = {}

    @property
    def has_come(self) -> bool:
        """Whether what an earlier call did not wait for any longer is there."""
        return self._fetching is not None and self._fetching.done

    def fetch(self, seconds: float) -> tuple[Blob, float]:
        """Return what is there, and when it was asked for, for a call that can wait so many seconds.

        Raises what `store.fetch` raises; UnfinishedError if it takes longer, of which the next call has the rest; and
        why what is there was refused, if it was seen before.
        """
        begun, fetching, again = time.monotonic(), self._fetching, self._in_vain
        old = fetching is not None and time.time() - fetching.begun > OLD_SECONDS
        if fetching is not None and not (fetching.done and old):
            try:
                return self._await(fetching, seconds)
            except ServiceError as error:
                dead = again and error.problem is Problem.STORAGE_UNAVAILABLE
                if self._fetching is not None or not (old or dead):
                    raise
            # the instance was frozen, perhaps: its socket is dead, or there is a model by now
            seconds -= time.monotonic() - begun
        return self._await(Work(self._fetch), seconds)

    def fetch_other(self, woken: Callable[[], bool]) -> Blob | None:
        """Return what is there, None if it is what was seen last; raise what `store.fetch` raises.

        woken: whether the instance was frozen since this was asked last: then a socket is dead, which is no error.
        """
        from lambda_fn.serving import memory  # here: the first model does without

        self.asked_at = time.time()
        most = min(self._max_bytes, memory.readable_bytes(self._memory_bytes))
        woken()
        while True:
            try:
                return store.fetch_other(self.uri, most, self.etag)
            except ServiceError as error:
                if error.problem is not Problem.STORAGE_UNAVAILABLE:
                    raise
                time.sleep(WAKING_SECONDS)
                if not woken():
                    raise
                self.asked_at = time.time()

    def see(self, etag: str) -> None:
        """Remember what is served, so that it is not fetched again."""
        self.etag, self._refusal = etag, None

    def forget(self) -> None:
        """Know nothing of what is there; a look that is under way tells nothing, either."""
        self.etag, self._refusal, self.asked_at = "", None, -math.inf

    def refuse(self, blob: Blob, error: ServiceError) -> None:
        """Remember why an object is not served, so that it is not fetched again; unless it came altered, perhaps."""
        self.etag, self._refusal = (blob.etag, error.again()) if blob.vouched else ("", None)

    def drop(self) -> None:
        """Let go of bytes that came when nobody waited for them any longer."""
        if self.has_come:
            self._fetching = None

    def companion(self, sha256: str) -> bytes:
        """Return the bytes of the model's companion with that digest; raise ServiceError if they can't be had."""
        until, fetching = time.monotonic() + COMPANION_SECONDS, self._companions.pop(sha256, None)
        if fetching is not None:
            try:
                return self._await_companion(sha256, fetching, until)
            except ServiceError:
                if not fetching.done:
                    raise  # or else the instance was frozen, perhaps: its socket is dead
        fetching = store.begin_to_fetch(store.beside(self._beside, sha256), self._max_bytes)
        return self._await_companion(sha256, fetching, until)

    def _await_companion(self, sha256: str, fetching: Work[Blob], until: float) -> bytes:
        try:
            return fetching.result(until - time.monotonic()).data
        finally:
            if not fetching.done:
                self._companions = {sha256: fetching}  # for the next call that asks

    def _fetch(self) -> Blob:
        refusal = self._refusal
        blob = store.fetch_other(self.uri, self._max_bytes, self.etag if refusal else "")
        if blob is not None:
            return blob
        raise refusal.again() if refusal else ServiceError(Problem.STORAGE_UNAVAILABLE, "nothing was answered")

    def _await(self, fetching: Work[Blob], seconds: float) -> tuple[Blob, float]:
        self._fetching, self._in_vain = None, False
        try:
            return fetching.result(seconds), fetching.begun
        finally:
            if not fetching.done:
                self._fetching, self._in_vain = fetching, True
