"""The scoring routes: which model is to answer, and what is told of it."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from lambda_fn.codecs.dialects import JSON, codec
from lambda_fn.config import Settings
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.request import Request, Response
from lambda_fn.http.routes import Routes
from lambda_fn.predicting import predict
from lambda_fn.serving.catalog import Catalog, Entry, not_found
from lambda_fn.storage.work import INIT_SECONDS, Work

if TYPE_CHECKING:
    from lambda_fn.serving.loaded import Loaded
    from lambda_fn.storage.store import Blob

log = logging.getLogger(__name__)

UNTOLD = frozenset({"examples"})
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
        }

    def warm_up(self) -> None:
        """Load the model, and the codec of JSON, so that the first request does not pay for them.

        A model that is not there, or not sound, is no reason to fail at init: every scoring request tries again.
        """
        codec(JSON)
        if self.catalog.front is None:
            return
        try:
            self.catalog.front.served.current(lambda _: INIT_SECONDS)
        except ServiceError as error:
            log.warning("no model at init: %s", error.told)
        except Exception:  # nor is a mistake of the service's own: requests are answered with internal-error
            log.exception("no model at init")

    def status(self, request: Request, key: str) -> Response:
        """Answer that the service is up, model or no model."""
        return Response(200, json.dumps({"status": "up"}))

    def docs(self, request: Request, key: str) -> Response:
        """Answer with the page for people, model or no model."""
        from lambda_fn.page.docs import docs  # here: scoring has no use for it

        return docs(request, front=self.catalog.front is not None, several=self._settings.models_uri is not None)

    def describe(self, request: Request, name: str) -> Response:
        """Answer the card of the model, which version is served since when, what was rejected, and the candidate."""
        entry, loaded = self._current(request, name)
        serving = loaded.describe()
        card = loaded.model.card.document
        told: dict[str, Any] = {
            **{name: value for name, value in card.items() if name not in UNTOLD},
            "version_id": serving["version_id"],
            "sha256": serving["sha256"],
            "serving": serving,
            "rejected": entry.served.rejected,
        }
        if entry.candidate is not None:
            entry.candidate.current(loaded, request.patience)
            told["candidate"] = entry.candidate.describe(loaded)
        return Response(200, json.dumps(told))

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
            return entry, entry.served.current(request.patience)
        except ServiceError as error:
            if error.problem is not Problem.MODEL_NOT_PUBLISHED:
                raise
            self.catalog.forget(name, entry)
            raise not_found(name) from error
