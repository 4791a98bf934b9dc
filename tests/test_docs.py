"""What README and docs/ link to is there, and what they show can be typed; tests/docs runs it."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert.__main__ import make_parser
from tests.docs.examples import PAGES, ROOT, SHELL, Example, examples

ALL = (*PAGES, ROOT / "CONTRIBUTING.md")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
COMMANDS = [example for example in examples(ALL) if example.language == SHELL]


def links(page: Path) -> Iterator[Path]:
    """Yield the files that a page links to."""
    for target in LINK.findall(page.read_text()):
        yield (page.parent / target).resolve()


def commands(word: str) -> list[Example]:
    """Return the pages' commands that begin with `word`."""
    return [command for command in COMMANDS if command.text.startswith(word)]


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert [str(target) for target in links(page) if not target.exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    assert set(links(PAGES[0])) >= {*PAGES[1:], ROOT / "CONTRIBUTING.md"}


@pytest.mark.parametrize("command", commands("python -m convert"), ids=str)
def test_commands_parse(command: Example) -> None:
    make_parser().parse_args(shlex.split(command.text, comments=True)[3:])


@pytest.mark.parametrize("command", commands("make "), ids=str)
def test_make_knows_its_words(command: Example) -> None:
    assert f"\n{command.text.split()[1]}:" in (ROOT / "Makefile").read_text()


def test_what_shows_that_somebody_is_stopped_is_there() -> None:
    named = re.findall(r"`((?:tests/|test_)[\w/.]+)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 10
    here = ROOT / "tests"
    assert [each for each in named if not (ROOT / each).exists() and not [*here.rglob(Path(each).name)]] == []
