"""A process of the bulk functions: it plans, or scores chunks, and prints what that took as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.memory import peak
from lambda_fn.bulk import handler
from lambda_fn.config import location
from lambda_fn.storage import large


def plan(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Plan a run; return what its children get, as the state machine makes it."""
    planned = handler.plan({"request": request, "execution": "bench"}, None)
    manifest = large.read(**planned["manifest"]) or b""
    beside = {name: planned[name] for name in ("output", "run", "deadline")}
    return [{**beside, "chunk": json.loads(line)} for line in manifest.splitlines()]


def rate(request: dict[str, Any], runs: int) -> dict[str, Any]:
    """Score all chunks of a table, `runs` times over: a worker has the model already when the second one begins.

    Return rows, those that were refused, seconds of the best run, those of the CPU, bytes in and out, keys of the
    outputs, and the peak of memory in bytes.
    """
    items, taken = plan(request), []
    rows, refused = 0, 0
    for _ in range(runs):
        _forget(items)
        start, before = time.perf_counter(), cpu()
        rows, refused = score(items)
        taken.append((time.perf_counter() - start, cpu() - before))
    bucket, folder = location(items[0]["output"])
    outputs = [folder + item["chunk"]["output"] for item in items]
    written = [large.find(bucket, key) for key in outputs]
    return {
        "rows": rows,
        "refused": refused,
        "seconds": min(taken)[0],
        "cpu": min(taken)[1],
        "bytes_in": sum(item["chunk"]["end"] - item["chunk"]["begin"] for item in items),
        "bytes_out": sum(each.size for each in written if each is not None),
        "outputs": outputs,
        "memory": peak(),
    }


def score(items: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Score chunks, one after the other; return how many rows they had, and how many of these were refused."""
    done = [handler.score(item, None) for item in items]
    return sum(each["rows"] for each in done), sum(each["refused"] for each in done)


def share() -> float:
    """Say that this process is ready, and wait for chunks; score them, and return the seconds of the CPU."""
    print(json.dumps("ready"), flush=True)
    items, before = json.loads(sys.stdin.readline()), cpu()
    score(items)
    return cpu() - before


def cpu() -> float:
    """Return the seconds of the CPU that this process has taken, all its threads, and the kernel for it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _forget(items: Sequence[dict[str, Any]]) -> None:
    """Delete what was written of chunks, or they would not be scored again."""
    for item in items:
        bucket, folder = location(item["output"])
        for name in (f"_plume/done/{item['chunk']['name']}.json", item["chunk"]["output"]):
            large.client().delete_object(Bucket=bucket, Key=folder + name)


if __name__ == "__main__":
    WHAT: dict[str, Callable[..., Any]] = {"plan": plan, "rate": rate, "share": share}
    what, *arguments = map(json.loads, sys.argv[1:])
    print(json.dumps(WHAT[what](*arguments)))
