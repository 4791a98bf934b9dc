"""The site builds, has every page, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.examples import PAGES, ROOT

LOADED = re.compile(r"<(?:script|img|iframe)[^>]* src=[^ >]+|<link[^>]* rel=\"?(?:stylesheet|icon|preconnect)[^>]*")
BENCHMARKS = ("RESULTS", "BULK", "RATES", "CONVERSION", "LOAD", "TELLING")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, in which every link leads somewhere: or it is not built."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    pages = {"index.html", "CONTRIBUTING.html", "CHANGELOG.html", "SECURITY.html"}
    pages |= {f"docs/{page.stem}.html" for page in PAGES[1:]} | {f"benchmarks/{name}.html" for name in BENCHMARKS}
    assert {str(page.relative_to(site)) for page in site.rglob("*.html")} == pages | {"404.html"}


def test_readme_is_the_first_page_and_its_links_lead_to_pages(site: Path) -> None:
    first = (site / "index.html").read_text()
    links = [f"docs/{page.stem}.html" for page in PAGES[1:]] + ["benchmarks/RESULTS.html", "CONTRIBUTING.html"]
    assert [link for link in links if f'href="{link}"' not in first] == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = [match.group() for match in LOADED.finditer(page.read_text())]
        assert any("stylesheet" in each for each in loaded)
        assert [each for each in loaded if "//" in each] == [], page


def test_pictures_are_where_pages_show_them(site: Path) -> None:
    for page in site.rglob("*.html"):
        for picture in re.findall(r'<img[^>]* src="([^"]+)"', page.read_text()):
            assert (page.parent / picture).exists(), (page, picture)
