"""One chunk: its rows are read, scored and written as they come; a record of it says when it is done."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.bulk import pinned, prices, records
from lambda_fn.bulk.columns import columns_of
from lambda_fn.bulk.failures import DeadlineError, PassingError, RefusedError, asking
from lambda_fn.bulk.formats import reader
from lambda_fn.bulk.options import moment, prefix
from lambda_fn.bulk.outputs import OUTPUTS, NpyOutput, Output, packed
from lambda_fn.bulk.refusals import parts_of, reason
from lambda_fn.bulk.run import Chunk, Folder, Run
from lambda_fn.errors import ServiceError
from lambda_fn.storage import large
from lambda_fn.storage.large import Object, Upload

if TYPE_CHECKING:
    from lambda_fn.bulk.block import Block

LEFT_MS = 10_000
"""A chunk is given up when so little of the function's timeout is left: what it wrote is then cleaned away."""
AHEAD = 2
"""How many blocks, beside one for each thread, are read before they are scored."""


class Scored:
    """What came of a block of `rows`: the bytes of those that are written, how many they are, each that is refused."""

    __slots__ = ("data", "lines", "out", "refused", "rows")

    def __init__(self, block: Block, data: bytes = b"", out: int = 0, refused: Sequence[dict[str, Any]] = ()) -> None:
        self.rows, self.lines = len(block.rows), block.lines
        self.data, self.out, self.refused = data, out, refused


class Worker:
    """What all chunks of a run have in common."""

    def __init__(self, run: Run) -> None:
        """Load the model of a run."""
        self.run, self.model = run, pinned.loaded(run)
        self.columns = columns_of(run.options.columns, self.model.card, self.model.has_probabilities)

    def output(self, kind: str) -> Output:
        """Return what writes a format."""
        output = OUTPUTS[kind](self.columns, self.model.card)
        if isinstance(output, NpyOutput) and self.model.card.examples:  # where no row comes, they tell the type
            rows = np.array(self.model.card.examples, np.float64)
            output.rows(None, 0, len(rows), self.model.score(rows, 1, bool(self.columns.classes)))
        return output

    def scored(self, block: Block, output: Output) -> Scored:
        """Return the rows of a block as they are written; raise RefusedError if one is refused, and none may be."""
        data, out, refused = [], 0, []
        for part in parts_of(block, self.model, output, bool(self.columns.classes)):
            if part.scores is not None:
                data.append(output.rows(block, part.begin, part.end, part.scores))
                out += part.end - part.begin
            elif part.error is not None:
                refused.append(self._refusal(block, part.begin, part.error))
        text = b"".join(data)
        return Scored(block, packed(text) if self.run.options.gzip and text else text, out, refused)

    def _refusal(self, block: Block, row: int, error: ServiceError) -> dict[str, Any]:
        where = block.where(row)
        if self.run.options.on_error == "fail":
            told = ", ".join(f"{name} {number}" for name, number in where.items())
            raise RefusedError(f"{told} of its chunk: {error.problem.code}: {reason(error)}")
        if self.run.options.on_error == "skip":
            return {}
        return {**where, "code": error.problem.code, "reason": reason(error), **_as_it_was(block.text(row))}


def score(item: dict[str, Any], left_ms: Callable[[], int], threads: int) -> dict[str, Any]:
    """Score a chunk unless it is done, and return its record in short.

    left_ms: how many milliseconds are left of the function's timeout.
    Raises RefusedError, DeadlineError and PassingError.
    """
    begun, folder, chunk = time.monotonic(), Folder.of(prefix("output", item["output"])), Chunk.read(item["chunk"])
    worker = _worker(folder, item["run"])
    record = records.done(worker.run, chunk)
    if record is not None:
        return _short(record)
    deadline = moment(item["deadline"])
    if deadline is not None and datetime.now(UTC) > deadline:
        raise DeadlineError(f"the deadline of the execution, {item['deadline']}, is over")
    record = _write(worker, chunk, left_ms, threads)
    record["seconds"] = round(time.monotonic() - begun, 3)
    folder.write(folder.state(f"done/{chunk.name}.json"), record)
    return _short(record)


