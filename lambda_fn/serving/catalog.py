"""The models behind one deployment: that at MODEL_URI, and those under MODELS_URI by name, while memory holds them."""

from __future__ import annotations

import math
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from lambda_fn.config import KEY, Settings
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.serving.failures import Failures
from lambda_fn.serving.served import Served
from lambda_fn.storage.work import Work

if TYPE_CHECKING:
    from lambda_fn.serving.candidate import Candidate
    from lambda_fn.serving.loaded import Loaded
    from lambda_fn.serving.served import Patience
    from lambda_fn.storage.store import Blob

SUFFIX = ".onnx"
CANDIDATE_SUFFIX = ".candidate"
"""What is behind the URI of a model in that of its candidate (convert/model_file/publish.py there)."""
MAX_NAMES = 1000
"""Of how many names that were asked for something is kept, where no model is loaded."""
LISTED_SECONDS = 60.0


class Entry:
    """A model, and its candidate if calls are shared with one."""

    __slots__ = ("candidate", "served")

    def __init__(self, served: Served, candidate: Candidate | None) -> None:
        self.served = served
        self.candidate = candidate

    @property
    def parts(self) -> list[Served]:
        """The models that are loaded, or may be."""
        return [self.served] if self.candidate is None else [self.served, self.candidate.served]


class Catalog:
    """Each model once, in the order in which they were used last."""

    def __init__(self, settings: Settings, ahead: Work[Blob] | None) -> None:
        """Load nothing yet. What was fetched `ahead` is of the model at MODEL_URI."""
        self._settings = settings
        self._outages = Failures()
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._listed_at = -math.inf
        self._no_other = "", -math.inf
        self.front = None if settings.model_uri is None else self._entry(settings.model_uri, ahead)

    def named(self, name: str) -> Entry:
        """Return the model of that name, which is there or not; raise ServiceError if none can be."""
        settings = self._settings
        if settings.models_uri is None:
            raise _not_configured()
        if not re.fullmatch(KEY, name):
            raise not_found(name)
        uri = self._uri(name)
        if uri == settings.model_uri and self.front is not None:
            return self.front
        with self._lock:
            entry = self._entries.pop(uri, None)
            if entry is None:
                entry = self._entry(uri, None)
                if len(self._entries) >= MAX_NAMES:
                    self._forget_some()
            self._entries[uri] = entry
        return entry

    def has_no_other(self, name: str) -> bool:
        """Whether the front's model alone is called so, as far as was seen less than the time to live ago."""
        return name == self._no_other[0] and 0 <= time.time() - self._no_other[1] < self._settings.model_ttl

    def shows_no_other(self, name: str, error: ServiceError) -> bool:
        """Whether a look for another model of a name ended so that there is none; where S3 fails, as was seen last."""
        unseen = error.problem is Problem.STORAGE_UNAVAILABLE and name == self._no_other[0]
        return unseen or error.problem is Problem.MODEL_NOT_FOUND

    def remember_no_other(self, name: str) -> None:
        """Look no more, for a while, for another model of the name that the front's has."""
        self._no_other = name, time.time()

    def forget(self, name: str, entry: Entry) -> None:
        """Keep nothing of a name that no model has."""
        with self._lock:
            if self._entries.get(self._uri(name)) is entry and entry.served.loaded is None:
                del self._entries[self._uri(name)]

    def names(self, patience: Patience) -> list[dict[str, Any]]:
        """Return the models that there are, by name, and of those that are loaded which version is.

        They are listed once in the time to live, as anybody may ask.
        """
        if self._settings.models_uri is None:
            raise _not_configured()
        if not 0 <= time.time() - self._listed_at < min(self._settings.model_ttl, LISTED_SECONDS):
            from lambda_fn.serving.listing import list_models  # here: few calls ask

            listed = list_models(self._settings.models_uri, SUFFIX, patience)
            self._names, self._listed_at = [name for name in listed if re.fullmatch(KEY, name)], time.time()
        found = [(name, self._loaded(name)) for name in self._names]
        return [{"name": name, "serving": loaded and loaded.describe()} for name, loaded in found]

    def _forget_some(self) -> None:
        """Keep nothing of the names that were asked for first and that no model has; the last ones may be loading."""
        first = list(self._entries.items())[: MAX_NAMES // 2]
        for uri, entry in first:
            if entry.served.loaded is None:
                del self._entries[uri]

    def _loaded(self, name: str) -> Loaded | None:
        uri = self._uri(name)
        entry = self.front if uri == self._settings.model_uri else self._entries.get(uri)
        return None if entry is None else entry.served.loaded

    def _uri(self, name: str) -> str:
        return f"{self._settings.models_uri}{name}{SUFFIX}"

    def _entry(self, uri: str, ahead: Work[Blob] | None) -> Entry:
        settings = self._settings
        pinned = settings.model_sha256 if uri == settings.model_uri else None
        served = Served(uri, settings, self._admit, self._outages, sha256=pinned, ahead=ahead)
        if not settings.candidate_share:
            return Entry(served, None)
        from lambda_fn.serving.candidate import Candidate  # here: most deployments have none

        beside = Served(uri + CANDIDATE_SUFFIX, settings, self._admit, self._outages, beside=uri, optional=True)
        return Entry(served, Candidate(beside, settings))

    def _admit(self, served: Served, size: int) -> bool:
        """Whether there is memory for so many bytes; make some of what was used least recently, if that helps.

        The first model of the front is loaded in any case: how much it takes is only about known.
        """
        limit = self._settings.memory_bytes
        needed = self.front is not None and served is self.front.served and served.loaded is None
        if limit is None or (needed and not self._entries):
            return True
        from lambda_fn.serving import memory  # here: the first model does without

        return memory.free_bytes(limit) >= size or self._make_room(served, size, limit) or needed

    def _make_room(self, served: Served, size: int, limit: int) -> bool:
        from lambda_fn.serving import memory  # as above

        others = [part for entry in list(self._entries.values()) if served not in entry.parts for part in entry.parts]
        for part in others:
            if part.loaded is None:
                part.unload()  # of what came and was not loaded
        memory.give_back()
        sizes = [part.loaded.model.memory_bytes for part in others if part.loaded is not None]
        if memory.free_bytes(limit) + sum(sizes) < size:  # to let go of all of them would not do
            return False
        for part in others:
            if memory.free_bytes(limit) >= size:
                break
            part.unload()
            memory.give_back()
        return memory.free_bytes(limit) >= size


def _not_configured() -> ServiceError:
    return ServiceError(Problem.NOT_CONFIGURED, "MODELS_URI is not set on this function")


def not_found(name: str) -> ServiceError:
    """Return the error for a name that no model has."""
    return ServiceError(Problem.MODEL_NOT_FOUND, f"there is no model named {name[:200]!r}: GET /models lists them")
