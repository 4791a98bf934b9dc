"""URI to bytes and version. Knows bytes, not models."""

from __future__ import annotations

import urllib.parse
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lambda_fn.errors import Problem, ServiceError


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes at a URI and, on versioned S3, the id of their version."""

    data: bytes
    version_id: str | None = None


def fetch(uri: str, max_bytes: int) -> Blob:
    """Return what is at ``s3://bucket/key`` or ``file:///path``; of what is larger than `max_bytes`, read nothing.

    Raises ServiceError: model-not-published when there is nothing, model-invalid when it is too large,
    storage-unavailable when it can't be read.
    """
    return _fetch_s3(uri, max_bytes) if uri.startswith("s3://") else _fetch_file(uri, max_bytes)


def _fetch_file(uri: str, max_bytes: int) -> Blob:
    path = Path(urllib.parse.unquote(urllib.parse.urlsplit(uri).path))
    try:
        _check_size(uri, path.stat().st_size, max_bytes)
        return Blob(path.read_bytes())
    except FileNotFoundError as error:
        raise _not_published(uri) from error
    except OSError as error:
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, f"{uri}: {error.strerror}") from error


def _fetch_s3(uri: str, max_bytes: int) -> Blob:
    from lambda_fn import s3  # here, so that a model from a file does not wait for boto3's import

    bucket, key = s3.location(uri)
    try:
        # boto3 compares the bytes with the SHA-256 that `publish` left with them
        answer = s3.client().get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        # not `with answer["Body"]`, which is the stream below that comparison
        with closing(answer["Body"]) as body:
            _check_size(uri, answer["ContentLength"], max_bytes)
            return Blob(body.read(), answer.get("VersionId"))
    except s3.ERRORS as error:
        raise _not_published(uri) if s3.is_missing(error) else s3.unavailable(uri, error) from error


def _check_size(uri: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise ServiceError(
            Problem.MODEL_INVALID, f"{uri} has {size:,} bytes, at most {max_bytes:,} are read: set MAX_MODEL_BYTES"
        )


def _not_published(uri: str) -> ServiceError:
    return ServiceError(
        Problem.MODEL_NOT_PUBLISHED,
        f"there is no model at {uri}: publish one with `python -m convert publish build/model.onnx {uri}`"
        if uri.startswith("s3://")
        else f"there is no model at {uri}: write one with `python -m convert export`",
    )
