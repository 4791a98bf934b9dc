"""One chunk: its rows are read, scored and written as they come; a record of it says when it is done."""

from __future__ import annotations

import csv
import json
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.bulk import pinned, prices, records
from lambda_fn.bulk.blocks import BLOCK_ROWS, MOST_ROW_BYTES
from lambda_fn.bulk.columns import columns_of
from lambda_fn.bulk.failures import DeadlineError, PassingError, RefusedError, asking
from lambda_fn.bulk.formats import reader
from lambda_fn.bulk.options import moment, prefix
from lambda_fn.bulk.outputs import OUTPUTS, NpyOutput, Output, packed
from lambda_fn.bulk.refusals import parts_of, reason
from lambda_fn.bulk.run import Chunk, Folder, Run, sealed
from lambda_fn.errors import ServiceError
from lambda_fn.storage import large
from lambda_fn.storage.large import Comparison, Object, Upload

if TYPE_CHECKING:
    from lambda_fn.bulk.block import Block

BLOCK_VALUES = 2**19
"""How many values, features and probabilities, are scored at once: as text, they take 20 bytes each and more."""
LEFT_MS = 10_000
"""A chunk is given up when so little of the function's timeout is left: what it wrote is then cleaned away."""
AHEAD = 2
"""How many times `most_rows`, beside one for each thread, are read before they are scored."""


WHOSE = {"line": "chunk", "byte": "object", "row": "array"}
"""Within what it is told where a row is."""


class Scored:
    """What came of some rows: what is written of them, and aside; how many were read, written, refused; their lines."""

    __slots__ = ("aside", "data", "lines", "out", "refused", "rows")

    def __init__(self, data: bytes, aside: bytes, rows: int, out: int, refused: int, lines: int) -> None:
        self.data, self.aside, self.rows, self.out, self.refused, self.lines = data, aside, rows, out, refused, lines


