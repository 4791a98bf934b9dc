"""A model that is loaded, and which version of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambda_fn.model.model import Model
    from lambda_fn.storage.store import Blob


UNVERSIONED = frozenset({"", "null"})
"""What S3 says of an object that is kept in no versions."""
MAX_VERSION = 1024
"""How long the id of a version is on S3 at the most."""


class Loaded:
    """A model, and which version of it is served since when.

    headers: what tells of it in an answer.
    """

    __slots__ = ("etag", "headers", "model", "since", "version_id")

    def __init__(self, model: Model, blob: Blob) -> None:
        self.model = model
        self.version_id = blob.version_id
        self.etag = blob.etag
        self.since = moment()
        version = blob.version_id or ""
        if version in UNVERSIONED or len(version) > MAX_VERSION or not (version.isascii() and version.isprintable()):
            version = model.sha256[:16]  # a file, or of a bucket that keeps no versions
        self.headers = {"x-model-version": version, "x-model-sha256": model.sha256}

    def of(self, blob: Blob) -> Loaded:
        """Return the same model as that of other bytes, which are the same."""
        return self if blob.version_id == self.version_id and blob.etag == self.etag else Loaded(self.model, blob)

    def describe(self) -> dict[str, Any]:
        """Return what identifies it, as JSON has it."""
        return {"version_id": self.version_id, "sha256": self.model.sha256, "since": self.since}


def moment() -> str:
    """Return the time as JSON has it, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
