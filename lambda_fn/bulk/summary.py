"""What came of a run, counted from what is there: never from what was meant to be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from lambda_fn.bulk import prices, records
from lambda_fn.bulk.failures import IncompleteError, RefusedError, asking
from lambda_fn.bulk.options import moment, prefix
from lambda_fn.bulk.run import QUARANTINE, SUCCESS, Chunk, Folder, Run
from lambda_fn.storage import large
from lambda_fn.storage.large import Comparison, Object, Upload

OF_THE_RUN = ("run", "status", "input", "output", "model", "rows", "chunks", "failed", "bytes", "outputs", "quarantine")
"""What all summaries of a run that is whole have in common."""
ASKERS = 16
"""How many chunks are asked about at once."""
NAMED = 20
"""How many failed chunks the error names; the summary names all."""


def summarize(event: dict[str, Any]) -> dict[str, Any]:
    """Write the summary of an execution, and ``_SUCCESS.json`` if all is there; return it in short.

    Raises IncompleteError if it is not.
    """
    run = Run.get(Folder.of(prefix("output", event["output"])))
    if run.id != event["run"]:
        raise RefusedError(f"{run.folder.uri} holds the run {run.id}, asked is for {event['run']}")
    folder, chunks = run.folder, run.read_manifest()
    done = records.whole(run, chunks)
    left = [chunk for chunk in chunks if chunk.name not in done]
    failed = _failed(run, event["execution"], left, event.get("stopped"))
    quarantine: list[dict[str, Any]] = []
    if not failed:
        quarantine, failed = _set_aside(run, chunks, done)
        if failed:
            records.withdraw(run)
    without = {each["chunk"] for each in failed}
    told = [done[chunk.name] for chunk in chunks if chunk.name not in without]
    summary = _summary(run, event, told, failed, quarantine)
    folder.write(folder.state(f"executions/{event['execution']}.json"), summary)
    if failed:
        names = ", ".join(f"{each['chunk']} ({each['error']})" for each in failed[:NAMED])
        raise IncompleteError(f"{len(failed)} of {len(chunks)} chunks are not done: {names}"[:8000])
    if not folder.write(folder.prefix + SUCCESS, summary, once=True):
        there = folder.read(folder.prefix + SUCCESS)
        if not isinstance(there, dict) or any(there.get(name) != summary[name] for name in OF_THE_RUN):
            raise RefusedError(f"{folder.uri}{SUCCESS} is there, and tells of something else: delete it, and resume")
    return {name: summary[name] for name in ("status", "run", "rows", "chunks", "seconds", "cost_usd")}


def note(event: dict[str, Any]) -> None:
    """Write down the error that the state machine caught of a chunk."""
    folder, chunk = Folder.of(prefix("output", event["output"])), Chunk.read(event["chunk"])
    told = event["note"] if isinstance(event["note"], dict) else {"Error": "NotScored", "Cause": str(event["note"])}
    folder.write(folder.state(f"failed/{chunk.name}.json"), {**told, "execution": event["execution"]})


def _failed(run: Run, execution: str, chunks: Sequence[Chunk], stopped: Any) -> list[dict[str, Any]]:
    """Return what is known of chunks that are not done: the error that the state machine caught in this execution."""
    noted = set(run.names("failed/")) if chunks else set()
    why = stopped.get("Error") if isinstance(stopped, dict) else None
    unknown = {"Error": "NotScored", "Cause": why or "it was not begun, or its worker was lost"}

    def told(chunk: Chunk) -> dict[str, Any]:
        note = _read_note(run, chunk) if f"{chunk.name}.json" in noted else None
        return note if isinstance(note, dict) and note.get("execution") in (None, execution) else unknown

    with ThreadPoolExecutor(ASKERS) as askers:
        notes = zip(chunks, askers.map(told, chunks), strict=True)
        return [_failure(chunk, str(note.get("Error")), _cause(note.get("Cause"))) for chunk, note in notes]


def _failure(chunk: Chunk, error: str, cause: str) -> dict[str, Any]:
    where = {"chunk": chunk.name, "object": chunk.object.uri, "bytes": [chunk.begin, chunk.end]}
    return {**where, "error": error, "cause": cause}


def _read_note(run: Run, chunk: Chunk) -> Any:
    try:
        return run.folder.read(run.folder.state(f"failed/{chunk.name}.json"))
    except RefusedError as error:  # that it can't be read is what is known
        return {"Error": "NotScored", "Cause": str(error)}


def _cause(text: Any) -> str:
    """Return the message in what Lambda tells of an exception, which is JSON; or else what there is."""
    try:
        document = json.loads(text)
    except (TypeError, ValueError):
        return str(text)
    return str(document.get("errorMessage", text)) if isinstance(document, dict) else str(text)


def _set_aside(
    run: Run, chunks: list[Chunk], done: dict[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Write the refused rows where whoever asked looks for them, each with its line in the object.

    Return the files, and what failed.
    """
    if run.options.on_error != "quarantine":
        return [], []
    above, lines, of = [], 0, ""
    for chunk in chunks:
        lines, of = (lines if chunk.object.uri == of else 0), chunk.object.uri
        if done[chunk.name]["refused"]:
            above.append((chunk, lines))
        lines += done[chunk.name]["lines"]
    failed: list[dict[str, Any]] = []

    def copy(chunk: Chunk, lines: int) -> dict[str, Any]:
        try:
            return _copy(run, chunk, lines, done[chunk.name]["refused"])
        except IncompleteError as error:
            failed.append(_failure(chunk, type(error).__name__, str(error)))
            return {}

    with ThreadPoolExecutor(ASKERS) as askers:
        files = list(askers.map(lambda each: copy(*each), above))
    return ([], sorted(failed, key=lambda each: str(each["chunk"]))) if failed else (files, [])


