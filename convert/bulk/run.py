"""What an output prefix holds of its run, read: what was asked, which chunks are done, the summaries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import boto3

from convert.bulk.stack import Execution, asking, planned_by
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
    """An output prefix, whose records are read once each, and again when they are others."""

    def __init__(self, output: str) -> None:
        """Name it; raise ConvertError for what is no prefix."""
        self.uri, (self._bucket, self._prefix) = output, split(output)
        with asking(output):
            self._client = boto3.client("s3")
        self._records: dict[tuple[str, datetime], dict[str, Any]] = {}

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

    def run_of(self, execution: Execution) -> dict[str, Any] | None:
        """Return what an execution planned or took up; None until it did, and if the prefix holds another run."""
        run = self.run()
        return run if run is not None and run["id"] == planned_by(execution.arn) else None

    def records(self) -> list[dict[str, Any]]:
        """Return the record of each finished chunk whose output is there, with when it was ``written``."""
        noted = [(name, each["LastModified"]) for name, each in self._listed("_plume/done/").items()]
        there = {name: each["Size"] for name, each in self._listed("part-").items()}  # which are written sooner
        new = [each for each in noted if each not in self._records]
        with ThreadPoolExecutor(READERS) as readers:
            for each, record in zip(new, readers.map(lambda each: self.read(each[0]), new), strict=True):
                if record is not None:
                    self._records[each] = {**record, "written": each[1]}
        found = [self._records[each] for each in noted if each in self._records]
        return [each for each in found if there.get(self._name(each["output"])) == each["bytes_out"]]

    def failures(self) -> list[dict[str, Any]]:
        """Return what is noted of each chunk that failed and is not done: ``{"chunk", "Error", "Cause"}``."""
        done = {record["chunk"] for record in self.records()}
        noted = {name.rpartition("/")[2].removesuffix(".json"): name for name in self._listed("_plume/failed/")}
        return [{"chunk": chunk, **(self.read(name) or {})} for chunk, name in noted.items() if chunk not in done]

    def summary(self, execution: str | None = None) -> dict[str, Any] | None:
        """Return the summary of an execution, or of the run if that was whole; None if there is none."""
        return self.read("_SUCCESS.json" if execution is None else f"_plume/executions/{execution}.json")

    def lacking(self, summary: Mapping[str, Any]) -> Iterator[str]:
        """Yield each file of a summary that is not there as it tells, and why."""
        there = {**self._listed("part-"), **self._listed("_quarantine/")}
        for each in (*summary["outputs"], *summary["quarantine"]):
            found = there.get(self._name(each["key"]))
            if found is None:
                yield f"s3://{self._bucket}/{each['key']} is not there any more"
            elif (found["Size"], found["ETag"]) != (each["bytes"], each["etag"]):
                yield f"s3://{self._bucket}/{each['key']} was changed: delete it"

    def _name(self, key: str) -> str:
        return key.removeprefix(self._prefix)

    def _listed(self, beginning: str) -> dict[str, Any]:
        """Return what is under the prefix whose name begins so, by name, in order."""
        prefix = self._prefix + beginning
        found: dict[str, Any] = {}
        with asking(self.uri):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                found |= {self._name(each["Key"]): each for each in page.get("Contents", [])}
        return found
