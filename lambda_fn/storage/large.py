"""Large objects on S3: listed, read as a stream, written in parts. What boto3 raises passes through.

boto3 takes an answer whose head is cut for one without a body, a page of no keys, an object that was stored: each is
looked at for what S3 never leaves out, and BrokenAnswerError is raised if it is not there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from lambda_fn.record import Record
from lambda_fn.storage import s3
from lambda_fn.storage.aws_http import BrokenAnswerError
from lambda_fn.storage.boto import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PIECE_BYTES = 2**20
"""How much of a stream is asked for at once."""
PART_BYTES = 8 * 2**20
"""How large the first part of an upload is, at the least: S3 takes 5 MB and more."""
GROWING_PARTS = 1000
"""After how many parts they become twice as large: S3 takes 10,000, and an object has 5 TB at the most."""
ATTEMPTS = 5
"""How often a stream is begun again in a row where its connection broke."""
PAUSE_SECONDS = 0.2
CONNECTIONS = 32
"""How many requests may be under way at once."""
EXISTS = frozenset({"PreconditionFailed", "412"})
"""What S3 says of an object that is there, where none was to be. While one comes or goes it says 409: that passes."""
MISSING = frozenset({"NoSuchKey", "404"})
CHANGED = EXISTS
"""What it says of an object that is another than the one that was asked for, too."""


class Object(Record):
    """What a bucket has under a key: its size in bytes, and what tells it from others."""

    bucket: str
    key: str
    size: int
    etag: str

    @property
    def uri(self) -> str:
        """Where it is."""
        return f"s3://{self.bucket}/{self.key}"


@cache
def client() -> S3Client:
    """Return the client; one for the life of the execution environment. It tries five times, and waits in between."""
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    config = Config(connect_timeout=3, read_timeout=20, max_pool_connections=CONNECTIONS, retries=retries)  # type: ignore[arg-type]
    return boto3.client("s3", config=config)


def listed(bucket: str, prefix: str) -> Iterator[Object]:
    """Yield the objects whose keys begin with `prefix`, in the order of their keys."""
    for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        _check(page, "IsTruncated")
        for each in page.get("Contents", []):
            yield Object(bucket, each["Key"], each["Size"], each["ETag"])


def find(bucket: str, key: str) -> Object | None:
    """Return the object under `key`; None if there is none."""
    # not HEAD, whose answer has no body to tell a bucket that is not there, or is not to be read, from a key
    page = client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)  # of those that begin so it comes first
    _check(page, "IsTruncated")
    found = [Object(bucket, key, each["Size"], each["ETag"]) for each in page.get("Contents", []) if each["Key"] == key]
    return found[0] if found else None


def read(bucket: str, key: str) -> bytes | None:
    """Return the bytes under `key`; None if there is no object."""
    try:
        answer = client().get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        with closing(answer["Body"]) as body:
            _check(answer, "ETag", "ContentLength")
            data = body.read()
        if len(data) != answer["ContentLength"]:
            raise BrokenAnswerError(f"{len(data)} of {answer['ContentLength']} bytes came")
        return data
    except Exception as error:
        if s3.code_of(error) in MISSING:
            return None
        raise


def read_range(found: Object, begin: int, end: int) -> bytes:
    """Return the bytes of an object from `begin` to `end`, or to its own end."""
    return b"".join(stream(found, begin, min(end, found.size)))


def stream(found: Object, begin: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of an object from `begin` to `end`, piece by piece.

    Where the connection breaks, it goes on behind what came. An object that is another by now is refused by S3 (412).
    """
    failures = 0
    while begin < end:
        try:
            answer = client().get_object(
                Bucket=found.bucket, Key=found.key, Range=f"bytes={begin}-{end - 1}", IfMatch=found.etag
            )
            with closing(answer["Body"]) as body:
                if not str(answer.get("ContentRange")).startswith(f"bytes {begin}-"):
                    raise BrokenAnswerError(
                        f"asked for bytes from {begin} on, S3 answered {answer.get('ContentRange')}"
                    )
                while begin < end:
                    piece = body.read(min(PIECE_BYTES, end - begin))
                    if not piece:
                        raise BrokenAnswerError(f"{found.uri} ended {end - begin} bytes early")
                    begin, failures = begin + len(piece), 0
                    yield piece
        except Exception as error:
            failures += 1
            if s3.code_of(error) or failures >= ATTEMPTS:  # an answer of S3, for which boto3 has tried again already
                raise
            time.sleep(PAUSE_SECONDS * 2**failures)


