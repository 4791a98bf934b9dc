"""URI to bytes and version. Knows bytes, not models.

Where they are is for the log alone: what an error says, anybody reads who calls the service.
"""

from __future__ import annotations

import logging
import os
import threading
from contextlib import closing

from lambda_fn.config import location
from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError
from lambda_fn.record import Record
from lambda_fn.storage import s3_get

log = logging.getLogger(__name__)

ATTEMPTS = 2


class Blob(Record):
    """The bytes at a URI and, on versioned S3, the id of their version."""

    data: bytes
    version_id: str | None = None


def beside(uri: str, sha256: str) -> str:
    """Return where a companion of the model at `uri` is, by its digest (convert/model_file/companions.py there).

    >>> beside("s3://bucket/models/model.onnx", "0123456789abcdef" * 4)
    's3://bucket/models/model.onnx.0123456789abcdef'
    """
    return f"{uri}.{sha256[:16]}"


class Ahead:
    """A fetch in a thread of its own, so that waiting for S3 and importing onnxruntime take the same time."""

    def __init__(self, uri: str, max_bytes: int) -> None:
        """Begin to fetch."""
        self._outcome: Blob | Exception | None = None
        self._thread = threading.Thread(target=self._fetch, args=(uri, max_bytes), daemon=True)
        self._thread.start()

    def _fetch(self, uri: str, max_bytes: int) -> None:
        try:
            self._outcome = fetch(uri, max_bytes)
        except Exception as error:  # `result` raises it where it is awaited
            self._outcome = error

    def result(self) -> Blob:
        """Return what came; raise what `fetch` raises."""
        self._thread.join()
        if isinstance(self._outcome, Blob):
            return self._outcome
        raise self._outcome or RuntimeError("the fetch ended without an outcome")


def fetch(uri: str, max_bytes: int) -> Blob:
    """Return what is at ``s3://bucket/key`` or ``file:///path``; of what is larger than `max_bytes`, read nothing.

    Raises ServiceError: model-not-published when there is nothing, model-invalid when it is too large,
    storage-unavailable when it can't be read.
    """
    return _fetch_s3(uri, max_bytes) if uri.startswith("s3://") else _fetch_file(uri, max_bytes)


def _fetch_file(uri: str, max_bytes: int) -> Blob:
    path = uri.removeprefix("file://")
    if "%" in path:
        from urllib.parse import unquote  # here: 3 of 100 ms at a cold start

        path = unquote(path)
    try:
        with open(path, "rb") as file:
            _check_size(uri, os.fstat(file.fileno()).st_size, max_bytes)
            return Blob(file.read())
    except FileNotFoundError as error:
        raise _not_published(uri) from error
    except (OSError, ValueError) as error:  # a name with a zero byte in it is a ValueError
        log.error("%s: %s", uri, error)
        detail = f"the file at MODEL_URI can't be read ({type(error).__name__}): {SEE_THE_LOG}"
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, detail) from error


def _fetch_s3(uri: str, max_bytes: int) -> Blob:
    """Fetch with sockets; leave to boto3, which takes longer to import than all the rest, what that does not do."""
    bucket, key = location(uri)
    answer = _get(uri, bucket, key, max_bytes)
    if answer is None or answer.status not in {200, 404}:
        return _fetch_with_boto3(uri, max_bytes)
    if answer.status == 404:
        raise _not_published(uri)
    _check_size(uri, int(answer.headers["content-length"]), max_bytes)
    return Blob(answer.body, answer.headers.get("x-amz-version-id"))


def _get(uri: str, bucket: str, key: str, max_bytes: int) -> s3_get.Answer | None:
    """Return S3's answer, None if boto3 has to be asked; raise ServiceError if the network fails at every attempt."""
    failure: OSError | None = None
    for _ in range(ATTEMPTS):
        try:
            return s3_get.get_object(bucket, key, os.environ, max_bytes)
        except OSError as error:
            failure = error
        except (ValueError, OverflowError):  # a port, host or credential in the environment that is none: boto3 says so
            return None
    log.error("%s: %s", uri, failure)
    detail = f"S3 is out of reach ({type(failure).__name__}): {SEE_THE_LOG}"
    raise ServiceError(Problem.STORAGE_UNAVAILABLE, detail) from failure


def _fetch_with_boto3(uri: str, max_bytes: int) -> Blob:
    from lambda_fn.storage import s3

    bucket, key = location(uri)
    try:
        # boto3 compares the bytes with the SHA-256 that `publish` left with them
        answer = s3.client().get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        # not `with answer["Body"]`, which is the stream below that comparison
        with closing(answer["Body"]) as body:
            _check_size(uri, answer["ContentLength"], max_bytes)
            return Blob(body.read(), answer.get("VersionId"))
    except ServiceError:
        raise
    except Exception as error:  # boto3 raises urllib3's, too, its parsers', and ValueError, as it comes
        raise _not_published(uri) if s3.is_missing(error) else s3.unavailable(uri, error) from error


def _check_size(uri: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        detail = f"the model file has {size:,} bytes, at most {max_bytes:,} are read: set MAX_MODEL_BYTES"
        log.error("%s: %s", uri, detail)
        raise ServiceError(Problem.MODEL_INVALID, detail)


def _not_published(uri: str) -> ServiceError:
    log.warning("there is no model at %s", uri)
    how = "publish one with `python -m convert publish`"
    if not uri.startswith("s3://"):
        how = "write one with `python -m convert export`"
    return ServiceError(Problem.MODEL_NOT_PUBLISHED, f"there is no model where MODEL_URI says: {how}")
