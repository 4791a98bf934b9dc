"""The examples of README and docs/: each block of code, and of a shell's blocks each command, with what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import TESTS

ROOT = TESTS.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL = ""
"""The language of the blocks that are typed into a shell."""
PROMPT = "$ "
ARROW = re.compile(r"(?:#|//) → (.*)$", re.MULTILINE)
"""What a line of a program is to print, in a comment behind it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A command or a program: where it stands, its text, and the lines that the page says it prints."""

    page: str
    line: int
    language: str
    text: str
    shown: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return where it stands."""
        return f"{self.page}:{self.line}"


def examples(pages: tuple[Path, ...] = PAGES) -> list[Example]:
    """Return the examples of the pages, in their order."""
    return [example for page in pages for example in examples_of(page.name, page.read_text())]


def examples_of(page: str, text: str) -> Iterator[Example]:
    """Yield the examples of a page."""
    for match in FENCE.finditer(text):
        language, block = match.groups()
        line = text.count("\n", 0, match.start()) + 2
        if language == SHELL:
            yield from _commands(page, line, block)
        else:
            yield Example(page, line, language, block, tuple(ARROW.findall(block)))


def _commands(page: str, line: int, block: str) -> Iterator[Example]:
    """Yield the commands of a shell's block: those behind a prompt with the lines that follow, or else every line.

    A line that ends with a backslash goes on in the next.
    """
    prompted = block.startswith(PROMPT)
    command: list[str] = []
    shown: list[str] = []
    start = line
    for number, text in enumerate(block.splitlines(), line):
        if command and command[-1].endswith("\\"):
            command.append(text)
        elif text.startswith(PROMPT) or not prompted:
            if command:
                yield Example(page, start, SHELL, "\n".join(command), tuple(shown))
            command, shown, start = [text.removeprefix(PROMPT)], [], number
        else:
            shown.append(text)
    if command:
        yield Example(page, start, SHELL, "\n".join(command), tuple(shown))