def delete(bucket: str, key: str) -> None:
    """Delete an object; of a bucket with versions, the current one stays as a version."""
    client().delete_object(Bucket=bucket, Key=key)


def put(bucket: str, key: str, body: bytes, *, once: bool = False) -> bool:
    """Write an object; with `once`, only where there is none. Return whether it was written."""
    try:
        if once:
            answer = client().put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
        else:
            answer = client().put_object(Bucket=bucket, Key=key, Body=body)
        _check(answer, "ETag")
    except Exception as error:
        if once and s3.code_of(error) in EXISTS:
            return False
        raise
    return True


class Upload:
    """An object that is written as its bytes come; it is there when `finish` returns, whole, or not at all.

    bytes: how many were written. An object that is there already stays as it is.
    """

    def __init__(self, bucket: str, key: str) -> None:
        """Begin nothing yet: what fits into one part is put in one request."""
        self.bucket, self.key = bucket, key
        self._id = ""
        self._parts: list[CompletedPartTypeDef] = []
        self._first, self._pending, self._size = b"", [b""], 0
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Write what follows."""
        self._pending.append(data)
        self._size += len(data)
        self.bytes += len(data)
        if self._size >= PART_BYTES << len(self._parts) // GROWING_PARTS:
            self._send()

    def finish(self, head: bytes = b"") -> bool:
        """Make it an object, with `head` in front of all; return whether it was written, or was there already."""
        self.bytes += len(head)
        if not self._first:
            return put(self.bucket, self.key, head + b"".join(self._pending), once=True)
        if self._size:
            self._send()
        self._upload(1, head + self._first)
        parts = sorted(self._parts, key=lambda part: part["PartNumber"])
        try:
            answer = client().complete_multipart_upload(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=self._id,
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
            _check(answer, "ETag")
        except Exception as error:
            if s3.code_of(error) not in EXISTS:
                raise
            self.abort()
            return False
        return True

    def abort(self) -> None:
        """Leave nothing of it behind, if that can be done."""
        if self._id:
            with suppress(Exception):
                client().abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=self._id)

    def _send(self) -> None:
        """Send what is pending as a part; the first is kept until the end: what comes in front of it is not known."""
        data = b"".join(self._pending)
        self._pending, self._size = [], 0
        if not self._first:
            self._first = data
            return
        self._upload(len(self._parts) + 2, data)

    def _upload(self, number: int, data: bytes) -> None:
        if not self._id:
            begun = client().create_multipart_upload(Bucket=self.bucket, Key=self.key)
            _check(begun, "UploadId")
            self._id = begun["UploadId"]
        answer = client().upload_part(Bucket=self.bucket, Key=self.key, UploadId=self._id, PartNumber=number, Body=data)
        _check(answer, "ETag")
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})


class Comparison:
    """An object that is there, compared with bytes as they come."""

    def __init__(self, found: Object) -> None:
        """Begin at its first byte."""
        self.bucket, self.key = found.bucket, found.key
        self._pieces, self._rest, self._is_same = stream(found, 0, found.size), b"", True

    def write(self, data: bytes) -> None:
        """Compare what follows."""
        while data and self._is_same:
            self._rest = self._rest or next(self._pieces, b"")
            size = min(len(data), len(self._rest))
            self._is_same = size > 0 and data[:size] == self._rest[:size]
            data, self._rest = data[size:], self._rest[size:]

    def finish(self) -> bool:
        """Return whether the object has these bytes and no others."""
        return self._is_same and not self._rest and not next(self._pieces, b"")


def _check(answer: Mapping[str, Any], *members: str) -> None:
    """Raise BrokenAnswerError for an answer that lacks what S3 always tells."""
    lacking = [name for name in members if name not in answer]
    if lacking:
        raise BrokenAnswerError(f"S3 answered without {', '.join(lacking)}")