class Worker:
    """What all chunks of a run have in common.

    most_rows: how many rows are scored and written at once.
    """

    def __init__(self, run: Run) -> None:
        """Load the model of a run."""
        self.run, self.model = run, pinned.loaded(run)
        card = self.model.card
        self.columns = columns_of(run.options.columns, card, self.model.has_probabilities)
        width = len(card.features) + (len(card.classes) if self.columns.classes else 0)
        self.most_rows = min(BLOCK_ROWS, max(1, BLOCK_VALUES // width))

    def output(self, kind: str) -> Output:
        """Return what writes a format."""
        output = OUTPUTS[kind](self.columns, self.model.card)
        if isinstance(output, NpyOutput) and self.model.card.examples:  # where no row comes, they tell the type
            rows = np.array(self.model.card.examples, np.float64)
            output.rows(None, 0, len(rows), self.model.score(rows, 1, bool(self.columns.classes)))
        return output

    def scored(self, uri: str, block: Block, rows: range, output: Output) -> Scored:
        """Return some rows of a block as they are written; raise RefusedError if one is refused, and none may be."""
        data, aside, out, refused = [], [], 0, 0
        for part in parts_of(block, rows, self.model, output, bool(self.columns.classes)):
            if part.scores is not None:
                data.append(output.rows(block, part.begin, part.end, part.scores))
                out += part.end - part.begin
            elif part.error is not None:
                aside.append(self._refusal(uri, block, part.begin, part.error))
                refused += 1
        text = b"".join(data)
        packs = self.run.options.gzip and text
        lines = 0 if rows.start else block.lines
        return Scored(packed(text) if packs else text, b"".join(aside), len(rows), out, refused, lines)

    def _why(self, error: ServiceError) -> str:
        """Return in which column a row is refused, or what for: what stands there is for no log."""
        features = self.model.card.features
        if error.column is None or error.column >= len(features):
            return error.problem.title
        return f"column {error.column} ({features[error.column].name!r})"

    def _refusal(self, uri: str, block: Block, row: int, error: ServiceError) -> bytes:
        where = block.where(row)
        if self.run.options.on_error == "fail":
            told = ", ".join(f"{name} {number} of the {WHOSE[name]}" for name, number in where.items())
            raise RefusedError(f"{told}: {error.problem.code}: {self._why(error)}")
        if self.run.options.on_error == "skip":
            return b""
        why = {"code": error.problem.code, "reason": reason(error)}
        refusal = {"object": uri, **where, **why, **_as_it_was(block.text(row))}
        return json.dumps(refusal, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def score(item: dict[str, Any], left_ms: Callable[[], int], threads: int) -> dict[str, Any]:
    """Score a chunk unless it is done, and return its record in short.

    left_ms: how many milliseconds are left of the function's timeout.
    Raises RefusedError, DeadlineError and PassingError.
    """
    begun, folder, chunk = time.monotonic(), Folder.of(prefix("output", item["output"])), Chunk.read(item["chunk"])
    csv.field_size_limit(MOST_ROW_BYTES)  # of a process that does nothing else: a row's limit is a cell's
    worker = _worker(folder, item["run"])
    record = records.done(worker.run, chunk)
    if record is not None:
        return _short(record)
    deadline = moment(item["deadline"])
    if deadline is not None and datetime.now(UTC) > deadline:
        raise DeadlineError(f"the deadline of the execution, {item['deadline']}, is over")
    record = _write(worker, chunk, left_ms, threads)
    record["seconds"] = round(time.monotonic() - begun, 3)
    folder.write(folder.state(f"done/{chunk.name}.json"), sealed(record))
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
    try:
        counts = _pour(_all(worker, chunk, output, threads), upload, aside, left_ms)
        head = output.head(counts["out"])
        if run.options.gzip and (head or not upload.bytes):  # a file of gzip has a member at the least
            head = packed(head)
        with asking(folder.uri):
            is_own = not aside.bytes or aside.finish()
            is_own = upload.finish(head) and is_own
        written, refusals = _found(upload), _found(aside) if aside.bytes else None
        if not is_own:  # another worker was sooner, or somebody else wrote there
            _compare(_all(worker, chunk, output, threads), head, written, refusals, left_ms)
    except BaseException as error:
        upload.abort()
        aside.abort()
        if isinstance(error, ServiceError | RefusedError | DeadlineError):
            told = str(error)
            if isinstance(error, ServiceError):
                told = f"{error.problem.code}: {error.place}" if error.place else error.told
            kind = DeadlineError if isinstance(error, DeadlineError) else RefusedError
            raise kind(f"{uri}, bytes {chunk.begin} to {chunk.end}: {told}") from error
        raise
    return {
        "chunk": chunk.name,
        "object": uri,
        **counts,
        "output": folder.prefix + chunk.output,
        "bytes_in": chunk.end - chunk.begin,
        "bytes_out": written.size,
        "etag": written.etag,
        "aside": None if refusals is None else {"bytes": refusals.size, "etag": refusals.etag},
        "memory_mb": prices.memory_mb(),
        "sha256": worker.model.sha256,
    }


def _pour(
    scored: Iterable[Scored], output: Upload | Comparison, aside: Upload | Comparison, left_ms: Callable[[], int]
) -> dict[str, int]:
    """Write what comes of a chunk, and aside what is refused; return how many rows and lines there were."""
    counts = {"rows": 0, "out": 0, "refused": 0, "lines": 0}
    for each in scored:
        if left_ms() < LEFT_MS:
            raise DeadlineError("the function's timeout is nearly over: plan smaller chunks, or give it more memory")
        with asking(f"s3://{output.bucket}/{output.key}"):
            output.write(each.data)
            aside.write(each.aside)
        for name in counts:
            counts[name] += getattr(each, name)
    if counts["rows"] != counts["out"] + counts["refused"]:
        raise RefusedError("{rows} rows were read, {out} written and {refused} refused: report it".format(**counts))
    return counts


def _found(upload: Upload) -> Object:
    """Return what is there under the key of an upload that is finished."""
    with asking(f"s3://{upload.bucket}/{upload.key}"):
        found = large.find(upload.bucket, upload.key)
    if found is None:
        raise PassingError(f"s3://{upload.bucket}/{upload.key} was written, and is not there")
    return found


def _compare(
    scored: Iterable[Scored], head: bytes, written: Object, refusals: Object | None, left_ms: Callable[[], int]
) -> None:
    """Raise RefusedError if what is there of a chunk has other bytes than those that it comes to."""
    output, aside = Comparison(written), Comparison(refusals or Object(written.bucket, "", 0, ""))
    with asking(written.uri):
        output.write(head)
    _pour(scored, output, aside, left_ms)
    with asking(written.uri):
        other = [
            found.uri for found, compared in ((written, output), (refusals, aside)) if found and not compared.finish()
        ]
    if other:
        raise RefusedError(f"{other[0]} is there already, and has other bytes than this run's: delete it, and resume")


def _all(worker: Worker, chunk: Chunk, output: Output, threads: int) -> Iterator[Scored]:
    """Yield what comes of a chunk's rows, in order; some are read ahead, and scored by several `threads`."""
    card, options = worker.model.card, worker.run.options
    blocks = reader(chunk.format).blocks(chunk, card, options)
    waiting: deque[Future[Scored]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for block in blocks:
                count = len(block.rows)
                for begin in range(0, max(count, 1), worker.most_rows):  # lines that are empty count, too
                    rows = range(begin, min(count, begin + worker.most_rows))
                    waiting.append(pool.submit(worker.scored, chunk.object.uri, block, rows, output))
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


def _short(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("chunk", "rows", "out", "refused")}
