"""A table becomes chunks, a run is written down: what is scored, by which model, to which names."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from lambda_fn.bulk import pinned, prices, records
from lambda_fn.bulk.columns import columns_of
from lambda_fn.bulk.failures import RefusedError, asking
from lambda_fn.bulk.formats import PACKED, format_of
from lambda_fn.bulk.inputs import LOOKERS, Table, objects, table_of
from lambda_fn.bulk.options import Options, moment, prefix
from lambda_fn.bulk.run import PART, RUN, STATE, Chunk, Folder, Run, digest, manifest_of
from lambda_fn.config import Settings
from lambda_fn.errors import listed
from lambda_fn.model.card import Card
from lambda_fn.record import Record
from lambda_fn.storage import large

MOST_NOTES = 20
"""How many notes a dry run tells: those of 100,000 objects are more than a function answers."""
WORKER_SECONDS = 900
"""After which Lambda ends a worker."""


class Plan(Record):
    """What a request leads to."""

    run: Run
    chunks: list[Chunk]
    notes: list[str]


def start(request: Any, execution: str, started: str, settings: Settings) -> dict[str, Any]:
    """Plan a run and write it down, or take up the one that is there; return what the state machine goes on with.

    Raises RefusedError for a request, a table or a model that is wrong, and an output prefix that holds something else.
    """
    if isinstance(request, dict) and "resume" in request:
        members = dict(request)
        run = Run.get(Folder.of(prefix("resume", members.pop("resume"))))
        options, chunks = run.options.changed(members), run.read_manifest()
    else:
        options = Options.parse(request)
        planned = _write_down(options, settings)
        run, chunks = planned.run, planned.chunks
    done = records.whole(run, chunks)
    left = [chunk for chunk in chunks if chunk.name not in done]
    manifest = run.manifest
    if 0 < len(left) < len(chunks):
        manifest = f"manifest-{execution}.jsonl"
        _write_manifest(run.folder, manifest, left)
    begun = moment(started) or datetime.now(UTC)
    return {
        "output": run.options.output,
        "run": run.id,
        "execution": execution,
        "chunks": len(left),
        "manifest": {"bucket": run.folder.bucket, "key": run.folder.state(manifest)},
        "concurrency": options.concurrency,
        "tolerated_failures": int(len(left) * options.tolerated_failure_percentage / 100),
        "deadline": (begun + timedelta(seconds=options.deadline_seconds)).isoformat(),
    }


def estimate(request: Any, settings: Settings) -> dict[str, Any]:
    """Return what a request would lead to, about how long it takes and what it costs; write nothing.

    Raises RefusedError as `start` does.
    """
    options = Options.parse(request)
    _, model, whose = pinned.published(options.model, settings)
    made = _plan(options, model.card, model.has_probabilities, whose)
    run, memory = made.run, prices.memory_mb("SCORE_MEMORY")
    _held(run)
    rows = run.rows_about / max(1, run.bytes)
    taken = [_seconds(each, rows, memory) for each in made.chunks]
    work = sum(taken)
    notes = [*_too_long(made.chunks, taken), *made.notes]
    more = len(notes) - MOST_NOTES
    return {
        "objects": run.objects,
        "chunks": run.chunks,
        "bytes": run.bytes,
        "rows": run.rows_about,
        "seconds": round(max([work / options.concurrency, *taken]), 1),
        "cost_usd": prices.cost(work, memory, run.chunks, run.bytes)["total"],
        "notes": notes[:MOST_NOTES] + ([f"and {more:,} more notes"] if more > 0 else []),
        "model": {name: whose[name] for name in ("name", "version", "sha256")},
    }


def _seconds(chunk: Chunk, rows: float, memory: int) -> float:
    """Return about how many seconds a chunk takes that has so many rows a byte; unpacked, three times the bytes."""
    size = chunk.end - chunk.begin
    unpacked = size * (3 if chunk.packed else 1)
    return prices.START_SECONDS + prices.seconds_of(chunk.format, rows * size, unpacked, memory)


def _too_long(chunks: Sequence[Chunk], taken: Sequence[float]) -> Iterator[str]:
    """Yield a note if chunks take longer than a worker may."""
    if long := sum(each > WORKER_SECONDS for each in taken):
        longest, chunk = max(zip(taken, chunks, strict=True), key=lambda each: each[0])
        yield (
            f"{long:,} of {len(chunks):,} chunks take more than the {WORKER_SECONDS // 60} minutes of a function, the"
            f" longest, of {chunk.object.uri}, about {longest / 60:,.0f}: give a smaller chunk_mb, split what is packed"
        )


def _write_down(options: Options, settings: Settings) -> Plan:
    """Return the plan for a request, written down; the one that is there already if it is the same."""
    data, model, whose = pinned.published(options.model, settings)
    made = _plan(options, model.card, model.has_probabilities, whose)
    run, folder = made.run, made.run.folder
    there = _held(run)
    if there is None:
        pinned.keep(folder, data, model, whose["uri"], settings.max_model_bytes)
        _write_manifest(folder, run.manifest, made.chunks)
        if folder.write(folder.state(RUN), run.document(), once=True):
            return made
        there = _same(Run.get(folder), run)  # another execution was sooner
    return Plan(there, there.read_manifest(), made.notes)


def _held(run: Run) -> Run | None:
    """Return the run where it is written down already, None where nothing is; raise RefusedError for anything else."""
    folder = run.folder
    there = Run.load(folder)
    if there is not None:
        return _same(there, run)
    with asking(folder.uri):
        for found in large.listed(folder.bucket, folder.prefix):
            if not found.key.startswith(folder.state("")) and found.key != folder.prefix:
                raise RefusedError(f"{folder.uri} is not empty, it holds {found.key!r}: give a prefix that is")
    return None


def _same(there: Run, run: Run) -> Run:
    """Return the run that an output prefix holds; raise RefusedError if it is not the one that is asked for."""
    if there.id != run.id:
        raise RefusedError(
            f"{run.folder.uri} holds the run {there.id} of {there.options.input} by the model"
            f" {there.model['sha256'][:12]}, asked is for {run.id} of {run.options.input} by"
            f" {run.model['sha256'][:12]}: give another prefix"
        )
    return there


def _write_manifest(folder: Folder, name: str, chunks: Sequence[Chunk]) -> None:
    with asking(f"{folder.uri}{STATE}{name}"):
        large.put(folder.bucket, folder.state(name), manifest_of(chunks))


def _plan(options: Options, card: Card, has_probabilities: bool, whose: dict[str, str]) -> Plan:
    """Return the run and its chunks."""
    columns = columns_of(options.columns, card, has_probabilities)
    found, notes = objects(options)
    npy = [each.key for each in found if (options.output_format or format_of(each.key, options.format)[0]) == "npy"]
    if columns.keys and npy:
        raise RefusedError(f"NPY holds scores alone, not {listed(columns.keys)}: {npy[0]!r} would be written so")
    with ThreadPoolExecutor(LOOKERS) as lookers:
        tables = list(lookers.map(lambda each: table_of(each, options, card), found))
    model = {name: whose[name] for name in ("name", "version", "sha256")}
    lasting = {**options.lasting(), "model": model["sha256"], "objects": [(each.key, each.etag) for each in found]}
    identity = digest(lasting)[:16]
    chunks = list(_chunks(tables, options, model["sha256"], identity))
    run = Run(
        identity,
        options,
        model,
        f"manifest-{identity}.jsonl",
        hashlib.sha256(manifest_of(chunks)).hexdigest(),
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        len(chunks),
        len(tables),
        sum(table.object.size for table in tables),
        sum(table.rows_about for table in tables),
    )
    return Plan(run, chunks, notes + [table.note for table in tables if table.note])


def _chunks(tables: Sequence[Table], options: Options, sha256: str, identity: str) -> Iterator[Chunk]:
    """Yield the chunks, each with the name of its output."""
    digits = max(5, len(str(sum(len(table.borders) + 1 for table in tables))))
    number = 0
    for table in tables:
        kind = options.output_format or table.format
        ending = f".{kind}{PACKED if options.gzip else ''}"
        bounds = [0, *table.borders, table.object.size]
        for begin, end in pairwise(bounds):
            name = f"{number:0{digits}d}"
            whose = digest([identity, table.object.uri, table.object.etag, begin, end])[:8]
            output = f"{PART}{name}-{whose}-{sha256[:12]}{ending}"
            found = table.object
            yield Chunk(
                *(name, found.bucket, found.key, found.size, found.etag, table.format, table.packed, begin, end),
                *(table.head, output),
            )
            number += 1
