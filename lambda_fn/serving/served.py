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
from functools import partial
from typing import TYPE_CHECKING, Any

from lambda_fn import telemetry
from lambda_fn.config import Settings, location
from lambda_fn.digest import sha256
from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError
from lambda_fn.model.model import Model
from lambda_fn.serving import memory
from lambda_fn.serving.failures import Failures
from lambda_fn.serving.loaded import Loaded, moment
from lambda_fn.storage import store
from lambda_fn.storage.work import CALL_SECONDS, UnfinishedError, Work

if TYPE_CHECKING:
    from lambda_fn.storage.store import Blob

log = logging.getLogger(__name__)

type Patience = Callable[[float], float]
"""Of so many seconds that a call would wait, how many it can."""
type Admit = Callable[[Served, int], bool]
"""Whether there is memory for a model that takes so many bytes, beside all that is loaded, or can be made."""

LOOK_SECONDS = 2.0
"""How long a call waits for a look, and what it finds, at the most."""
IDLE_SECONDS = 1.0
"""After so long without a call, the instance was idle, and frozen perhaps."""
VAIN_SECONDS = 10.0
"""How long after a call waited for a look in vain none does, at the least."""
MAX_TTL = 600.0
COMPANION_SECONDS = 1.0
"""How long a call of many rows waits for a graph that is made for those."""
WAKING_SECONDS = 0.05
"""What a call that woke the instance needs to say so."""


