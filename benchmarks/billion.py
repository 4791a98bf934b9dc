"""Work out what a billion rows take and cost on Lambda, from measured rates, and write it into docs/scaling.md."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator

from benchmarks.between import write
from benchmarks.tables import table
from lambda_fn.bulk import prices
from lambda_fn.config import MB_PER_VCPU
from scripts.emulator import ROOT

RATES = ROOT / "benchmarks" / "RATES.md"
PAGE = ROOT / "docs" / "scaling.md"
PROGRAM = "benchmarks.billion"
ROWS, WORKERS = 10**9, 1000
CHUNK_BYTES = 64_000_000
PUTS_A_SECOND = 3500
"""What S3 takes for a prefix:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""


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


def lines(page: str) -> Iterator[str]:
    """Return the table: a line for each model and format."""
    head = [
        "model",
        "format",
        "rows a second, a worker",
        "worker seconds",
        "chunks",
        "PUTs",
        "seconds, 1,000 workers",
        "bound by",
        "$",
    ]
    rows = []
    for name, kind, rate, size, written in rates(page):
        chunks = math.ceil(ROWS * size / CHUNK_BYTES)
        seconds = ROWS / rate
        waves = -(-chunks // WORKERS)
        puts = prices.puts(chunks, ROWS * written)
        lasts, bound = max((waves * seconds / chunks, "work"), (puts / PUTS_A_SECOND, "PUTs"))
        cost = prices.cost(seconds, MB_PER_VCPU, chunks, ROWS * written, "x86_64")["total"]
        cells = [f"{rate:,.0f}", f"{seconds:,.0f}", f"{chunks:,}", f"{puts:,}", f"{lasts:,.1f}", bound, f"{cost:.2f}"]
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
