"""The S3 client that models and objects share, and what its errors mean here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError
from lambda_fn.storage.aws_http import MISSING, short
from lambda_fn.storage.boto import boto3
from lambda_fn.storage.words import words

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, PutObjectOutputTypeDef

type Client = S3Client

PIECE = 2**20
THERE_ALREADY = "PreconditionFailed"
"""S3's code where something has the key of what was to be new."""


@cache
def client() -> S3Client:
    """Return the client; one for the life of the execution environment. It gives up within Lambda's 10 s of init."""
    return boto3.client("s3", config=Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2}))


def ready_client() -> Client:
    """Return the client, made before what may be given up is begun; raise ServiceError if its settings are wrong."""
    try:
        return client()
    except Exception as error:  # of a region or an endpoint that is none
        raise unavailable("the client of S3", error) from error


def store(client: Client, bucket: str, key: str, body: bytes, content_type: str, *, new: bool = False) -> str | None:
    """Store an object and return its version; raise ServiceError if that can't be done.

    new: whether it is to take no other's place; where there is one, that stays, and None is returned.
    """
    if_new: Mapping[str, Any] = {"IfNoneMatch": "*"} if new else {}
    try:
        answer = client.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType=content_type, ChecksumAlgorithm="SHA256", **if_new
        )
        check_answer(answer)
    except ServiceError:
        raise
    except Exception as error:  # boto3 raises urllib3's, too, its parsers', and ValueError, as it comes
        if new and code_of(error) == THERE_ALREADY:
            return None
        raise unavailable(f"s3://{bucket}/{key}", error) from error
    return answer.get("VersionId")


def get_object(client: Client, bucket: str, key: str, etag: str = "") -> GetObjectOutputTypeDef:
    """Begin to get an object, whose bytes boto3 compares with the SHA-256 that S3 keeps, if it does."""
    if etag:
        return client.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED", IfNoneMatch=etag)
    return client.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")


def body_of(answer: GetObjectOutputTypeDef, check_size: Callable[[int], None]) -> bytes:
    """Return the body of an answer, however it comes: a store that speaks S3's language may send it in chunks.

    check_size: raises for a size that is too large, before the body is read, or where nobody tells it, meanwhile.
    """
    check_answer(answer)
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    if status != 200:
        raise _unlike_s3(status)
    # not `with answer["Body"]`, which is the stream below boto3's comparison with the checksum
    with closing(answer["Body"]) as body:
        if "ContentLength" in answer:
            check_size(answer["ContentLength"])
            return body.read()
        pieces, size = [], 0
        while piece := body.read(PIECE):
            pieces.append(piece)
            size += len(piece)
            check_size(size)
        return b"".join(pieces)


def check_answer(answer: GetObjectOutputTypeDef | PutObjectOutputTypeDef) -> None:
    """Raise ServiceError for an answer that tells of no object: it is not S3's, whatever its status."""
    if not answer.get("ETag"):
        raise _unlike_s3(answer["ResponseMetadata"]["HTTPStatusCode"])


def _unlike_s3(status: int) -> ServiceError:
    return ServiceError(Problem.STORAGE_UNAVAILABLE, f"S3 answered {status}, which is not its way: {SEE_THE_LOG}")


def is_missing(error: Exception) -> bool:
    """Whether `error` says that there is no such key or no such bucket."""
    return code_of(error) in MISSING


def unavailable(uri: str, error: Exception) -> ServiceError:
    """Return the error for S3 answering `uri` with anything unexpected: refused, throttled, out of reach.

    S3's own words name buckets, roles and accounts: they go to the log, its code goes to the client.
    """
    detail = f"S3 answered {code_of(error) or type(error).__name__}: {SEE_THE_LOG}"
    return ServiceError(Problem.STORAGE_UNAVAILABLE, detail, private=f"{uri}: {words(error)}")


def code_of(error: Exception) -> str:
    """Return the code that S3 gave, or else the status; empty if it gave neither."""
    if not isinstance(error, ClientError):
        return ""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    return short(error.response.get("Error", {}).get("Code", ""), status)
