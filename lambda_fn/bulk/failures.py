"""What `plan`, `score` and `summary` raise; the state machine (serverless.yml) decides by the class's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.storage import s3
from lambda_fn.storage.large import CHANGED
from lambda_fn.storage.words import words

FORBIDDEN = frozenset({"AccessDenied", "403", "AllAccessDisabled"})
ARCHIVED = "InvalidObjectState"
KMS = "KMS."
"""What codes begin with that S3 passes on of a key: it is disabled, to be deleted, or not there."""
KMS_PASSES = frozenset({"KMS.ThrottlingException", "KMS.KMSInternalException", "KMS.DependencyTimeoutException"})
WRONG = frozenset({"InvalidBucketName", "KeyTooLongError", "InvalidURI", "InvalidArgument"})
NOT_THERE = frozenset({"NoSuchBucket", "NoSuchKey", "PermanentRedirect", "404"})


class RefusedError(Exception):
    """Raised for what is wrong in the request, the table or the model: to try again is of no use."""


class DeadlineError(Exception):
    """Raised when the run's time is over, or a chunk's does not suffice."""


class PassingError(Exception):
    """Raised when S3 or the network fails: the state machine tries again."""


class IncompleteError(Exception):
    """Raised by `summary` when not all is there that was planned."""


@contextmanager
def asking(uri: str) -> Iterator[None]:
    """Turn what S3 and the network raise about `uri` into PassingError, or RefusedError where it stays."""
    try:
        yield
    except (RefusedError, DeadlineError, PassingError, IncompleteError):
        raise
    except ServiceError as error:
        raise (PassingError if error.problem is Problem.STORAGE_UNAVAILABLE else RefusedError)(error.told) from error
    except Exception as error:  # boto3 raises urllib3's, too, its parsers', and ValueError, as it comes
        code = s3.code_of(error)
        if code in CHANGED:
            raise RefusedError(f"{uri} was replaced after the run was planned: start another run") from error
        if code in FORBIDDEN:
            raise RefusedError(
                f"{uri}: {code}: the functions' roles do not reach it (bulkInputBucket, bulkOutputBucket …)"
            ) from error
        if code == ARCHIVED:
            raise RefusedError(f"{uri} is archived: restore it first") from error
        if code.startswith(KMS) and code not in KMS_PASSES:
            raise RefusedError(f"{uri}: the key that it is encrypted by is not to be used: {code}") from error
        if code in WRONG or type(error).__name__ == "ParamValidationError":  # boto3's own look at names
            raise RefusedError(f"{uri[:200]}: {words(error)[:500]}") from error
        if code in NOT_THERE:
            raise RefusedError(f"{uri} is not there ({code})") from error
        raise PassingError(f"{uri}: {words(error)}") from error
