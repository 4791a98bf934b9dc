"""Where captured lines are: objects on S3, or files, of the days that are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from convert.errors import ConvertError, listed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SUFFIX = ".jsonl"
DAY, MODEL = "date=", "model="
"""How the names of folders begin that hold a day, or a model."""
BLOCK = 2000
"""How many lines are counted at once."""
AT_ONCE = 16
"""How many objects are read at the same time: each has 4 MB at the most."""


class Store(Protocol):
    """Folders and files by their paths; a folder's ends with a slash."""

    def look(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the folders and the files in a folder."""

    def blocks(self, files: Sequence[str]) -> Iterator[Sequence[bytes]]:
        """Yield the lines of the files, in their order, some at a time."""


@dataclass(frozen=True, slots=True)
class OnS3:
    """A bucket."""

    client: S3Client
    bucket: str

    def look(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the prefixes and the keys right below a prefix."""
        folders, files = [], []
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=folder, Delimiter="/")
        for page in pages:
            folders += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
            files += [each["Key"] for each in page.get("Contents", [])]
        return folders, files

    def blocks(self, files: Sequence[str]) -> Iterator[Sequence[bytes]]:
        """Yield the lines of the objects, a few of which are read ahead."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ahead: deque[Future[bytes]] = deque()
            for file in files:
                ahead.append(pool.submit(self._read, file))
                if len(ahead) >= AT_ONCE:
                    yield from _batches(ahead.popleft().result().splitlines())
            while ahead:
                yield from _batches(ahead.popleft().result().splitlines())

    def _read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()


@dataclass(frozen=True, slots=True)
class OnDisk:
    """The files of this machine."""

    def look(self, folder: str) -> tuple[list[str], list[str]]:
        """Return what is in a folder."""
        found = sorted(Path(folder).iterdir())
        return [f"{each}/" for each in found if each.is_dir()], [str(each) for each in found if each.is_file()]

    def blocks(self, files: Sequence[str]) -> Iterator[Sequence[bytes]]:
        """Yield the lines of the files."""
        for file in files:
            with Path(file).open("rb") as lines:
                yield from _batches(lines)


def _batches(lines: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    return batched(lines, BLOCK, strict=False)


@dataclass(frozen=True, slots=True)
class Found:
    """A file of lines, and the model that its folder names; empty if none does."""

    model: str
    file: str


def find(store: Store, place: str, since: str, model: str = "") -> list[Found]:
    """Return the files at a place, or below it, but those of days before `since`; of one model if folders name several.

    since: YYYY-MM-DD. Raises ConvertError if there are several models and `model` is none of them.
    """
    return [*_walk(store, place, since, model)] if place.endswith("/") else [Found(_model_of(place), place)]


def _walk(store: Store, folder: str, since: str, model: str) -> Iterator[Found]:
    folders, files = store.look(folder)
    yield from (Found(_model_of(folder), file) for file in files if file.endswith(SUFFIX))
    models = {_last(each).removeprefix(MODEL): each for each in folders if _last(each).startswith(MODEL)}
    if len(models) > 1:
        if model not in models:
            raise ConvertError(f"{folder} has rows of several models, {listed([*models])}: give {folder}{MODEL}NAME/")
        folders = [models[model]]
    for each in folders:
        if not _last(each).startswith(DAY) or _last(each) >= DAY + since:
            yield from _walk(store, each, since, model)


def _last(folder: str) -> str:
    return folder.rstrip("/").rpartition("/")[2]


def _model_of(path: str) -> str:
    names = [part.removeprefix(MODEL) for part in path.split("/") if part.startswith(MODEL)]
    return names[-1] if names else ""


def open_store(client: S3Client | None, place: str) -> tuple[Store, str]:
    """Return the store of a place, ``s3://bucket/prefix`` or a path, and the place within it, a folder with a slash."""
    if place.startswith("s3://"):
        bucket, _, key = place.removeprefix("s3://").partition("/")
        if not (bucket and key) or client is None:
            raise ConvertError(f"expected s3://bucket/prefix/, got {place}")
        return OnS3(client, bucket), key if key.endswith((SUFFIX, "/")) else f"{key}/"
    path = Path(place)
    if not path.exists():
        raise ConvertError(f"{place}: there is no such file or folder")
    return OnDisk(), f"{path}/" if path.is_dir() else str(path)
