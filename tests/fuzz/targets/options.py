"""What a bulk run is asked: its request, a chunk of its manifest, a time."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.options import Options, moment
from lambda_fn.bulk.run import Chunk, is_sealed
from tests.fuzz import values
from tests.fuzz.draws import Draws
from tests.fuzz.finds import FindError

SHARE = 5
REQUEST = {
    "input": "s3://bucket/in/table.csv",
    "output": "s3://bucket/out/",
    "model": "iris",
    "format": "csv",
    "output_format": "jsonl",
    "header": "present",
    "columns": ["id", "prediction"],
    "gzip": True,
    "on_error": "skip",
    "chunk_mb": 64,
    "concurrency": 20,
    "tolerated_failure_percentage": 1.5,
    "deadline_seconds": 3600,
}


def make(draws: Draws) -> Any:
    """Return a request that was altered, or anything."""
    found: Any = json.loads(json.dumps(REQUEST))
    for _ in range(draws.below(4)):
        found = values.altered(draws, found)
    return found


def check(made: Any) -> None:
    """Read it as each of what it may be."""
    try:
        options = Options.parse(made)
        if Options.parse(json.loads(json.dumps(options.document()))).document() != options.document():
            raise FindError("options that are read otherwise once written", repr(made)[:500])
        options.changed({name: made[name] for name in made if made[name] is not None})
    except RefusedError as error:
        str(error).encode("utf-8", "backslashreplace")
    for read in (Chunk.read, moment):
        with suppress(RefusedError):
            read(made)
    is_sealed(made)


def size(made: Any) -> int:
    """Return the characters of it."""
    return len(repr(made)[:100_000])
