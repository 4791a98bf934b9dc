"""A table becomes chunks, a run is written down: what is scored, by which model, to which names."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from lambda_fn.bulk import npy_table, pinned, prices, records
from lambda_fn.bulk.blocks import MOST_ROW_BYTES
from lambda_fn.bulk.borders import even, next_line, next_row
from lambda_fn.bulk.columns import columns_of
from lambda_fn.bulk.failures import RefusedError, asking
from lambda_fn.bulk.formats import ENDINGS, PACKED, format_of, reader
from lambda_fn.bulk.options import Options, moment, prefix
from lambda_fn.bulk.row_ends import row_ends
from lambda_fn.bulk.run import PART, STATE, Chunk, Folder, Run, digest
from lambda_fn.bulk.source import start_of
from lambda_fn.codecs.csv_rows import BOM
from lambda_fn.codecs.csv_slices import separators
from lambda_fn.config import Settings, location
from lambda_fn.errors import listed
from lambda_fn.model.card import Card
from lambda_fn.record import Record
from lambda_fn.storage import large
from lambda_fn.storage.large import Object

START_BYTES = 2**17
"""How much of an object is looked at: its header, and rows by which all are estimated."""
MB = 1e6
LOOKERS = 16
MOST_CHUNKS = 100_000
"""What all children answer is one state of 256 KB: a digit and a comma each."""
SMALL = 1.5
"""Up to so many times a chunk's size an object is one chunk."""


class Table(Record):
    """An object that is to be scored: its format, its chunks' borders, about how many rows it has."""

    object: Object
    format: str
    packed: bool
    head: int
    borders: tuple[int, ...]
    rows_about: int
    note: str


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
        "bucket": run.folder.bucket,
        "state": run.folder.state(""),
        "chunks": len(left),
        "manifest": {"bucket": run.folder.bucket, "key": run.folder.state(manifest)},
        "concurrency": options.concurrency,
        "tolerated_failure_percentage": options.tolerated_failure_percentage,
        "deadline": (begun + timedelta(seconds=options.deadline_seconds)).isoformat(),
    }


