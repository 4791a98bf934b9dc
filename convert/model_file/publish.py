"""Model files on S3. The current model is one key; its history is S3's own object versions."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import onnx
from botocore.exceptions import BotoCoreError, ClientError

from convert.errors import ConvertError
from convert.model_file.companions import digest, place, read_companions
from convert.model_file.disk import check_certificate, read_card, read_model, sealed, write_sealed
from convert.model_file.seal import check_seal
from convert.model_file.service import check_served

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ERRORS = (BotoCoreError, ClientError)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the model's key; `sha256` in hexadecimal, None where S3 was given none and for a deletion."""

    id: str
    modified: datetime
    size: int
    current: bool
    deletion: bool
    sha256: str | None
    etag: str = ""


def publish(model: Path, uri: str, *, force: bool = False) -> str:
    """Upload the model file to ``s3://bucket/key`` and return the id of the version that this makes.

    One PUT replaces the key atomically; S3 compares the bytes with their SHA-256 and keeps it with them. Companions go
    first, each to a key of its own that has its digest in it: so a version has its own, also after a rollback.
    With `force` the lack of a passing certificate is no obstacle, but is written into the card.
    Raises ConvertError if the file was altered after it was written or has none, if the service would refuse it, with
    or without `force`, and for whatever S3 refuses.
    """
    parse_uri(uri)
    data = on_disk = read_model(model)
    card, graph = read_card(data), onnx.load_from_string(data)
    beside = read_companions(model, card)
    try:
        check_certificate(card, graph, str(model))
    except ConvertError:
        if not force:
            raise
        data = sealed(graph, {**card, "forced": True})
    check_served(data, beside.values())
    if data != on_disk:
        write_sealed(model, data)
    for companion in beside.values():
        _put(place(uri, digest(companion)), companion)
    return _version_id(_put(uri, data), uri)


def _put(uri: str, data: bytes) -> str | None:
    """Upload `data`, and return the id of the version that this makes; raise ConvertError for whatever S3 refuses."""
    bucket, key = parse_uri(uri)
    try:
        answer = _client().put_object(
            Bucket=bucket,
            Key=key,
            Body=data,
            ContentType="application/octet-stream",
            ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
        )
    except ERRORS as error:
        raise ConvertError(f"{uri}: {error}") from error
    return answer.get("VersionId")


def history(uri: str) -> list[Version]:
    """Return the versions of ``s3://bucket/key``, newest first; raise ConvertError if there is none."""
    bucket, key = parse_uri(uri)
    try:
        versions = _versions(_client(), bucket, key)
    except ERRORS as error:
        raise ConvertError(f"{uri}: {error}") from error
    if not versions:
        raise ConvertError(f"nothing was ever published at {uri}")
    return versions


def fetch(uri: str, version_id: str | None = None) -> bytes:
    """Return the bytes of the model file at ``s3://bucket/key``, the current ones or those of a version.

    Raises ConvertError for whatever S3 refuses, and for a file that was altered after it was written.
    """
    bucket, key = parse_uri(uri)
    client = _client()
    try:
        if version_id is None:
            answer = client.get_object(Bucket=bucket, Key=key)
        else:
            answer = client.get_object(Bucket=bucket, Key=key, VersionId=version_id)
        data = answer["Body"].read()
    except ERRORS as error:
        raise ConvertError(f"{uri}: {error}") from error
    check_seal(data, uri)
    return data


def rollback(uri: str, version_id: str | None = None) -> tuple[Version, str]:
    """Make an earlier version the current one again, as a new version; return the earlier one and the new one's id.

    Without `version_id` it is the newest whose bytes are not the current ones. Nothing is deleted.
    Raises ConvertError if there is no such version.
    """
    bucket, key = parse_uri(uri)
    versions = history(uri)
    target = _rollback_target(versions, uri, version_id)
    try:
        answer = _client().copy_object(
            Bucket=bucket,
            Key=key,
            CopySource={"Bucket": bucket, "Key": key, "VersionId": target.id},
            ChecksumAlgorithm="SHA256",
        )
    except ERRORS as error:
        raise ConvertError(f"{uri}: {error}") from error
    return target, _version_id(answer.get("VersionId"), uri)


def parse_uri(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/key`` into bucket and key; raise ConvertError for anything else.

    >>> parse_uri("s3://bucket/models/model.onnx")
    ('bucket', 'models/model.onnx')
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not (uri.startswith("s3://") and bucket and key):
        raise ConvertError(f"expected s3://bucket/key, got {uri}")
    return bucket, key


def _client() -> S3Client:
    try:
        return boto3.client("s3")
    except ValueError as error:  # an endpoint or a region that is none
        raise ConvertError(f"the settings of the AWS client: {error}") from error


def _version_id(version_id: str | None, uri: str) -> str:
    if version_id is None:
        raise ConvertError(f"{uri} was written, but its bucket keeps no versions: no history, no rollback. Enable them")
    return version_id


def _versions(client: S3Client, bucket: str, key: str) -> list[Version]:
    """Return the versions, newest first; S3 lists versions and deletions each in that order."""
    found = []
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for entry in page.get("Versions", []):
            if entry["Key"] == key:
                sha256 = _sha256(client, bucket, key, entry["VersionId"])
                found.append(
                    Version(
                        entry["VersionId"],
                        entry["LastModified"],
                        entry["Size"],
                        entry["IsLatest"],
                        False,
                        sha256,
                        entry["ETag"],
                    )
                )
        found += [
            Version(marker["VersionId"], marker["LastModified"], 0, marker["IsLatest"], True, None)
            for marker in page.get("DeleteMarkers", [])
            if marker["Key"] == key
        ]
    return sorted(found, key=lambda version: (version.current, version.modified), reverse=True)


def _sha256(client: S3Client, bucket: str, key: str, version_id: str) -> str | None:
    head = client.head_object(Bucket=bucket, Key=key, VersionId=version_id, ChecksumMode="ENABLED")
    checksum = head.get("ChecksumSHA256")
    if checksum is None or head.get("ChecksumType") == "COMPOSITE":  # of parts, not of the bytes
        return None
    return base64.b64decode(checksum).hex()


def _rollback_target(versions: list[Version], uri: str, version_id: str | None) -> Version:
    current, *earlier = versions
    for version in versions if version_id else earlier:
        if version.deletion:
            continue
        if version.id == version_id or (version_id is None and version.etag != current.etag):
            return version
    if version_id:
        raise ConvertError(f"{uri} has no version {version_id}; `history` lists them")
    raise ConvertError(f"{uri} has no earlier version that differs from the current one")
