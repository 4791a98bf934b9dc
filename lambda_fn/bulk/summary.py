"""What came of a run, counted from what is there: never from what was meant to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lambda_fn.bulk import prices, records
from lambda_fn.bulk.failures import IncompleteError, RefusedError, asking
from lambda_fn.bulk.options import moment, prefix
from lambda_fn.bulk.run import QUARANTINE, SUCCESS, Chunk, Folder, Run
from lambda_fn.storage import large
from lambda_fn.storage.large import Upload

NAMED = 20
"""How many failed chunks the error names; the summary names all."""
GETS, PUTS = 5, 4
"""Requests to S3 for a chunk, beside one for each part of its output: record, run, model, rows; output, record."""


def summarize(event: dict[str, Any]) -> dict[str, Any]:
    """Write the summary of an execution, and ``_SUCCESS.json`` if all is there; return it in short.

    Raises IncompleteError if it is not.
    """
    run = Run.get(Folder.of(prefix("output", event["output"])))
    if run.id != event["run"]:
        raise RefusedError(f"{run.folder.uri} holds the run {run.id}, asked is for {event['run']}")
    folder, chunks = run.folder, run.read_manifest()
    done = records.whole(run, chunks)
    failed = _failed(run, [chunk for chunk in chunks if chunk.name not in done], event.get("stopped"))
    quarantine = [] if failed else _set_aside(run, chunks, done)
    summary = _summary(run, event, [done[chunk.name] for chunk in chunks if chunk.name in done], failed, quarantine)
    folder.write(folder.state(f"executions/{event['execution']}.json"), summary)
    if failed:
        names = ", ".join(f"{each['chunk']} ({each['error']})" for each in failed[:NAMED])
        raise IncompleteError(f"{len(failed)} of {len(chunks)} chunks are not done: {names}"[:8000])
    folder.write(folder.prefix + SUCCESS, summary, once=True)
    return {name: summary[name] for name in ("status", "run", "rows", "chunks", "seconds", "cost_usd")}


def note(event: dict[str, Any]) -> None:
    """Write down the error that the state machine caught of a chunk."""
    folder, chunk = Folder.of(prefix("output", event["output"])), Chunk.read(event["chunk"])
    folder.write(folder.state(f"failed/{chunk.name}.json"), event["note"])


def _failed(run: Run, chunks: list[Chunk], stopped: Any) -> list[dict[str, Any]]:
    """Return what is known of chunks that are not done: the last error that the state machine caught."""
    noted = set(run.names("failed/")) if chunks else set()
    why = stopped.get("Error") if isinstance(stopped, dict) else None
    found = []
    for chunk in chunks:
        note = _read_note(run, chunk) if f"{chunk.name}.json" in noted else None
        told = (
            note
            if isinstance(note, dict)
            else {"Error": "NotScored", "Cause": why or "it was not begun, or its worker was lost"}
        )
        found.append(
            {
                "chunk": chunk.name,
                "object": chunk.object.uri,
                "bytes": [chunk.begin, chunk.end],
                "error": str(told.get("Error")),
                "cause": _cause(told.get("Cause")),
            }
        )
    return found


def _read_note(run: Run, chunk: Chunk) -> Any:
    try:
        return run.folder.read(f"failed/{chunk.name}.json")
    except RefusedError as error:  # that it can't be read is what is known
        return {"Error": "NotScored", "Cause": str(error)}


def _cause(text: Any) -> str:
    """Return the message in what Lambda tells of an exception, which is JSON; or else what there is."""
    try:
        document = json.loads(text)
    except (TypeError, ValueError):
        return str(text)
    return str(document.get("errorMessage", text)) if isinstance(document, dict) else str(text)


def _set_aside(run: Run, chunks: list[Chunk], done: dict[str, dict[str, Any]]) -> list[str]:
    """Write the refused rows where whoever asked looks for them, each with its line in the object; return the keys."""
    written, lines, of = [], 0, ""
    for chunk in chunks:
        uri, record = chunk.object.uri, done[chunk.name]
        lines, of = (lines if uri == of else 0), uri
        if record["refused"] and run.options.on_error == "quarantine":
            key = f"{run.folder.prefix}{QUARANTINE}{chunk.output.partition('.')[0]}.jsonl"
            with asking(run.folder.uri):
                aside = large.find(run.folder.bucket, records.aside_key(run, chunk))
                upload, count = Upload(run.folder.bucket, key), 0
                for line in _numbered(aside, lines):
                    upload.write(line)
                    count += 1
                if count != record["refused"]:
                    upload.abort()
                    raise IncompleteError(
                        f"{count} of {record['refused']} refused rows of chunk {chunk.name} are there"
                    )
                if not upload.finish():  # another summary was sooner
                    there = large.find(run.folder.bucket, key)
                    if there is None or there.size != upload.bytes:
                        raise IncompleteError(
                            f"{key} has other refused rows than chunk {chunk.name}: delete it, and resume"
                        )
            written.append(key)
        lines += record["lines"]
    return written


def _numbered(aside: large.Object | None, lines: int) -> Iterator[bytes]:
    """Yield the refused rows of a chunk, in front of which the object has so many lines."""
    rest = b""
    if aside is None:
        return
    for piece in large.stream(aside, 0, aside.size):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            refused = json.loads(line)
            if "line" in refused:
                refused["line"] += lines
            yield json.dumps(refused, ensure_ascii=False).encode() + b"\n"


def _summary(
    run: Run,
    event: dict[str, Any],
    records: list[dict[str, Any]],
    failed: list[dict[str, Any]],
    quarantine: list[str],
) -> dict[str, Any]:
    """Return the summary of an execution."""
    finished = datetime.now(UTC)
    begun = moment(event.get("started")) or finished
    seconds = sum(record["seconds"] for record in records)
    memory = max((record["memory_mb"] for record in records), default=prices.memory_mb())
    size = sum(record["bytes_out"] for record in records)
    count = len(records)
    return {
        "run": run.id,
        "status": "INCOMPLETE" if failed else "SUCCEEDED",
        "execution": event["execution"],
        "input": run.options.input,
        "output": run.options.output,
        "model": run.model,
        "rows": {
            "in": sum(record["rows"] for record in records),
            "out": sum(record["out"] for record in records),
            "refused": sum(record["refused"] for record in records),
        },
        "chunks": {"planned": run.chunks, "done": count, "failed": len(failed)},
        "failed": failed,
        "started": event.get("started"),
        "finished": finished.isoformat(timespec="milliseconds"),
        "seconds": round((finished - begun).total_seconds(), 3),
        "worker_seconds": round(seconds, 3),
        "bytes": {"in": sum(record["bytes_in"] for record in records), "out": size},
        "cost_usd": prices.cost(seconds, memory, count, GETS * count, PUTS * count + size // large.PART_BYTES),
        "outputs": [{"key": each["output"], "rows": each["out"], "bytes": each["bytes_out"]} for each in records],
        "quarantine": quarantine,
    }
