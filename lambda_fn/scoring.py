"""The scoring routes: which model is to answer, and what is told of it."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from lambda_fn.codecs.dialects import JSON, codec
from lambda_fn.config import Settings
from lambda_fn.errors import Problem, ServiceError, described
from lambda_fn.http.request import Request, Response
from lambda_fn.http.routes import Routes
from lambda_fn.predicting import Decode, predict, predict_asked, rows_asked
from lambda_fn.serving.catalog import SUFFIX, Catalog, Entry, not_found
from lambda_fn.storage.work import INIT_SECONDS, Work

if TYPE_CHECKING:
    from lambda_fn.serving.loaded import Loaded
    from lambda_fn.storage.store import Blob

log = logging.getLogger(__name__)

UNTOLD = frozenset({"examples", "reference"})
"""What of the card is not for everybody who calls: values of the training rows."""


class Scoring:
    """The routes over the model at `settings.model_uri`, and over those under `settings.models_uri`."""

    def __init__(self, settings: Settings, ahead: Work[Blob] | None = None) -> None:
        """Fetch nothing yet: `warm_up` does, or else the first request. What was fetched `ahead` is taken first."""
        self._settings = settings
        self.catalog = Catalog(settings, ahead)
        self.routes: Routes = {
            ("GET", "/"): self.status,
            ("GET", "/docs"): self.docs,
            ("GET", "/model"): self.describe,
            ("POST", "/predict"): self.predict,
            ("GET", "/models"): self.list_models,
            ("GET", "/models/{name}"): self.describe,
            ("POST", "/models/{name}/predict"): self.predict,
            ("GET", "/openapi.json"): self.openapi,
        }

    def warm_up(self) -> None:
        """Load the model, and the codec of JSON, so that the first request does not pay for them.

        A model that is not there, or not sound, is no reason to fail at init: every scoring request tries again.
        """
        codec(JSON)
        if self.catalog.front is None:
            return
        try:
            self.catalog.front.served.current(lambda seconds: min(seconds, INIT_SECONDS))
        except ServiceError as error:
            log.warning("no model at init: %s", error.told)
        except Exception as error:  # nor is a mistake of the service's own: requests are answered with internal-error
            log.error("no model at init: %s", described(error))

    def status(self, request: Request, key: str) -> Response:
        """Answer that the service is up, model or no model."""
        return Response(200, json.dumps({"status": "up"}))

    def docs(self, request: Request, key: str) -> Response:
        """Answer with the page for people, model or no model."""
        from lambda_fn.page.docs import docs  # here: scoring has no use for it

        return docs(
            request,
            self._settings.door,
            front=self.catalog.front is not None,
            several=self._settings.models_uri is not None,
        )

    def describe(self, request: Request, name: str) -> Response:
        """Answer the card of the model, which version is served since when, what was rejected, and the candidate."""
        entry, loaded = self._current(request, name)
        serving = loaded.describe()
        card = loaded.model.card.document
        told: dict[str, Any] = {
            **{name: value for name, value in card.items() if name not in UNTOLD},
            "has_probabilities": loaded.model.has_probabilities,
            "version_id": serving["version_id"],
            "sha256": serving["sha256"],
            "serving": serving,
            "rejected": entry.served.rejected,
        }
        if entry.candidate is not None:
            entry.candidate.current(loaded, request.patience)
            told["candidate"] = entry.candidate.describe(loaded)
        from lambda_fn.http.etags import tagged  # here: most calls ask for a prediction

        return tagged(request, json.dumps(told), of=json.dumps({**told, "serving": None}))

    def openapi(self, request: Request, key: str) -> Response:
        """Answer the OpenAPI document of the routes, for the model at `model_uri`."""
        from lambda_fn.dialects.dialect import all_of_them  # here: no call that is scored has a use for these
        from lambda_fn.page import openapi

        return openapi.respond(request, partial(self.find, request, ""), self._settings, self.routes, all_of_them())

    def list_models(self, request: Request, key: str) -> Response:
        """Answer the names of the models, and what is loaded of them."""
        return Response(200, json.dumps({"models": self.catalog.names(request.patience)}))

    def predict(self, request: Request, name: str) -> Response:
        """Answer the prediction for each row, by the current model or, of its share of the calls, the candidate."""
        entry, loaded = self._current(request, name)
        if entry.candidate is None:
            return predict(request, loaded, self._settings)
        from lambda_fn.trial import predict_beside  # here: most deployments have no candidate

        return predict_beside(request, loaded, entry.candidate, self._settings)

    def speak(self, dialect: str, request: Request) -> Response:
        """Answer in one of the dialects of ``lambda_fn/dialects/``, which is imported when it is first asked for."""
        from lambda_fn.dialects.dialect import answer

        return answer(dialect, self, request)

    def predict_asked(self, request: Request, name: str, version: str, decode: Decode) -> Response:
        """Answer a call in a dialect by the model of a name, as `predict` does; only by that `version`, if it is told.

        Raises ServiceError: model-not-found for another name or version.
        """
        if version:
            return predict_asked(decode, request, self.find(request, name, version), self._settings)
        entry, loaded = self._entry_of(request, name)
        if entry.candidate is not None:
            from lambda_fn.trial import predict_beside  # as above

            ways = partial(predict_asked, decode), partial(rows_asked, decode)
            return predict_beside(request, loaded, entry.candidate, self._settings, *ways)
        return predict_asked(decode, request, loaded, self._settings)

    def find(self, request: Request, name: str, version: str = "") -> Loaded:
        """Return what answers to a name in a dialect, the front's without one, and to a version, if one is told.

        Raises ServiceError (404, 503) if nothing does.
        """
        entry, loaded = self._entry_of(request, name)
        found = [loaded, *([entry.candidate.served.loaded] if entry.candidate is not None else [])]
        versions = {each.version: each for each in found if each is not None}
        if version and version not in versions:
            detail = f"the version {version[:200]!r} is not served, but {' or '.join(map(repr, versions))}"
            raise ServiceError(Problem.MODEL_NOT_FOUND, detail)
        return versions[version] if version else loaded

    def _entry_of(self, request: Request, name: str) -> tuple[Entry, Loaded]:
        """Return what is called by a name; the same as ``/models/{name}`` where there are several models.

        The front's model is called as in its card, too, if no other one is; where it is the only one, as in its URI.
        """
        front, settings = self.catalog.front, self._settings
        if not name:
            return self._current(request, "")
        if settings.models_uri is not None and not self.catalog.has_no_other(name):
            try:
                return self._named(request, name)
            except ServiceError as error:
                is_front = front is not None and front.served.loaded is not None and name == front.served.loaded.name
                if not is_front or not self.catalog.shows_no_other(name, error):
                    raise
                self.catalog.remember_no_other(name)
        entry, loaded = self._current(request, "")
        in_uri = (settings.model_uri or "").rpartition("/")[2].removesuffix(SUFFIX)
        names = [loaded.name, *([in_uri] if settings.models_uri is None else [])]
        if name not in names:
            known = " or ".join(repr(each) for each in names if each)
            raise ServiceError(Problem.MODEL_NOT_FOUND, f"there is no model named {name[:200]!r}, only {known}")
        return entry, loaded

    def _current(self, request: Request, name: str) -> tuple[Entry, Loaded]:
        """Return what answers to a name, the front's without one; raise ServiceError (404, 503) if nothing does."""
        if name:
            return self._named(request, name)
        entry = self.catalog.front
        if entry is None:
            raise ServiceError(Problem.NOT_CONFIGURED, "MODEL_URI is not set on this function")
        return entry, entry.served.current(request.patience)

    def _named(self, request: Request, name: str) -> tuple[Entry, Loaded]:
        entry = self.catalog.named(name)
        try:
            loaded = entry.served.current(request.patience)
            if request.call is not None:
                request.call.name = name
            return entry, loaded
        except ServiceError as error:
            if error.problem is Problem.STORAGE_UNAVAILABLE and entry.served.loaded is None:
                error.private = error.private.replace(f"/{name}", "/{name}")  # which may be anything that somebody sent
            if error.problem is not Problem.MODEL_NOT_PUBLISHED:
                raise
            self.catalog.forget(name, entry)
            raise not_found(name) from error
