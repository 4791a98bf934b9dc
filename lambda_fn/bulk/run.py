"""A run: what an output prefix holds of it, and a chunk of its input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from lambda_fn.bulk.failures import RefusedError, asking
from lambda_fn.bulk.options import Options
from lambda_fn.config import location
from lambda_fn.record import Record
from lambda_fn.storage import large
from lambda_fn.storage.large import Object

STATE = "_plume/"
"""What everything of a run is under that is no output. Hive, Spark and Athena leave names alone that begin so."""
RUN = "run.json"
SUCCESS = "_SUCCESS.json"
QUARANTINE = "_quarantine/"
PART = "part-"


class Folder(Record):
    """An output prefix."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, uri: str) -> Folder:
        """Return the folder at ``s3://bucket/prefix/``."""
        return cls(*location(uri))

    @property
    def uri(self) -> str:
        """Where it is."""
        return f"s3://{self.bucket}/{self.prefix}"

    def state(self, name: str) -> str:
        """Return the key of something that is no output."""
        return f"{self.prefix}{STATE}{name}"

    def read(self, key: str) -> Any:
        """Return the JSON document under a whole key; None if there is none."""
        with asking(f"s3://{self.bucket}/{key}"):
            data = large.read(self.bucket, key)
        try:
            return None if data is None else json.loads(data)
        except ValueError as error:
            raise RefusedError(f"s3://{self.bucket}/{key} is not JSON: {error}") from error

    def write(self, key: str, document: Any, *, once: bool = False) -> bool:
        """Write a JSON document under a whole key; return whether it was written (`large.put`)."""
        with asking(f"s3://{self.bucket}/{key}"):
            return large.put(self.bucket, key, json.dumps(document).encode(), once=once)


class Chunk(Record):
    """Some rows of an object, as a line of the manifest has it.

    begin, end: its bytes, which are whole rows; of a packed object, all that are there.
    head: in how many bytes at the object's begin its header is, and a byte order mark; 0 for none.
    output: the name of what is written.
    """

    name: str
    bucket: str
    key: str
    size: int
    etag: str
    format: str
    packed: bool
    begin: int
    end: int
    head: int
    output: str

    @classmethod
    def read(cls, document: Any) -> Chunk:
        """Return a chunk of what the manifest says; raise RefusedError if that is none."""
        if not isinstance(document, dict) or document.keys() != set(cls._fields):
            raise RefusedError(f"a chunk is {str(document)[:200]}, expected {', '.join(cls._fields)}")
        return cls(**document)

    @property
    def object(self) -> Object:
        """The object that it is of."""
        return Object(self.bucket, self.key, self.size, self.etag)


def manifest_of(chunks: Iterable[Chunk]) -> bytes:
    """Return a list of chunks as JSON Lines."""
    return b"".join(json.dumps(vars(chunk)).encode() + b"\n" for chunk in chunks)


class Run(Record):
    """What was planned for an output prefix.

    id: of what decides over the bytes that are written: input, options, model.
    model: its name, its version where it was published, its sha256.
    manifest: the name, among what is no output, of the list of chunks; manifest_sha256: of its bytes.
    """

    id: str
    options: Options
    model: dict[str, str]
    manifest: str
    manifest_sha256: str
    created: str
    chunks: int
    objects: int
    bytes: int
    rows_about: int

    @property
    def folder(self) -> Folder:
        """Where it writes."""
        return Folder.of(self.options.output)

    def document(self) -> dict[str, Any]:
        """Return it as ``run.json`` has it."""
        options = self.options.document()
        return sealed({**vars(self), "input": options["input"], "output": options["output"], "options": options})

    @classmethod
    def load(cls, folder: Folder) -> Run | None:
        """Return the run of an output prefix; None if there is none."""
        document = folder.read(folder.state(RUN))
        if document is None:
            return None
        if not is_sealed(document):
            raise RefusedError(f"{folder.uri}{STATE}{RUN} was changed, or another version wrote it")
        try:
            options = {**document["options"], "columns": tuple(document["options"]["columns"])}
            known = {name: document[name] for name in cls._fields if name != "options"}
            return cls(**known, options=Options(**options))
        except (KeyError, TypeError) as error:
            raise RefusedError(f"{folder.uri}{STATE}{RUN} is none that this version wrote: {error!r}") from error

    @classmethod
    def get(cls, folder: Folder) -> Run:
        """Return the run of an output prefix; raise RefusedError if there is none."""
        run = cls.load(folder)
        if run is None:
            raise RefusedError(f"{folder.uri} holds no run")
        return run

    def read_manifest(self) -> list[Chunk]:
        """Return its chunks, in the order of its input."""
        with asking(f"{self.folder.uri}{STATE}{self.manifest}"):
            data = large.read(self.folder.bucket, self.folder.state(self.manifest))
        if data is None:
            raise RefusedError(f"{self.folder.uri} has lost its manifest, {STATE}{self.manifest}")
        if hashlib.sha256(data).hexdigest() != self.manifest_sha256:
            raise RefusedError(f"{self.folder.uri}{STATE}{self.manifest} was changed after the run was planned")
        return [Chunk.read(json.loads(line)) for line in data.splitlines()]

    def done(self) -> set[str]:
        """Return the names of the chunks that are finished."""
        return {name.removesuffix(".json") for name in self.names("done/")}

    def names(self, folder: str) -> list[str]:
        """Return the names of what is in a folder among what is no output."""
        prefix = self.folder.state(folder)
        with asking(f"s3://{self.folder.bucket}/{prefix}"):
            return [each.key.removeprefix(prefix) for each in large.listed(self.folder.bucket, prefix)]


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with its digest, so that a change of it is seen."""
    return {**document, "digest": digest(document)}


def is_sealed(document: Any) -> bool:
    """Whether this is a JSON object as `sealed` made it."""
    if not isinstance(document, dict) or "digest" not in document:
        return False
    return bool(document["digest"] == digest({name: document[name] for name in document if name != "digest"}))


def digest(document: Any) -> str:
    """Return what tells a JSON document from others: its SHA-256, in hexadecimal."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
