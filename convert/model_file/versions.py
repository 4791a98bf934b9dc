"""Objects on S3 and their versions: what is there, read, written, copied and deleted, whatever the bytes are."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from convert.errors import ConvertError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ERRORS = (BotoCoreError, ClientError)
NO_VERSION = "null"
"""What S3 calls the version of an object that was put where no versions were kept."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an object; `sha256` in hexadecimal, None where S3 was given none and for a deletion."""

    id: str
    modified: datetime
    size: int
    current: bool
    deletion: bool
    sha256: str | None
    etag: str = ""

    def has_bytes_of(self, other: Version) -> bool:
        """Whether the two are the same bytes, as S3 tells: of two that it encrypts, the ETags differ anyway."""
        if self.sha256 is not None and other.sha256 is not None:
            return self.sha256 == other.sha256
        return self.etag == other.etag


def parse_uri(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/key`` into bucket and key; raise ConvertError for anything else.

    >>> parse_uri("s3://bucket/models/model.onnx")
    ('bucket', 'models/model.onnx')
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not (uri.startswith("s3://") and bucket and key):
        raise ConvertError(f"expected s3://bucket/key, got {uri}")
    return bucket, key


def history(uri: str) -> list[Version]:
    """Return the versions of ``s3://bucket/key``, newest first; raise ConvertError if there is none."""
    bucket, key = parse_uri(uri)
    with asking_s3(uri) as client:
        versions = _versions(client, bucket, key)
    if not versions:
        raise ConvertError(f"nothing was ever published at {uri}")
    return versions


def current_version(uri: str) -> Version | None:
    """Return the version of ``s3://bucket/key`` that is read there; None if there is nothing, or it was deleted."""
    bucket, key = parse_uri(uri)
    with asking_s3(uri) as client:
        try:  # not HEAD, whose answer has no body to tell a bucket that is not there from a key
            answer = client.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except client.exceptions.NoSuchKey:
            return None
        answer["Body"].close()
    return Version(
        answer.get("VersionId", NO_VERSION),
        answer["LastModified"],
        answer["ContentLength"],
        True,
        False,
        _sha256(answer),
        answer["ETag"],
    )


def get(uri: str, version_id: str | None = None) -> bytes:
    """Return the bytes at ``s3://bucket/key``, the current ones or those of a version."""
    bucket, key = parse_uri(uri)
    with asking_s3(uri) as client:
        if version_id is None:
            return client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return client.get_object(Bucket=bucket, Key=key, VersionId=version_id)["Body"].read()


def put(uri: str, data: bytes) -> str | None:
    """Write `data` and return the id of the version that this makes; S3 compares it with its SHA-256 and keeps that."""
    bucket, key = parse_uri(uri)
    with asking_s3(uri) as client:
        answer = client.put_object(
            Bucket=bucket,
            Key=key,
            Body=data,
            ContentType="application/octet-stream",
            ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
        )
    return answer.get("VersionId")


def copy(source: str, version_id: str, uri: str) -> str | None:
    """Copy a version of `source` to `uri`, of one bucket; return the id of the version that this makes."""
    bucket, key = parse_uri(uri)
    with asking_s3(uri) as client:
        answer = client.copy_object(
            Bucket=bucket,
            Key=key,
            CopySource={"Bucket": bucket, "Key": parse_uri(source)[1], "VersionId": version_id},
            ChecksumAlgorithm="SHA256",
        )
    return answer.get("VersionId")


def delete(uri: str) -> None:
    """Delete what is current at ``s3://bucket/key``; where versions are kept, all of them stay."""
    bucket, key = parse_uri(uri)
    with asking_s3(uri) as client:
        client.delete_object(Bucket=bucket, Key=key)


def check_versions_kept(uri: str) -> None:
    """Raise ConvertError if what is replaced or deleted in the bucket of ``s3://bucket/key`` is lost."""
    bucket, _ = parse_uri(uri)
    with asking_s3(uri) as client:
        status = client.get_bucket_versioning(Bucket=bucket).get("Status")
    if status != "Enabled":
        raise ConvertError(f"the bucket of {uri} keeps no versions: what is there would be lost. Enable them")


@contextmanager
def asking_s3(uri: str) -> Iterator[S3Client]:
    """Give a client of S3; whatever S3 refuses becomes a ConvertError that names the `uri`."""
    try:
        client = boto3.client("s3")
    except ValueError as error:  # an endpoint or a region that is none
        raise ConvertError(f"the settings of the AWS client: {error}") from error
    try:
        yield client
    except ERRORS as error:
        raise ConvertError(f"{uri}: {error}") from error


def _versions(client: S3Client, bucket: str, key: str) -> list[Version]:
    """Return the versions, newest first; S3 lists versions and deletions each in that order."""
    found = []
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for entry in page.get("Versions", []):
            if entry["Key"] == key:
                head = client.head_object(Bucket=bucket, Key=key, VersionId=entry["VersionId"], ChecksumMode="ENABLED")
                found.append(
                    Version(
                        entry["VersionId"],
                        entry["LastModified"],
                        entry["Size"],
                        entry["IsLatest"],
                        False,
                        _sha256(head),
                        entry["ETag"],
                    )
                )
        found += [
            Version(marker["VersionId"], marker["LastModified"], 0, marker["IsLatest"], True, None)
            for marker in page.get("DeleteMarkers", [])
            if marker["Key"] == key
        ]
    return sorted(found, key=lambda version: (version.current, version.modified), reverse=True)


def _sha256(answer: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 that S3 tells of an object when it is asked for checksums."""
    checksum = answer.get("ChecksumSHA256")
    if checksum is None or answer.get("ChecksumType") == "COMPOSITE":  # of parts, not of the bytes
        return None
    return base64.b64decode(checksum).hex()