def estimate(request: Any, settings: Settings) -> dict[str, Any]:
    """Return what a request would lead to, about how long it takes and what it costs; write nothing."""
    options = Options.parse(request)
    _, model, whose = pinned.published(options.model, settings)
    made = _plan(options, model.card, model.has_probabilities, whose)
    run, memory = made.run, prices.memory_mb("SCORE_MEMORY")
    sizes: dict[str, int] = {}
    for chunk in made.chunks:
        sizes[chunk.format] = sizes.get(chunk.format, 0) + chunk.end - chunk.begin
    work = prices.seconds_of(sizes, memory) + prices.START_SECONDS * run.chunks
    longest = max(
        (prices.seconds_of({each.format: each.end - each.begin}, memory) for each in made.chunks), default=0.0
    )
    rounds = -(-run.chunks // options.concurrency)
    seconds = max(work / options.concurrency, longest) + prices.START_SECONDS * max(1, rounds)
    puts = run.chunks * 4 + int(run.bytes / large.PART_BYTES)
    return {
        "objects": run.objects,
        "chunks": run.chunks,
        "bytes": run.bytes,
        "rows": run.rows_about,
        "seconds": round(seconds, 1),
        "cost_usd": prices.cost(work, memory, run.chunks, run.chunks * 5, puts)["total"],
        "notes": made.notes,
        "model": {name: whose[name] for name in ("name", "version", "sha256")},
    }


def _write_down(options: Options, settings: Settings) -> Plan:
    """Return the plan for a request, written down; the one that is there already if it is the same."""
    data, model, whose = pinned.published(options.model, settings)
    made = _plan(options, model.card, model.has_probabilities, whose)
    run, folder = made.run, made.run.folder
    there = Run.load(folder)
    if there is None:
        _check_empty(folder)
        pinned.keep(folder, data, model, whose["uri"], settings.max_model_bytes)
        _write_manifest(folder, run.manifest, made.chunks)
        if folder.write(folder.state("run.json"), run.document(), once=True):
            return made
        there = Run.get(folder)  # another execution was sooner
    if there.id != run.id:
        raise RefusedError(
            f"{folder.uri} holds the run {there.id} of {there.options.input} by the model {there.model['sha256'][:12]},"
            f" asked is for {run.id} of {options.input} by {run.model['sha256'][:12]}: give another prefix"
        )
    return Plan(there, there.read_manifest(), made.notes)


def _check_empty(folder: Folder) -> None:
    with asking(folder.uri):
        for found in large.listed(folder.bucket, folder.prefix):
            if not found.key.startswith(folder.state("")) and found.key != folder.prefix:
                raise RefusedError(f"{folder.uri} is not empty, it holds {found.key!r}: give a prefix that is")


def _write_manifest(folder: Folder, name: str, chunks: Sequence[Chunk]) -> None:
    with asking(f"{folder.uri}{STATE}{name}"):
        large.put(folder.bucket, folder.state(name), b"".join(chunk.line() for chunk in chunks))


def _plan(options: Options, card: Card, has_probabilities: bool, whose: dict[str, str]) -> Plan:
    """Return the run and its chunks."""
    columns = columns_of(options.columns, card, has_probabilities)
    found, notes = _objects(options)
    _check_amount(found, options)
    npy = [each.key for each in found if (options.output_format or format_of(each.key, options.format)[0]) == "npy"]
    if columns.keys and npy:
        raise RefusedError(f"NPY holds scores alone, not {listed(columns.keys)}: {npy[0]!r} would be written so")
    with ThreadPoolExecutor(LOOKERS) as lookers:
        tables = list(lookers.map(lambda each: _table(each, options, card), found))
    model = {name: whose[name] for name in ("name", "version", "sha256")}
    lasting = {**options.lasting(), "model": model["sha256"], "objects": [(each.key, each.etag) for each in found]}
    identity = digest(lasting)[:16]
    chunks = list(_chunks(tables, options, model["sha256"], identity))
    run = Run(
        identity,
        options,
        model,
        f"manifest-{identity}.jsonl",
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        len(chunks),
        len(tables),
        sum(table.object.size for table in tables),
        sum(table.rows_about for table in tables),
    )
    return Plan(run, chunks, notes + [table.note for table in tables if table.note])


def _objects(options: Options) -> tuple[list[Object], list[str]]:
    """Return the objects of the input, in the order of their keys, and notes; raise RefusedError if there is none."""
    bucket, key = location(options.input)
    output = Folder.of(options.output)
    with asking(options.input):
        if not key.endswith("/"):
            one = large.find(bucket, key)
            if one is None:
                raise RefusedError(f"there is no object at {options.input}; a prefix ends with a slash")
            found = [one]
        else:
            found = [each for each in large.listed(bucket, key) if not each.key.endswith("/")]
    if bucket == output.bucket:
        found = [each for each in found if not each.key.startswith(output.prefix)]
    everything = len(found)
    found = [each for each in found if not (key.endswith("/") and _is_hidden(each.key[len(key) :]))]
    hidden = everything - len(found)
    if not found:
        raise RefusedError(f"there is no object under {options.input}")
    strange = [each.key for each in found if not format_of(each.key, options.format)[0]]
    if strange:
        raise RefusedError(
            f"{len(strange)} of {len(found)} objects end with none of {', '.join(ENDINGS)} (and {PACKED}), the first is"
            f" {strange[0]!r}: give `format` if they are one of them. Parquet is read by the command, from a local file"
        )
    notes = [f"{hidden} objects are left out, whose names begin with _ or a dot"] if hidden else []
    return found, notes


def _check_amount(found: Sequence[Object], options: Options) -> None:
    """Raise RefusedError for more chunks than a run has, before borders are looked for."""
    size = options.chunk_mb * MB
    count = sum(max(1, round(each.size / size)) if size else 1 for each in found)
    if count > MOST_CHUNKS:
        raise RefusedError(
            f"{options.input} makes about {count:,} chunks of {len(found):,} objects, at most {MOST_CHUNKS:,} are:"
            " give a larger chunk_mb, or a prefix of fewer objects"
        )


def _is_hidden(name: str) -> bool:
    """Whether a name is one that Hive, Spark and Athena pass over, too."""
    return any(part.startswith(("_", ".")) for part in name.split("/"))


def _table(found: Object, options: Options, card: Card) -> Table:
    """Return how an object is cut; raise RefusedError if it is no table for the model."""
    kind, packed = format_of(found.key, options.format)
    module = reader(kind)
    beginning, whole = start_of(found, packed=packed, size=START_BYTES)
    if kind == "csv" and not whole and not len(row_ends(beginning.removeprefix(BOM), False)):
        beginning, whole = start_of(found, packed=packed, size=MOST_ROW_BYTES)
    head = module.check_head(beginning, whole, card, options, found.uri)
    size, note = options.chunk_mb * MB, ""
    is_large = 0 < size * SMALL < found.size
    if kind == "npy":
        rows, borders = _npy(found, packed, beginning[:head], size if is_large else 0)
        if packed and npy_table.is_turned(beginning[:head]):
            raise RefusedError(f"{found.uri} is packed, and in Fortran's order: unpack it, or save it in C's")
    else:
        rows = _rows_about(beginning[head:], whole, found.size - head, packed)
        borders = _borders(found, kind, beginning[head:], head, size) if is_large and not packed else ()
        if is_large and not borders:
            reason = "it is packed" if packed else "its rows' ends are within quotes, or can't be told from those"
            note = f"{found.uri} goes as one chunk, streamed: {reason}"
    return Table(found, kind, packed, head, borders, rows, note)


def _npy(found: Object, packed: bool, head: bytes, size: float) -> tuple[int, tuple[int, ...]]:
    """Return how many rows an array has, and the borders of its chunks."""
    rows, width = npy_table.rows_in(head), npy_table.row_bytes(head)
    if not packed and found.size != len(head) + rows * width:
        raise RefusedError(
            f"{found.uri} has {found.size - len(head):,} bytes behind its header, which tells of {rows:,} times {width}"
        )
    if packed or not size or not width:
        return rows, ()
    cuts = (len(head) + round((at - len(head)) / width) * width for at in even(len(head), found.size, size))
    return rows, tuple(sorted(set(cuts) - {len(head), found.size}))


def _borders(found: Object, kind: str, rows: bytes, head: int, size: float) -> tuple[int, ...]:
    """Return where chunks of lines part; nowhere, if one of the places can't be told for sure."""
    places = list(even(head, found.size, size))
    rows = rows.lstrip(b"\r\n")
    commas = separators(rows[: row_ends(rows, True)[0]]) if kind == "csv" and rows else 0
    with ThreadPoolExecutor(LOOKERS) as lookers:
        if kind == "csv":
            cuts = list(lookers.map(lambda at: next_row(found, at, commas), places))
        else:
            cuts = list(lookers.map(lambda at: next_line(found, at), places))
    if None in cuts:
        return ()
    return tuple(sorted({cut for cut in cuts if cut is not None and head < cut < found.size}))


def _rows_about(rows: bytes, whole: bool, size: int, packed: bool) -> int:
    """Return about how many rows there are, by those at the begin; of a packed object three times its size in bytes."""
    lines = rows.count(b"\n") or (1 if rows else 0)
    if whole or not lines:
        return lines + (1 if whole and rows and not rows.endswith(b"\n") and b"\n" in rows else 0)
    return round((3 if packed else 1) * size * lines / len(rows))


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
