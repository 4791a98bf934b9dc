"""The names of the models under a prefix."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lambda_fn.config import location
from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError
from lambda_fn.storage.work import CALL_SECONDS, bounded

if TYPE_CHECKING:
    from lambda_fn.serving.served import Patience

MAX_LISTED = 10_000
"""More objects are not looked at: each thousand is a request to S3."""


def list_models(uri: str, suffix: str, patience: Patience) -> list[str]:
    """Return the names under ``s3://bucket/prefix/`` or ``file:///path/``, without the suffix that they end with.

    Raises ServiceError (storage-unavailable) if they can't be listed.
    """
    names = bounded(lambda: _in_bucket(uri) if uri.startswith("s3://") else _in_folder(uri), patience(CALL_SECONDS))
    return sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix))


def _in_bucket(uri: str) -> list[str]:
    from lambda_fn.storage import s3  # here: it brings boto3

    bucket, prefix = location(uri)
    names: list[str] = []
    try:
        for page in s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
            names += [each["Key"].removeprefix(prefix) for each in page.get("Contents", [])]
            if len(names) >= MAX_LISTED:
                break
    except Exception as error:  # boto3 raises urllib3's, too, its parsers', and ValueError, as it comes
        raise s3.unavailable(uri, error) from error
    return names


def _in_folder(uri: str) -> list[str]:
    from urllib.parse import unquote

    try:
        return os.listdir(unquote(uri.removeprefix("file://")))
    except OSError as error:
        detail = f"the folder at MODELS_URI can't be read ({type(error).__name__}): {SEE_THE_LOG}"
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, detail, private=f"{uri}: {error}") from error
