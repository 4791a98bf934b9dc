"""What an output prefix holds of its run, read: what was asked, which chunks are done, the summaries."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

from convert.bulk.stack import asking
from convert.errors import ConvertError
from convert.model_file.versions import parse_uri

READERS = 16


def split(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/prefix/`` into bucket and prefix; raise ConvertError for anything else.

    >>> split("s3://bucket/out/")
    ('bucket', 'out/')
    """
    if not (uri.startswith("s3://") and uri.endswith("/")):
        raise ConvertError(f"expected s3://bucket/prefix/ with the slash at its end, got {uri}")
    return parse_uri(uri)


class RunFolder:
    """An output prefix, whose records are each read once."""

    def __init__(self, output: str) -> None:
        """Name it; raise ConvertError for what is no prefix."""
        self.uri, (self._bucket, self._prefix) = output, split(output)
        with asking(output):
            self._client = boto3.client("s3")
        self._records: dict[str, dict[str, Any]] = {}

    def read(self, name: str) -> dict[str, Any] | None:
        """Return the JSON document of that name under the prefix; None if there is none."""
        with asking(f"{self.uri}{name}"):
            try:
                data = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None
            document: dict[str, Any] = json.loads(data)
        return document

    def run(self) -> dict[str, Any] | None:
        """Return what was planned; None until it was."""
        return self.read("_plume/run.json")

    def names(self, folder: str) -> list[str]:
        """Return the names of what is in a folder of the run's state, in order."""
        prefix, found = f"{self._prefix}_plume/{folder}/", []
        with asking(self.uri):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                found += [each["Key"].removeprefix(prefix) for each in page.get("Contents", [])]
        return found

    def records(self) -> list[dict[str, Any]]:
        """Return the record of each finished chunk."""
        new = [name for name in self.names("done") if name not in self._records]
        with ThreadPoolExecutor(READERS) as readers:
            for name, record in zip(new, readers.map(lambda name: self.read(f"_plume/done/{name}"), new), strict=True):
                if record is not None:
                    self._records[name] = record
        return list(self._records.values())

    def failures(self) -> list[dict[str, Any]]:
        """Return what is noted of each chunk that failed and is not done: ``{"chunk", "Error", "Cause"}``."""
        done = {record["chunk"] for record in self.records()}
        noted = [name for name in self.names("failed") if name.removesuffix(".json") not in done]
        return [{"chunk": name.removesuffix(".json"), **(self.read(f"_plume/failed/{name}") or {})} for name in noted]

    def summary(self, execution: str | None = None) -> dict[str, Any] | None:
        """Return the summary of an execution, or of the run if that is whole; None if there is none."""
        return self.read("_SUCCESS.json" if execution is None else f"_plume/executions/{execution}.json")
