"""What README and docs/ show can be typed, and what they link to is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert.__main__ import make_parser
from tests.conftest import TESTS

ROOT = TESTS.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def links(page: Path) -> Iterator[Path]:
    """Yield the files that a page links to."""
    for target in LINK.findall(page.read_text()):
        yield (page.parent / target).resolve()


def commands(word: str) -> list[tuple[str, str]]:
    """Return the lines of the pages' blocks of code that begin with `word`, each with its page, without comments."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            lines = (re.sub(r"\s+#.*", "", line).removeprefix("$ ") for line in block.splitlines())
            found += [(page.name, line) for line in lines if line.startswith(word)]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert [str(target) for target in links(page) if not target.exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    assert set(links(PAGES[0])) >= set(PAGES[1:])


@pytest.mark.parametrize(("page", "command"), commands("python -m convert"))
def test_commands_parse(page: str, command: str) -> None:
    make_parser().parse_args(command.split()[3:])


@pytest.mark.parametrize(("page", "command"), commands("make "))
def test_make_knows_its_words(page: str, command: str) -> None:
    assert f"\n{command.split()[1]}:" in (ROOT / "Makefile").read_text()