@lru_cache(maxsize=1)
def _worker(folder: Folder, identity: str) -> Worker:
    run = Run.get(folder)
    if run.id != identity:
        raise RefusedError(f"{folder.uri} holds the run {run.id}, asked is for {identity}")
    return Worker(run)


def _write(worker: Worker, chunk: Chunk, left_ms: Callable[[], int], threads: int) -> dict[str, Any]:
    """Write the output of a chunk, and aside what is refused; return the record."""
    run, folder, uri = worker.run, worker.run.folder, chunk.object.uri
    output = worker.output(run.options.output_format or chunk.format)
    upload = Upload(folder.bucket, folder.prefix + chunk.output)
    aside = Upload(folder.bucket, records.aside_key(run, chunk))
    rows, out, refused, lines = 0, 0, 0, 0
    try:
        for scored in _all(worker, chunk, output, threads):
            if left_ms() < LEFT_MS:
                raise DeadlineError(
                    "the function's timeout is nearly over: plan smaller chunks, or give it more memory"
                )
            with asking(folder.uri):
                upload.write(scored.data)
                if run.options.on_error == "quarantine":
                    aside.write(b"".join(_line(uri, each) for each in scored.refused))
            rows, lines = rows + scored.rows, lines + scored.lines
            out, refused = out + scored.out, refused + len(scored.refused)
        if rows != out + refused:
            raise RefusedError(f"{rows} rows were read, {out} written and {refused} refused: please report it")
        head, refusals = output.head(out), None
        with asking(folder.uri):
            if refused and run.options.on_error == "quarantine":
                refusals = _finished(aside, b"")
            written = _finished(upload, packed(head) if run.options.gzip and head else head)
    except BaseException as error:
        upload.abort()
        aside.abort()
        if isinstance(error, ServiceError | RefusedError | DeadlineError):
            told = error.told if isinstance(error, ServiceError) else str(error)
            kind = DeadlineError if isinstance(error, DeadlineError) else RefusedError
            raise kind(f"{uri}, bytes {chunk.begin} to {chunk.end}: {told}") from error
        raise
    return {
        "chunk": chunk.name,
        "object": uri,
        "rows": rows,
        "out": out,
        "refused": refused,
        "lines": lines,
        "output": folder.prefix + chunk.output,
        "bytes_in": chunk.end - chunk.begin,
        "bytes_out": written.size,
        "etag": written.etag,
        "aside": None if refusals is None else {"bytes": refusals.size, "etag": refusals.etag},
        "memory_mb": prices.memory_mb(),
        "sha256": worker.model.sha256,
    }


def _finished(upload: Upload, head: bytes) -> Object:
    """Return what was written; what another worker wrote of the same chunk, which has to be as large."""
    is_own = upload.finish(head)
    found = large.find(upload.bucket, upload.key)
    if found is None:
        raise PassingError(f"s3://{upload.bucket}/{upload.key} was written, and is not there")
    if not is_own and found.size != upload.bytes:
        raise RefusedError(f"{found.uri} is there already, and has other bytes than this run's: delete it, and resume")
    return found


def _all(worker: Worker, chunk: Chunk, output: Output, threads: int) -> Iterator[Scored]:
    """Yield what comes of each block of a chunk, in order; some are read ahead, and scored by several `threads`."""
    card, options = worker.model.card, worker.run.options
    blocks = reader(chunk.format).blocks(chunk, card, options)
    waiting: deque[Future[Scored]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for block in blocks:
                if not len(block.rows):
                    yield Scored(block)  # in any order: it has nothing
                    continue
                waiting.append(pool.submit(worker.scored, block, output))
                if len(waiting) >= threads + AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _as_it_was(row: bytes) -> dict[str, str]:
    """Return a row as JSON can have it to the byte."""
    try:
        return {"text": row.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(row).decode()}


def _line(uri: str, refused: dict[str, Any]) -> bytes:
    return json.dumps({"object": uri, **refused}, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _short(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("chunk", "rows", "out", "refused")}
