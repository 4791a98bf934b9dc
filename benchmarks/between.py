"""What a program writes into a page that people write: the lines between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

END = "<!-- end -->"


def mark(program: str) -> str:
    """Return the line behind which `program` writes; the next `END` is where that ends."""
    return f"<!-- python -m {program} -->"


def write(page: Path, program: str, lines: Sequence[str]) -> None:
    """Put `lines` between the marks of `program` in `page`; raise ValueError if it has none, or more."""
    start = mark(program)
    parts = page.read_text().split(start)
    if len(parts) != 2 or END not in parts[1]:
        raise ValueError(f"{page.name} has to have {start} once, and {END} behind it")
    _, after = parts[1].split(END, 1)
    page.write_text("\n".join([parts[0] + start, *lines, END + after]))