def _copy(run: Run, chunk: Chunk, above: int, refused: int) -> dict[str, Any]:
    """Write the refused rows of a chunk, in front of which its object has so many lines; return the file.

    Raises IncompleteError if they are not all there, or others are.
    """
    key = f"{run.folder.prefix}{QUARANTINE}{chunk.output.partition('.')[0]}.jsonl"
    with asking(run.folder.uri):
        aside = large.find(run.folder.bucket, records.aside_key(run, chunk))
        upload = Upload(run.folder.bucket, key)
        count = _write_lines(_numbered(aside, above), upload)
        if count != refused:
            upload.abort()
            raise IncompleteError(f"{count} of {refused} refused rows of chunk {chunk.name} are there")
        is_own = upload.finish()
        there = large.find(run.folder.bucket, key) or Object(run.folder.bucket, key, 0, "")
        if not is_own:  # another summary was sooner
            compared = Comparison(there)
            _write_lines(_numbered(aside, above), compared)
            if not compared.finish():
                raise IncompleteError(f"{key} has other refused rows than chunk {chunk.name}: delete it, and resume")
    return {"key": key, "rows": refused, "bytes": there.size, "etag": there.etag}


def _write_lines(lines: Iterable[bytes], target: Upload | Comparison) -> int:
    """Write lines; return how many they are."""
    count = 0
    for line in lines:
        target.write(line)
        count += 1
    return count


def _numbered(aside: large.Object | None, lines: int) -> Iterator[bytes]:
    """Yield the refused rows of a chunk, in front of which the object has so many lines."""
    rest = b""
    if aside is None:
        return
    for piece in large.stream(aside, 0, aside.size):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            try:
                refused = json.loads(line)
            except ValueError as error:
                raise IncompleteError(f"{aside.uri} was changed: {error}") from error
            if "line" in refused:
                refused["line"] += lines
            yield json.dumps(refused, ensure_ascii=False).encode() + b"\n"


def _summary(
    run: Run,
    event: dict[str, Any],
    records: list[dict[str, Any]],
    failed: list[dict[str, Any]],
    quarantine: list[dict[str, Any]],
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
        "cost_usd": prices.cost(seconds, memory, count, size),
        "outputs": [
            {"key": each["output"], "rows": each["out"], "bytes": each["bytes_out"], "etag": each["etag"]}
            for each in records
        ],
        "quarantine": quarantine,
    }
