"""JSON objects on S3, under their own prefix."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from lambda_fn.config import KEY, Settings, location
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.encodings import unpack
from lambda_fn.http.json_body import check_media_type, parse_json
from lambda_fn.http.request import MAX_RESPONSE_BYTES, Request, Response
from lambda_fn.http.routes import Routes
from lambda_fn.storage import s3
from lambda_fn.storage.work import CALL_SECONDS, bounded


class Objects:
    """The routes over the objects at `settings.objects_uri`."""

    def __init__(self, settings: Settings) -> None:
        """Answer with not-configured, later, if `settings` name no place for objects."""
        self._settings = settings

    speak = None
    """This function answers in no dialect."""

    @property
    def routes(self) -> Routes:
        """The routes that the function `objects` answers."""
        return {("GET", "/objects/{key}"): self.get, ("PUT", "/objects/{key}"): self.put}

    def get(self, request: Request, key: str) -> Response:
        """Answer the object as it was stored, and its S3 version id; 404 if there is none."""
        bucket, path = self._place(key)
        client = s3.ready_client()
        body, version_id = _asked(request, key, lambda: _read(client, bucket, path, key))
        return Response(200, body.decode(errors="replace"), _version_header(version_id))

    def put(self, request: Request, key: str) -> Response:
        """Store a JSON body byte for byte; answer its key, its size in bytes and its S3 version id."""
        bucket, path = self._place(key)
        limit = self._settings.max_object_bytes
        if request.packed:
            unpack(request, limit)
        if len(request.body) > limit:
            raise ServiceError(Problem.BODY_TOO_LARGE, f"the body has {len(request.body)} bytes, an object {limit}")
        check_media_type(request)
        parse_json(request.body, strict=True)
        client = s3.ready_client()
        version_id = _asked(request, key, lambda: s3.store(client, bucket, path, request.body, "application/json"))
        content = {"key": key, "size": len(request.body), "version_id": version_id}
        return Response(200, json.dumps(content), _version_header(version_id))

    def _place(self, key: str) -> tuple[str, str]:
        """Return bucket and full key of the object."""
        if self._settings.objects_uri is None:
            raise ServiceError(Problem.NOT_CONFIGURED, "OBJECTS_URI is not set on this function")
        if not re.fullmatch(KEY, key):
            raise ServiceError(
                Problem.INVALID_KEY,
                f"a key is 1 to 128 of A-Z a-z 0-9 . _ - with no dot in front, not {key[:200]!r}",
            )
        bucket, prefix = location(self._settings.objects_uri)
        return bucket, prefix + key


def _asked[Outcome](request: Request, key: str, function: Callable[[], Outcome]) -> Outcome:
    """Return what S3 is asked for, within the call's time; what the log says of a failure is without the key."""
    try:
        return bounded(function, request.patience(CALL_SECONDS))
    except ServiceError as error:
        error.private = error.private.replace(f"/{key}", "/{key}")
        raise


def _read(client: s3.Client, bucket: str, path: str, key: str) -> tuple[bytes, str | None]:
    """Return the object and its version; raise ServiceError if it is not there, or can't be read."""
    try:
        answer = s3.get_object(client, bucket, path)
        return s3.body_of(answer, _check_size), answer.get("VersionId")
    except ServiceError:
        raise
    except Exception as error:  # boto3 raises urllib3's, too, its parsers', and ValueError, as it comes
        if s3.is_missing(error):
            raise ServiceError(Problem.OBJECT_NOT_FOUND, f"there is no object under the key {key!r}") from error
        raise s3.unavailable(f"s3://{bucket}/{path}", error) from error


def _check_size(size: int) -> None:
    """Raise ServiceError for an object that is too large to answer, before it is read. Others than `put` stored it."""
    if size > MAX_RESPONSE_BYTES:
        detail = f"the object has {size:,} bytes, Lambda returns at most {MAX_RESPONSE_BYTES:,}"
        raise ServiceError(Problem.RESPONSE_TOO_LARGE, detail)


def _version_header(version_id: str | None) -> dict[str, str]:
    return {"x-amz-version-id": version_id} if version_id else {}
