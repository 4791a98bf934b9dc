"""Work out what a billion rows take and cost on Lambda, from measured rates, and write it into docs/scaling.md."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator

from benchmarks.between import write
from benchmarks.cost import PRICES, REQUESTS_PRICE
from benchmarks.tables import table
from scripts.emulator import ROOT

RATES = ROOT / "benchmarks" / "RATES.md"
PAGE = ROOT / "docs" / "scaling.md"
PROGRAM = "benchmarks.billion"
ROWS, WORKERS, MEMORY = 10**9, 1000, 1769
CHUNK_BYTES = 64_000_000
TRANSITIONS = 3
"""Of the state machine for each chunk: its child's start, the task, its end; plus what is retried."""
TRANSITION_PRICE, PUT_PRICE, GET_PRICE = 0.000025, 0.000005, 0.0000004
"""US dollars each, us-east-1: https://aws.amazon.com/step-functions/pricing/, https://aws.amazon.com/s3/pricing/"""
PART_BYTES = 8 * 2**20
"""Of a multipart upload: each is a PUT (lambda_fn/storage/large.py)."""
REQUESTS = {"PUT": 4, "GET": 4}
"""Of S3 for each chunk, about, beside parts: an upload's begin and end, a list, the record; run, model, head, rows."""


def rates(page: str) -> Iterator[tuple[str, str, float, float, float]]:
    r"""Yield model, format, rows a second of one worker, bytes of a row, and those it writes, from a page of rates.

    >>> list(rates("## small\n| CSV → CSV | 1,000 | 7.5 | 60.0 |\n| NPY → NPY | 9,000 | 16.0 | 32.0 |"))
    [('small', 'CSV', 1000.0, 7.5, 60.0), ('small', 'NPY', 9000.0, 16.0, 32.0)]
    """
    for section in page.split("## ")[1:]:
        name = section.splitlines()[0]
        pattern = r"^\| (CSV|NPY) → \1 \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \|"
        for kind, rate, size, written in re.findall(pattern, section, re.MULTILINE):
            yield name, kind, float(rate.replace(",", "")), float(size), float(written)


def dollars(seconds: float, chunks: int, parts: int) -> float:
    """Return the US dollars for `chunks` of so many `parts` each, that take `seconds` of one worker in all."""
    each = TRANSITIONS * TRANSITION_PRICE + REQUESTS_PRICE / 1e6
    each += (REQUESTS["PUT"] + parts) * PUT_PRICE + REQUESTS["GET"] * GET_PRICE
    return seconds * MEMORY / 1024 * PRICES["x86_64"] + chunks * each


def lines(page: str) -> Iterator[str]:
    """Return the table: a line for each model and format."""
    head = [
        "model",
        "format",
        "rows a second, a worker",
        "worker seconds",
        "chunks",
        "parts of each",
        "seconds, 1,000 workers",
        "$",
    ]
    rows = []
    for name, kind, rate, size, written in rates(page):
        chunks = math.ceil(ROWS * size / CHUNK_BYTES)
        seconds = ROWS / rate
        waves = -(-chunks // WORKERS)
        lasts = waves * seconds / chunks
        parts = math.ceil(ROWS / chunks * written / PART_BYTES)
        cost = dollars(seconds, chunks, parts)
        cells = [f"{rate:,.0f}", f"{seconds:,.0f}", f"{chunks:,}", f"{parts}", f"{lasts:,.1f}", f"{cost:.2f}"]
        rows.append([name, kind, *cells])
    return table(head, rows)


def main() -> int:
    """Write the table."""
    written = list(lines(RATES.read_text()))
    write(PAGE, PROGRAM, written)
    print(*written, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
