"""What a run costs, and about how long it takes, by AWS's public prices (us-east-1, November 2026)."""

from __future__ import annotations

import math
import os
import platform

from lambda_fn.config import MB_PER_VCPU
from lambda_fn.storage.large import PART_BYTES

GB_SECOND = {"x86_64": 0.0000166667, "aarch64": 0.0000133334}
"""US dollars for a second of a GB of memory, by the machine."""
CALL = 0.20e-6
"""For a call of a function."""
TRANSITION = 0.025e-3
"""For a transition of a state machine of the kind Standard."""
TRANSITIONS, RUN_TRANSITIONS = 3, 5
"""Of a chunk: its child begins, scores, ends; of an execution beside them."""
GET, PUT = 0.4e-6, 5e-6
"""For a request to S3; to list is a PUT's price."""
GETS = 5
"""For a chunk: its record, which is not there yet, run and model, where a worker has them not yet, header, rows."""
PUTS = 2
"""For a chunk, beside those of its output: a list, which finds the output, and the record."""
MICROSECONDS = {"csv": (1.15, 0.011), "jsonl": (6.5, 0.024), "npy": (0.08, 0.0085)}
"""About how long a vCPU reads, scores and writes a row of a format, and each of its bytes (benchmarks/RATES.md): with
models that score a row in a microsecond at the most, as the cost of others is theirs."""
START_SECONDS = 2.0
"""About what a chunk takes beside: a function that starts, boto3, the model, the first byte."""


def memory_mb(name: str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE") -> int:
    """Return the memory of the function `score`, in MB; 1,769 where nobody says it."""
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() and int(text) else MB_PER_VCPU


def cost(
    worker_seconds: float, memory: int, chunks: int, written: float, machine: str = platform.machine()
) -> dict[str, float]:
    """Return the US dollars for chunks that took so many seconds in all, and wrote so many bytes, by service."""
    price = GB_SECOND.get(machine, GB_SECOND["x86_64"])
    parts = {
        "lambda": worker_seconds * memory / 1024 * price + chunks * CALL,
        "step_functions": (chunks * TRANSITIONS + RUN_TRANSITIONS) * TRANSITION,
        "s3": chunks * GETS * GET + puts(chunks, written) * PUT,
    }
    return {name: round(value, 6) for name, value in {**parts, "total": sum(parts.values())}.items()}


def puts(chunks: int, written: float) -> int:
    """Return the PUTs, and what costs as much, for chunks of one size that write so many bytes in all.

    An output of one part is one; of several, each is one, and so are the upload's begin and end.
    """
    parts = math.ceil(written / PART_BYTES / chunks) if chunks else 0
    return chunks * (PUTS + (parts + 2 if parts > 1 else 1))


def seconds_of(kind: str, rows: float, size: float, memory: int) -> float:
    """Return about how many seconds a worker takes for rows of a format that have so many bytes in all."""
    row, byte = MICROSECONDS[kind]
    return (rows * row + size * byte) / 1e6 * MB_PER_VCPU / memory
