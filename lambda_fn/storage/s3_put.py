"""A new object on S3, which never takes the place of another: one signed PUT with sockets, or by boto3."""

from __future__ import annotations

import os
import time

from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError
from lambda_fn.storage import aws_http
from lambda_fn.storage.store import FOR_BOTO3, PASSING, PAUSE_SECONDS
from lambda_fn.storage.words import of_s3
from lambda_fn.storage.work import bounded

ATTEMPTS = 2
SECONDS = 7.0
"""What all attempts take together."""
THERE_ALREADY = 412
"""S3's answer where something has the key."""
CONFLICT = 409
"""S3's answer where something is being written to the key."""
MAX_ANSWER_BYTES = 2**16


def put_new(bucket: str, key: str, body: bytes, content_type: str) -> None:
    """Store `body` under a key that nobody else makes; raise ServiceError (storage-unavailable) if that can't be done.

    What has that key already is an earlier attempt's, whose answer was lost: it stays.
    """
    until, failure = time.monotonic() + SECONDS, ""
    headers = {"content-length": str(len(body)), "content-type": content_type, "if-none-match": "*"}
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        try:
            answer = aws_http.exchange("PUT", bucket, key, headers, os.environ, MAX_ANSWER_BYTES, until, body)
        except OSError as error:
            failure = f"S3 is out of reach ({type(error).__name__})"
            continue
        except (ValueError, OverflowError):  # a port, host or credential in the environment that is none: boto3 says so
            answer = None
        if answer is None or answer.status in FOR_BOTO3:
            _put_with_boto3(bucket, key, body, content_type)
            return
        if answer.status == THERE_ALREADY or (answer.status == 200 and "etag" in answer.headers):
            return
        failure = f"S3 answered {answer.status} {of_s3(answer.body)}".rstrip()
        if answer.status not in PASSING | {CONFLICT}:
            break
    detail = f"what is to be stored is not: {SEE_THE_LOG}"
    raise ServiceError(Problem.STORAGE_UNAVAILABLE, detail, private=f"s3://{bucket}/{key}: {failure}")


def _put_with_boto3(bucket: str, key: str, body: bytes, content_type: str) -> None:
    from lambda_fn.storage import s3  # here: it takes 0.2 s

    client = s3.ready_client()
    bounded(lambda: s3.store(client, bucket, key, body, content_type, new=True), SECONDS)
