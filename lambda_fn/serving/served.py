"""The model at a URI: loaded when it is first asked for, looked at again after a while, and replaced as a whole.

S3 is looked at beside a call, in a thread, and what is not finished when the call is answered goes on with the next:
Lambda freezes an instance between calls. A call waits for a look only where none could have been made in time, for the
instance was idle: so while S3 answers, no call gets a model that was replaced longer ago than the time to live.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from lambda_fn.config import Settings
from lambda_fn.digest import sha256
from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError, described
from lambda_fn.model.model import Model
from lambda_fn.serving.failures import Failures
from lambda_fn.serving.loaded import Loaded, moment
from lambda_fn.serving.source import Source
from lambda_fn.storage.work import CALL_SECONDS, UnfinishedError, Work

if TYPE_CHECKING:
    from lambda_fn.storage.store import Blob

log = logging.getLogger(__name__)

type Patience = Callable[[float], float]
"""Of so many seconds that a call would wait, how many it can."""
type Admit = Callable[[Served, int], bool]
"""Whether there is memory for a model that takes so many bytes, beside all that is loaded, or can be made."""

REJECTED = frozenset({Problem.MODEL_INVALID, Problem.MODEL_TOO_LARGE})
"""What is wrong with what is published, and not with whoever stores it."""
IDLE_SECONDS = 1.0
"""After so long without a call, the instance was idle, and frozen perhaps."""
STUCK_SECONDS = 30.0
"""A look that takes so long is told of."""


class Served:
    """One model; safe to be asked by several threads.

    `_loading` is held by the call that loads the first model; `_swapping` for the moment in which one takes the place
    of another. What is told of looks, the look's thread alone writes.
    """

    def __init__(
        self,
        uri: str,
        settings: Settings,
        admit: Admit,
        outages: Failures,
        *,
        beside: str = "",
        optional: bool = False,
        sha256: str | None = None,
        ahead: Work[Blob] | None = None,
    ) -> None:
        """Fetch nothing yet. What is fetched `ahead` is taken first.

        outages: of the storage, which other models are on, too.
        beside: the URI of the model that this one, and its companions, are beside, if it is another.
        optional: whether there may be none, which is no failure; one that is taken away is served no more.
        sha256: the digest of the only model that is taken.
        """
        self._told_of, self._optional, self._sha256 = beside or uri, optional, sha256
        self._role = "Candidate" if optional else "Model"  # what the names of metrics begin with
        self._source = Source(uri, beside or uri, settings, ahead)
        self._ttl, self._admit = settings.model_ttl, admit
        self._loaded: Loaded | None = None
        self._looked_at = -math.inf  # by the clock on the wall, as the other may stand still while frozen
        self._loading, self._swapping = threading.Lock(), threading.Lock()
        self._outages, self._failures = outages, Failures()
        self._look: Work[None] | None = None
        self._called_at = -math.inf
        self._woken = False
        self._rejected: dict[str, Any] | None = None
        self._refused: dict[str, Any] | None = None
        self._away: dict[str, Any] | None = None

    def current(self, patience: Patience) -> Loaded:
        """Return the model that is to answer now; raise ServiceError (503) if there is none yet and none can be had."""
        loaded = self._loaded
        if loaded is not None and -self._ttl < time.time() - self._looked_at < self._ttl:  # nearly always
            return loaded
        if loaded is None:
            begun = time.time()
            loaded = self._load_first(patience)
            if not self._is_old(begun):
                return loaded
        self._look_again(patience)
        return self._loaded or loaded

    def current_if_any(self, patience: Patience | None) -> Loaded | None:
        """Return the model that is there beside another; None where there is none, or it can't be had.

        patience: None if it is not to be waited for.
        """
        if not -self._ttl < time.time() - self._looked_at < self._ttl:
            self._look_again(patience)
        return self._loaded

    @property
    def loaded(self) -> Loaded | None:
        """The model, if it is loaded."""
        return self._loaded

    @property
    def rejected(self) -> Mapping[str, Any] | None:
        """Why what is at the URI is not what is served, or not known; None if it is."""
        return self._away or self._rejected

    def tell(self, level: str, message: str, values: Mapping[str, float], **more: object) -> None:
        """Write an entry of this model to the log, with metrics, and what `more` is to be read there."""
        from lambda_fn.telemetry.models import put  # here: most calls have nothing to tell

        put(level, message, self._told_of, values, more)

    def _tell_rejected(self, rejected: Mapping[str, Any], why: str) -> None:
        told = {name: rejected[name] for name in ("code", "version_id", "sha256", "since") if rejected[name]}
        self.tell("ERROR", f"{self._role.lower()} rejected: {why}", {f"{self._role}Rejected": 1}, **told)

    def unload(self) -> None:
        """Let go of the model, and of what came of one. Whoever asks next has it fetched again."""
        with self._swapping:
            if self._loaded is not None:
                self._loaded, self._looked_at = None, -math.inf
                self._source.forget()
            self._source.drop()

    def _load_first(self, patience: Patience) -> Loaded:
        """Fetch and load the model while a call, or an init, waits."""
        with self._loading:
            if self._loaded is not None:
                return self._loaded
            if not self._source.has_come:
                self._outages.check()
                self._failures.check()
            begun, blob = time.monotonic(), None
            try:
                blob, asked_at = self._source.fetch(patience(CALL_SECONDS))
                loaded = self._load(blob)
            except ServiceError as error:
                if error.problem in REJECTED:
                    if blob is not None or self._refused is None or self._refused["reason"] != error.detail:
                        self._refused = _rejected(error, blob)
                    self._tell_rejected(self._refused, error.told)  # as it was when its bytes came
                unanswered = error.problem is Problem.STORAGE_UNAVAILABLE and not isinstance(error, UnfinishedError)
                failures = self._outages if unanswered else self._failures
                raise failures.remember(error, time.monotonic() - begun) from error
            with self._swapping:
                self._loaded, self._looked_at = loaded, asked_at
                self._rejected = self._away = None
                self._source.see(blob.etag)
            return loaded

    def _load(self, blob: Blob) -> Loaded:
        """Return the model in the bytes; raise ServiceError, and remember it of the object, if it is none to serve."""
        try:
            if self._sha256 is not None and sha256(blob.data).hex() != self._sha256:
                detail = f"MODEL_SHA256 pins {self._sha256}, what is published has {sha256(blob.data).hex()}"
                raise ServiceError(Problem.MODEL_INVALID, detail)
            model = Model(blob.data, self._source.companion, partial(self._admit, self))
            return Loaded(model, blob, self._source.uri)
        except ServiceError as error:
            if error.problem is Problem.MODEL_INVALID:
                self._source.refuse(blob, error)
            raise

    def _look_again(self, patience: Patience | None) -> None:
        """Look, beside the call, whether another model is there; wait for it where the instance was idle."""
        begun = time.time()
        look, idle = self._begin_to_look()
        seconds = self._outages.look_seconds(self._ttl) if idle and patience is not None else 0.0
        if look is None or patience is None or not seconds:
            return
        with suppress(UnfinishedError):
            look.result(patience(seconds))
            if self._is_old(begun):
                look, _ = self._begin_to_look()
                if look is not None:
                    look.result(patience(seconds))
        self._outages.waited(in_vain=look is not None and not look.done)

    def _is_old(self, begun: float) -> bool:
        """Whether what a call that began then has, was asked for before the instance was frozen: it may be replaced."""
        return self._looked_at < begun - self._ttl

    def _begin_to_look(self) -> tuple[Work[None] | None, bool]:
        """Return the look that is made, None if none can be, and whether the instance was idle."""
        with self._loading:
            now, look = time.time(), self._look
            if look is None or look.done:
                idle = not 0 <= now - self._looked_at <= self._ttl + IDLE_SECONDS
                try:
                    look = self._look = Work(self._see)
                except ServiceError as error:
                    self._looked_at = now
                    self._reject(error, None)
                    return None, idle
            else:
                idle = not 0 <= now - self._called_at <= IDLE_SECONDS
                self._woken = self._woken or idle
                if not idle and now - look.begun > STUCK_SECONDS and self._away is None:
                    detail = f"the storage has not answered for {now - look.begun:.0f} s"
                    self._reject(ServiceError(Problem.STORAGE_UNAVAILABLE, detail), None)
            self._called_at = now
            return look, idle

    def _was_woken(self) -> bool:
        """Whether a call came after the instance was idle, since this was asked last."""
        woken, self._woken = self._woken, False
        return woken

    def _see(self) -> None:
        """Look whether another model is there, and take it; keep the one that is served if that can't be done."""
        blob = None
        if self._loaded is None and not self._optional:  # it was unloaded meanwhile
            return
        try:
            blob = self._source.fetch_other(self._was_woken)
            self._away = None
            if self._source.asked_at > -math.inf:  # it was not unloaded: what was fetched since would be newer
                self._take(blob)
        except ServiceError as error:
            self._reject(error, blob)
        except Exception as error:  # of memory, or a mistake of the service's own
            log.error("%s: not taken: %s", self._source.uri, described(error))
            self._reject(ServiceError(Problem.INTERNAL_ERROR, f"{type(error).__name__}: {SEE_THE_LOG}"), blob)
        finally:
            self._looked_at = self._source.asked_at

    def _take(self, blob: Blob | None) -> None:
        """Load what is another model, and serve it; raise ServiceError if that can't be done."""
        loaded = self._loaded
        if loaded is None and not self._optional:  # as above, while it was asked again
            return
        if blob is None:
            if loaded is not None and self._source.etag == loaded.etag:
                self._rejected = None
            elif self._rejected is not None:  # as it was at the last look: an alarm rings as long as it is told of
                self._tell_rejected(self._rejected, self._rejected["reason"])
            return
        if loaded is not None and sha256(blob.data).hex() == loaded.model.sha256:  # as after a rollback to it
            new = loaded.of(blob)
        else:
            new = self._load(blob)
            told = {"model_version": new.version, **new.describe()}
            self.tell("INFO", f"a new {self._role.lower()} is loaded", {f"{self._role}Reloads": 1}, **told)
        with self._swapping:
            if self._loaded is loaded:
                self._loaded = new
                self._source.see(blob.etag)
        self._rejected = None
        del loaded
        from lambda_fn.serving import memory  # here: most instances replace no model

        memory.give_back()

    def _reject(self, error: ServiceError, blob: Blob | None) -> None:
        """Tell why what is at the URI is not served."""
        if error.problem is Problem.MODEL_NOT_PUBLISHED:
            self._source.see(self._loaded.etag if self._loaded is not None else "")
            if self._optional:
                self._loaded = self._rejected = None
                return
        if blob is not None and error.problem is Problem.MODEL_TOO_LARGE:  # the next start takes it
            self._source.refuse(blob, error)
        is_away = error.problem is Problem.STORAGE_UNAVAILABLE
        rejected = _since(self._away if is_away else self._rejected, _rejected(error, blob))
        if is_away:
            self._away = rejected
            why = error.told.removeprefix(f"{self._source.uri}: ")
            told = f"the storage can't be asked for another {self._role.lower()}: {why}"
            self.tell("WARN", told, {f"{self._role}LooksFailed": 1}, code=error.problem.code)
        else:
            self._rejected = rejected
            self._tell_rejected(rejected, error.told)


def _rejected(error: ServiceError, blob: Blob | None) -> dict[str, Any]:
    """Return what is known of what is not served, as JSON has it."""
    return {
        "code": error.problem.code,
        "reason": error.detail,
        "version_id": blob and blob.version_id,
        "sha256": blob and sha256(blob.data).hex(),
        "since": moment(),
    }


def _since(before: Mapping[str, Any] | None, rejected: dict[str, Any]) -> dict[str, Any]:
    """Return what is not served with the time since when, if it was the same before."""
    if before is None or any(before[name] != rejected[name] for name in ("code", "version_id", "sha256")):
        return rejected
    return {**rejected, "since": before["since"]}
