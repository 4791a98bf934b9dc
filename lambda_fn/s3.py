"""The S3 client that models and objects share, and what its errors mean here."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambda_fn.errors import Problem, ServiceError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)

ERRORS = (BotoCoreError, ClientError)


@cache
def client() -> S3Client:
    """Return the client; one for the life of the execution environment. It gives up within Lambda's 10 s of init."""
    return boto3.client("s3", config=Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2}))


def is_missing(error: Exception) -> bool:
    """Whether `error` says that there is no such key or no such bucket."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket", "404"}


def unavailable(uri: str, error: Exception) -> ServiceError:
    """Return the error for S3 answering `uri` with anything unexpected: refused, throttled, out of reach.

    S3's own words name roles and accounts: they go to the log, its code goes to the client.
    """
    log.error("%s: %s", uri, error)
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    return ServiceError(Problem.STORAGE_UNAVAILABLE, f"{uri}: S3 answered {code}")
