"""A model that is loaded, and which version of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_fn.model.model import Model
    from lambda_fn.storage.store import Blob


UNVERSIONED = frozenset({"", "null"})
"""What S3 says of an object that is kept in no versions."""
MAX_VERSION = 1024
"""How long the id of a version is on S3 at the most."""


class Loaded:
    """A model, its URI, and which version is served since when; `version` is that by which answers name it."""

    __slots__ = ("_headers", "_texts", "_told", "etag", "model", "since", "uri", "version", "version_id")

    def __init__(self, model: Model, blob: Blob, uri: str) -> None:
        self.model = model
        self.uri = uri
        self.version_id = blob.version_id
        self.etag = blob.etag
        self.since = moment()
        version = blob.version_id or ""
        if version in UNVERSIONED or len(version) > MAX_VERSION or not (version.isascii() and version.isprintable()):
            version = model.sha256[:16]  # a file, or of a bucket that keeps no versions
        self.version = version
        self._told = {"x-model-version": version, "x-model-sha256": model.sha256}
        self._texts: tuple[str, str] | None = None
        self._headers: dict[str, dict[str, str]] = {}

    def headers(self, content_type: str) -> Mapping[str, str]:
        """Return the headers of an answer of this type, which tell of the model."""
        headers = self._headers.get(content_type)
        if headers is None:
            headers = self._headers[content_type] = {"content-type": content_type, **self._told}
        return headers

    @property
    def name(self) -> str:
        """What the model is called in its card."""
        return str(self.model.card.document.get("name") or "")

    @property
    def texts(self) -> tuple[str, str]:
        """Name and version as members of the log's JSON."""
        if self._texts is None:
            name, version = json.dumps(self.name[:128]), json.dumps(self.version)
            self._texts = f'"model":{name},', f'"model_version":{version},'
        return self._texts

    def of(self, blob: Blob) -> Loaded:
        """Return the same model as that of other bytes, which are the same."""
        same = blob.version_id == self.version_id and blob.etag == self.etag
        return self if same else Loaded(self.model, blob, self.uri)

    def describe(self) -> dict[str, Any]:
        """Return what identifies it, as JSON has it."""
        return {"version_id": self.version_id, "sha256": self.model.sha256, "since": self.since}


def moment() -> str:
    """Return the time as JSON has it, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
