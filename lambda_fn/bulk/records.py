"""The records of finished chunks, compared with what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambda_fn.bulk.failures import RefusedError, asking
from lambda_fn.bulk.run import PART, SUCCESS, Chunk, Run, is_sealed
from lambda_fn.storage import large
from lambda_fn.storage.large import Object

READERS = 32
ASIDE = "quarantine/"
"""Where, among what is no output, workers write the rows that are refused."""


def whole(run: Run, chunks: Sequence[Chunk]) -> dict[str, dict[str, Any]]:
    """Return the record of each chunk that is done, by its name: what it tells of is there.

    Where that is less than all of a run's chunks, ``_SUCCESS.json`` is deleted: it tells of more.
    """
    folder = run.folder
    with asking(folder.uri):
        success = large.find(folder.bucket, folder.prefix + SUCCESS)  # one that comes later tells of what is compared
        outputs = {each.key: each for each in large.listed(folder.bucket, folder.prefix + PART)}
        aside = {each.key: each for each in large.listed(folder.bucket, folder.state(ASIDE))}
    names = run.done() & {chunk.name for chunk in chunks}
    by_name = {chunk.name: chunk for chunk in chunks}
    with ThreadPoolExecutor(READERS) as readers:
        records = dict(zip(names, readers.map(lambda name: _read(run, name), names), strict=True))
    there = {**outputs, **aside}
    found = {name: record for name, record in records.items() if is_whole(run, by_name[name], record, there)}
    if success is not None and len(found) < len(chunks):
        withdraw(run)
    return found


def withdraw(run: Run) -> None:
    """Delete ``_SUCCESS.json``."""
    with asking(f"{run.folder.uri}{SUCCESS}"):
        large.delete(run.folder.bucket, run.folder.prefix + SUCCESS)


def done(run: Run, chunk: Chunk) -> dict[str, Any] | None:
    """Return the record of a chunk; None if it is not done, or what was written is not there any more."""
    record, folder = _read(run, chunk.name), run.folder
    if record is None:  # most are not: nothing is to be looked for
        return None
    with asking(folder.uri):
        keys = [folder.prefix + chunk.output, aside_key(run, chunk)]
        found = [large.find(folder.bucket, key) for key in keys]
    there = {each.key: each for each in found if each is not None}
    return record if is_whole(run, chunk, record, there) else None


def is_whole(run: Run, chunk: Chunk, record: Mapping[str, Any] | None, there: Mapping[str, Object]) -> bool:
    """Whether a record is that of a chunk, and what it tells of is `there`, by key, as it tells."""
    if record is None:
        return False
    output, aside = run.folder.prefix + chunk.output, record["aside"]
    return (
        record["output"] == output
        and _is_there(output, record["bytes_out"], record["etag"], there)
        and (aside is None or _is_there(aside_key(run, chunk), aside["bytes"], aside["etag"], there))
    )


def aside_key(run: Run, chunk: Chunk) -> str:
    """Return where the worker of a chunk writes the rows that are refused."""
    return run.folder.state(f"{ASIDE}{chunk.name}.jsonl")


def _is_there(key: str, size: int, etag: str, there: Mapping[str, Object]) -> bool:
    return key in there and (there[key].size, there[key].etag) == (size, etag)


def _read(run: Run, name: str) -> Any:
    """Return a record; None if there is none, or it can't be read: the chunk is scored again."""
    try:
        record = run.folder.read(run.folder.state(f"done/{name}.json"))
    except RefusedError:
        return None
    return record if is_sealed(record) else None