class Served:
    """One model; safe to be asked by several threads."""

    def __init__(
        self,
        uri: str,
        settings: Settings,
        admit: Admit,
        outages: Failures,
        *,
        companions: str = "",
        optional: bool = False,
        sha256: str | None = None,
        ahead: Work[Blob] | None = None,
    ) -> None:
        """Fetch nothing yet. What is fetched `ahead` is taken first.

        outages: of the storage, which other models are on, too.
        companions: the URI of the model that companions are beside, if it is another.
        optional: whether there may be none, which is no failure; one that is taken away is served no more.
        sha256: the digest of the only model that is taken.
        """
        self._uri, self._beside, self._optional, self._sha256 = uri, companions or uri, optional, sha256
        self._role = "Candidate" if optional else "Model"  # what the names of metrics begin with
        self._max_bytes, self._ttl, self._admit = settings.max_model_bytes, settings.model_ttl, admit
        self._key = location(self._beside)[1] if uri.startswith("s3://") else self._beside.rpartition("/")[2]
        self._loaded: Loaded | None = None
        self._rejected: dict[str, Any] | None = None
        self._etag = ""  # of the last object that was seen, whether it was taken or not
        self._looked_at = -math.inf  # by the clock on the wall, as the other may stand still while frozen
        self._lock = threading.Lock()
        self._fetching, self._in_vain = ahead, False
        self._outages, self._failures = outages, Failures()
        self._look: Work[None] | None = None
        self._companions: dict[str, Work[Blob]] = {}
        self._called_at = -math.inf
        self._woken = False

    def current(self, patience: Patience) -> Loaded:
        """Return the model that is to answer now; raise ServiceError (503) if there is none yet and none can be had."""
        loaded = self._loaded
        if loaded is not None and 0.0 <= time.time() - self._looked_at < self._ttl:  # nearly always
            return loaded
        if loaded is None:
            return self._first(patience)
        self._look_again(patience)
        return self._loaded or loaded

    def current_if_any(self, patience: Patience) -> Loaded | None:
        """Return the model that is there beside another; None where there is none, or it can't be had."""
        if not 0.0 <= time.time() - self._looked_at < self._ttl:
            self._look_again(patience)
        return self._loaded

    @property
    def loaded(self) -> Loaded | None:
        """The model, if it is loaded."""
        return self._loaded

    @property
    def rejected(self) -> Mapping[str, Any] | None:
        """Why what is at the URI is not what is served; None if it is."""
        return self._rejected

    def tell(self, values: Mapping[str, float]) -> None:
        """Write metrics of this model to the log."""
        telemetry.put(self._key, values)

    def unload(self) -> None:
        """Let go of the model. Whoever asks next has it fetched again."""
        self._loaded, self._looked_at, self._etag = None, -math.inf, ""

    def _first(self, patience: Patience) -> Loaded:
        """Fetch and load the model while a call, or an init, waits."""
        with self._lock:
            if self._loaded is not None:
                return self._loaded
            if not (self._fetching and self._fetching.done):
                for failures in (self._outages, self._failures):
                    failures.check()
            begun, now = time.monotonic(), time.time()
            try:
                loaded = self._load(self._fetched(patience(CALL_SECONDS)))
            except ServiceError as error:
                away = error.problem is Problem.STORAGE_UNAVAILABLE
                raise (self._outages if away else self._failures).remember(error, time.monotonic() - begun) from error
            self._loaded, self._looked_at, self._etag = loaded, now, loaded.etag
            return loaded

    def _fetched(self, seconds: float) -> Blob:
        """Return what is at the URI; raise UnfinishedError if it takes longer, of which the next call has the rest."""
        begun, fetching, again = time.monotonic(), self._fetching, self._in_vain
        if fetching is not None:
            try:
                return self._awaited(fetching, seconds)
            except UnfinishedError:
                raise
            except ServiceError as error:
                if not again or error.problem is not Problem.STORAGE_UNAVAILABLE:
                    raise
            seconds -= time.monotonic() - begun  # the instance was frozen, perhaps: its sockets are dead
        return self._awaited(store.begin_to_fetch(self._uri, self._max_bytes), seconds)

    def _awaited(self, fetching: Work[Blob], seconds: float) -> Blob:
        self._fetching, self._in_vain = None, False
        try:
            return fetching.result(seconds)
        except UnfinishedError:
            self._fetching, self._in_vain = fetching, True
            raise

    def _look_again(self, patience: Patience) -> None:
        """Look, beside the call, whether another model is there; wait for it where the instance was idle."""
        now = time.time()
        if self._ttl == math.inf and self._looked_at > -math.inf:  # the clock was set back
            self._looked_at = now
            return
        with self._lock:
            look = self._look
            if look is None or look.done:
                idle = not 0 <= now - self._looked_at <= self._ttl + IDLE_SECONDS
                try:
                    look = self._look = Work(self._see)
                except ServiceError as error:
                    log.warning("%s: not looked for another model: %s", self._uri, error.told)
                    self._looked_at = now
                    return
            else:
                idle = not 0 <= now - self._called_at <= IDLE_SECONDS
                self._woken = self._woken or idle
            self._called_at = now
            if not idle or 0 <= now - self._outages.in_vain_at < max(VAIN_SECONDS, min(self._ttl, MAX_TTL)):
                return
        try:
            look.result(patience(LOOK_SECONDS))
        except UnfinishedError:
            self._outages.in_vain_at = now

    def _see(self) -> None:
        """Look whether another model is there, and take it; keep the one that is served if that can't be done."""
        started, blob = time.time(), None
        try:
            blob = self._other()
            self._take(blob)
        except ServiceError as error:
            self._reject(error, blob)
        except Exception as error:  # of memory, or a mistake of the service's own
            log.exception("%s: not taken", self._uri)
            self._reject(ServiceError(Problem.INTERNAL_ERROR, f"{type(error).__name__}: {SEE_THE_LOG}"), blob)
        finally:
            self._looked_at = started

    def _other(self) -> Blob | None:
        """Return what is at the URI, None if it is what was seen last; raise ServiceError if it can't be had."""
        while True:
            self._woken = False
            try:
                return store.fetch_other(self._uri, self._max_bytes, self._etag)
            except ServiceError as error:
                if error.problem is not Problem.STORAGE_UNAVAILABLE:
                    raise
                time.sleep(WAKING_SECONDS)
                if not self._woken:  # or else the instance was frozen, and its socket is dead, which is no error
                    raise

    def _take(self, blob: Blob | None) -> None:
        """Load what is another model, and serve it; raise ServiceError if that can't be done."""
        loaded = self._loaded
        if loaded is None and not self._optional:  # it was unloaded meanwhile
            return
        if blob is None:
            if loaded is not None and self._etag == loaded.etag:
                self._rejected = None
            return
        self._etag = blob.etag
        if loaded is not None and sha256(blob.data).hex() == loaded.model.sha256:  # as after a rollback to it
            self._loaded, self._rejected = Loaded(loaded.model, blob), None
            return
        new = self._load(blob)
        self._loaded, self._rejected = new, None
        telemetry.put(self._key, {f"{self._role}Reloads": 1}, new.describe())
        del loaded
        memory.give_back()

    def _load(self, blob: Blob) -> Loaded:
        if self._sha256 is not None and sha256(blob.data).hex() != self._sha256:
            raise ServiceError(
                Problem.MODEL_INVALID,
                f"MODEL_SHA256 pins {self._sha256}, what is published has {sha256(blob.data).hex()}",
            )
        return Loaded(Model(blob.data, self._companion, partial(self._admit, self)), blob)

    def _reject(self, error: ServiceError, blob: Blob | None) -> None:
        """Tell why what is at the URI is not served."""
        if error.problem is Problem.MODEL_NOT_PUBLISHED:
            self._etag = self._loaded.etag if self._loaded is not None else ""
            if self._optional:
                self._loaded = self._rejected = None
                return
        if blob is not None and not blob.vouched:
            self._etag = ""  # or else what came altered on its way would not be fetched again
        away = error.problem is Problem.STORAGE_UNAVAILABLE
        log.warning("%s: %s: %s", self._uri, "not looked at" if away else "rejected", error.told)
        failed = f"{self._role}LooksFailed" if away else f"{self._role}Rejected"
        telemetry.put(self._key, {failed: 1}, {"code": error.problem.code})
        self._rejected = {
            "code": error.problem.code,
            "reason": error.detail,
            "version_id": blob and blob.version_id,
            "sha256": blob and sha256(blob.data).hex(),
            "since": moment(),
        }

    def _companion(self, sha256: str) -> bytes:
        """Return the bytes of the model's companion with that digest; raise ServiceError if they can't be had."""
        fetching = self._companions.pop(sha256, None)
        if fetching is None:
            fetching = store.begin_to_fetch(store.beside(self._beside, sha256), self._max_bytes)
        try:
            return fetching.result(COMPANION_SECONDS).data
        except UnfinishedError:
            self._companions = {sha256: fetching}  # for the next call that asks
            raise
