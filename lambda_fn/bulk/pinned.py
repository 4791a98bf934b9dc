"""The model of a run: pinned by its digest when it is planned, copied beside the outputs, loaded once by a worker."""

from __future__ import annotations

from functools import lru_cache

from lambda_fn.bulk.failures import PassingError, RefusedError, asking
from lambda_fn.bulk.run import Folder, Run
from lambda_fn.config import Settings
from lambda_fn.digest import sha256
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.model import Model
from lambda_fn.storage import large, store

SUFFIX = ".onnx"


def published(name: str, settings: Settings) -> tuple[bytes, Model, dict[str, str]]:
    """Return the bytes of the current model of that name, the model, and what identifies it.

    Raises RefusedError if there is none, or it is none that the service loads.
    """
    if name and settings.models_uri is None:
        raise RefusedError(f"there is no model named {name!r}: the function has one, at MODEL_URI")
    uri = f"{settings.models_uri}{name}{SUFFIX}" if name else settings.model_uri
    if uri is None:
        raise RefusedError("which model? The function has MODELS_URI alone: name one")
    with asking(uri):
        blob = store.fetch(uri, settings.max_model_bytes)
        pinned = settings.model_sha256 if uri == settings.model_uri else None
        if pinned is not None and pinned != (found := sha256(blob.data).hex()):
            raise RefusedError(f"MODEL_SHA256 pins {pinned}, what is published has {found}")
        model = Model(blob.data, lambda sha256: store.fetch(store.beside(uri, sha256), settings.max_model_bytes).data)
    version = blob.version_id if blob.version_id not in {None, "", "null"} else model.sha256[:16]
    names = {"name": str(model.card.document.get("name") or ""), "version": str(version), "sha256": model.sha256}
    return blob.data, model, {**names, "uri": uri}


def keep(folder: Folder, data: bytes, model: Model, uri: str, max_bytes: int) -> None:
    """Copy a model beside the outputs, its companion first."""
    many = model.card.many_rows
    with asking(folder.uri):
        if many is not None:
            companion = store.fetch(store.beside(uri, many.sha256), max_bytes).data
            large.put(folder.bucket, store.beside(_key(folder, model.sha256), many.sha256), companion)
        large.put(folder.bucket, _key(folder, model.sha256), data)


def loaded(run: Run) -> Model:
    """Return the model of a run; raise RefusedError if its copy is not what was planned."""
    try:
        return _load(run.folder, run.model["sha256"])
    except ServiceError as error:
        raise RefusedError(f"the model of the run: {error.told}") from error


@lru_cache(maxsize=1)
def _load(folder: Folder, sha256: str) -> Model:
    key = _key(folder, sha256)

    def read(key: str) -> bytes:
        with asking(f"s3://{folder.bucket}/{key}"):
            data = large.read(folder.bucket, key)
        if data is None:
            raise RefusedError(f"s3://{folder.bucket}/{key}, the run's copy of its model, is not there")
        return data

    def companion(sha256: str) -> bytes:
        try:
            return read(store.beside(key, sha256))
        except (PassingError, RefusedError) as error:
            raise ServiceError(Problem.STORAGE_UNAVAILABLE, str(error)) from error

    model = Model(read(key), companion)
    if model.sha256 != sha256:
        raise RefusedError(f"s3://{folder.bucket}/{key} has the digest {model.sha256}, planned was {sha256}")
    return model


def _key(folder: Folder, sha256: str) -> str:
    return folder.state(f"model-{sha256[:16]}{SUFFIX}")
