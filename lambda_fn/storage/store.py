"""URI to bytes and version. Knows bytes, not models.

Where they are is for the log alone: what an error says, anybody reads who calls the service.
"""

from __future__ import annotations

import os
import time

from lambda_fn.config import location
from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError
from lambda_fn.record import Record
from lambda_fn.storage import aws_http
from lambda_fn.storage.work import Work, bounded

ATTEMPTS = 3
SECONDS = 7.0
"""What all attempts take together, and the body of the last what its size allows beyond (`aws_http.BYTES_A_SECOND`)."""
PAUSE_SECONDS = 0.1
"""Before the second attempt; before the third it is three times as long."""
PASSING = frozenset({429, 500, 502, 503, 504})
"""What S3 may answer at one moment and not at the next."""
FOR_BOTO3 = frozenset({301, 302, 303, 307, 308, 400})
"""What S3 answers where the bucket is in another region, to which boto3 finds the way."""


class Blob(Record):
    """The bytes at a URI, what tells them from others there and, on versioned S3, the id of their version.

    vouched: whether they are known to be those that were stored: S3 keeps a checksum of what `publish` uploads.
    """

    data: bytes
    version_id: str | None
    etag: str
    vouched: bool


def beside(uri: str, sha256: str) -> str:
    """Return where a companion of the model at `uri` is, by its digest (convert/model_file/companions.py there).

    >>> beside("s3://bucket/models/model.onnx", "0123456789abcdef" * 4)
    's3://bucket/models/model.onnx.0123456789abcdef'
    """
    return f"{uri}.{sha256[:16]}"


def fetch(uri: str, max_bytes: int) -> Blob:
    """Return what is at ``s3://bucket/key`` or ``file:///path``; of what is larger than `max_bytes`, read nothing.

    Raises ServiceError: model-not-published when there is nothing, model-invalid when it is too large,
    storage-unavailable when it can't be read.
    """
    blob = fetch_other(uri, max_bytes, "")
    if blob is None:
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, "the storage answered what it was not asked")
    return blob


def fetch_other(uri: str, max_bytes: int, etag: str) -> Blob | None:
    """Return what `fetch` does, None if it still has that `etag`."""
    return _fetch_s3(uri, max_bytes, etag) if uri.startswith("s3://") else _fetch_file(uri, max_bytes, etag)


def begin_to_fetch(uri: str, max_bytes: int) -> Work[Blob]:
    """Begin to fetch in a thread, so that waiting for S3 and, say, importing onnxruntime take the same time."""
    return Work(lambda: fetch(uri, max_bytes))


def _fetch_file(uri: str, max_bytes: int, etag: str) -> Blob | None:
    path = uri.removeprefix("file://")
    if "%" in path:
        from urllib.parse import unquote  # here: 3 of 100 ms at a cold start

        path = unquote(path)
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            found = f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"
            if found == etag:
                return None
            _check_size(uri, status.st_size, max_bytes)
            return Blob(file.read(), None, found, vouched=True)
    except FileNotFoundError as error:
        raise _not_published(uri) from error
    except (OSError, ValueError) as error:  # a name with a zero byte in it is a ValueError
        detail = f"the file at MODEL_URI can't be read ({type(error).__name__}): {SEE_THE_LOG}"
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, detail, private=f"{uri}: {error}") from error


def _fetch_s3(uri: str, max_bytes: int, etag: str) -> Blob | None:
    """Fetch with sockets; leave to boto3, which takes longer to import than all the rest, what that does not do."""
    answer = _get(uri, max_bytes, etag)
    if answer is None or answer.status in FOR_BOTO3:
        return _fetch_with_boto3(uri, max_bytes, etag)
    if answer.status == aws_http.NOT_MODIFIED and etag:
        return None
    if answer.status == 404 and _code(answer) in aws_http.MISSING:
        raise _not_published(uri)
    if answer.status != 200 or "etag" not in answer.headers:  # without one it is none of S3's
        from lambda_fn.storage.words import of_s3  # here: most calls of S3 succeed

        private = f"{uri}: S3 answered {answer.status} {of_s3(answer.body)}"
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, f"S3 answered {_code(answer)}: {SEE_THE_LOG}", private=private)
    _check_size(uri, int(answer.headers["content-length"]), max_bytes)
    headers = answer.headers
    return _blob(answer.body, headers.get("x-amz-version-id"), headers["etag"], headers.get(aws_http.CHECKSUM))


def _get(uri: str, max_bytes: int, etag: str) -> aws_http.Answer | None:
    """Return S3's answer, None if boto3 has to be asked; raise ServiceError if the network fails at every attempt."""
    bucket, key = location(uri)
    until, answer, failure = time.monotonic() + SECONDS, None, None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * 3 ** (attempt - 1))
        try:
            answer = aws_http.get_object(bucket, key, os.environ, max_bytes, until, etag)
        except OSError as error:
            failure = error
        except (ValueError, OverflowError):  # a port, host or credential in the environment that is none: boto3 says so
            return None
        else:
            if answer is None or answer.status not in PASSING:
                return answer
        if time.monotonic() >= until:
            break
    if answer is not None:
        return answer
    from lambda_fn.storage.words import words  # as above

    detail = f"S3 is out of reach ({type(failure).__name__}): {SEE_THE_LOG}"
    raise ServiceError(Problem.STORAGE_UNAVAILABLE, detail, private=f"{uri}: {words(failure)}") from failure


def _code(answer: aws_http.Answer) -> str:
    """Return the code in S3's XML, or else the status."""
    code = answer.body.partition(b"<Code>")[2].partition(b"</Code>")[0]
    return aws_http.short(code.decode("latin-1"), answer.status)


def _fetch_with_boto3(uri: str, max_bytes: int, etag: str) -> Blob | None:
    from lambda_fn.storage import s3

    bucket, key = location(uri)
    try:
        client = s3.client()  # here: what is given up is not to be within an import
        answer = bounded(lambda: s3.get_object(client, bucket, key, etag), SECONDS)
        seconds = SECONDS + min(answer.get("ContentLength", 0), max_bytes) / aws_http.BYTES_A_SECOND
        data = bounded(lambda: s3.body_of(answer, lambda size: _check_size(uri, size, max_bytes)), seconds)
    except ServiceError:
        raise
    except Exception as error:  # boto3 raises urllib3's, too, its parsers', and ValueError, as it comes
        if etag and s3.code_of(error) == str(aws_http.NOT_MODIFIED):
            return None
        raise _not_published(uri) if s3.is_missing(error) else s3.unavailable(uri, error) from error
    return _blob(data, answer.get("VersionId"), answer["ETag"], answer.get("ChecksumSHA256"))


def _blob(data: bytes, version_id: str | None, etag: str, checksum: str | None) -> Blob:
    """Return the bytes with what S3 says of them, whose checksum, if it is not one of parts, was compared."""
    return Blob(data, version_id, etag, checksum is not None and "-" not in checksum)


def _check_size(uri: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        detail = f"the model file has {size:,} bytes, at most {max_bytes:,} are read: set MAX_MODEL_BYTES, or `memory`"
        raise ServiceError(Problem.MODEL_INVALID, detail, private=f"{uri}: {detail}")


def _not_published(uri: str) -> ServiceError:
    how = "publish one with `python -m convert publish`"
    if not uri.startswith("s3://"):
        how = "write one with `python -m convert export`"
    detail = f"there is no model where MODEL_URI says: {how}"
    return ServiceError(Problem.MODEL_NOT_PUBLISHED, detail, private=f"there is no model at {uri}")
