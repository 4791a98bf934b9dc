"""The models behind one deployment: that at MODEL_URI, and those under MODELS_URI by name, while memory holds them."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from lambda_fn.config import Settings
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.serving import memory
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
"""What is behind the URI of a model in that of its candidate (convert/model_file/candidates.py writes it)."""
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
"""What a model's name looks like: no slash, so that it cannot leave its prefix, and no dot in front."""
MAX_NAMES = 1000
"""Of how many names that were asked for something is kept, where no model is."""


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
        self.front = None if settings.model_uri is None else self._entry(settings.model_uri, ahead)

    def named(self, name: str) -> Entry:
        """Return the model of that name, which is there or not; raise ServiceError if none can be."""
        settings = self._settings
        if settings.models_uri is None:
            raise _not_configured()
        if not NAME.fullmatch(name):
            raise not_found(name)
        uri = self._uri(name)
        if uri == settings.model_uri and self.front is not None:
            return self.front
        with self._lock:
            entry = self._entries.pop(uri, None) or self._entry(uri, None)
            if len(self._entries) >= MAX_NAMES:
                self._entries = {uri: each for uri, each in self._entries.items() if each.served.loaded}
            self._entries[uri] = entry
        return entry

    def forget(self, name: str) -> None:
        """Keep nothing of a name that no model has."""
        with self._lock:
            self._entries.pop(self._uri(name), None)

    def names(self, patience: Patience) -> list[dict[str, Any]]:
        """Return the models that there are, by name, and of those that are loaded which version is."""
        if self._settings.models_uri is None:
            raise _not_configured()
        from lambda_fn.serving.listing import list_models  # here: few calls ask

        found = []
        for name in list_models(self._settings.models_uri, SUFFIX, patience):
            if NAME.fullmatch(name):
                loaded = self._loaded(name)
                found.append({"name": name, "serving": loaded and loaded.describe()})
        return found

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

        beside = Served(uri + CANDIDATE_SUFFIX, settings, self._admit, self._outages, companions=uri, optional=True)
        return Entry(served, Candidate(beside, settings))

    def _admit(self, served: Served, size: int) -> bool:
        """Whether there is memory for so many bytes; make some of what was used least recently, if there is not."""
        if self.front is None or served is not self.front.served or served.loaded is not None:
            return memory.has_room(size, self._settings.memory_bytes) or self._make_room(served, size)
        return True  # there is nothing else to serve

    def _make_room(self, served: Served, size: int) -> bool:
        for entry in list(self._entries.values()):
            memory.give_back()
            if memory.has_room(size, self._settings.memory_bytes):
                return True
            if served not in entry.parts:
                for part in entry.parts:
                    part.unload()
        memory.give_back()
        return memory.has_room(size, self._settings.memory_bytes)


def _not_configured() -> ServiceError:
    return ServiceError(Problem.NOT_CONFIGURED, "MODELS_URI is not set on this function")


def not_found(name: str) -> ServiceError:
    """Return the error for a name that no model has."""
    return ServiceError(Problem.MODEL_NOT_FOUND, f"there is no model named {name[:200]!r}: GET /models lists them")
