"""A headless Chromium: one that is installed, or the one that `scripts/setup browser` put beside the checkout."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import TESTS

NAMES = ("chromium", "chromium-browser", "google-chrome")
BESIDE = TESTS.parent / ".tools" / "browser" / "chromium"
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)


def find_browser() -> str | None:
    """Return the path of a browser; None if there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (str(BESIDE) if BESIDE.exists() else None)


@contextmanager
def browser(path: str | Path) -> Iterator[Browser]:
    """Yield the browser, started; it ends with the context."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        try:
            yield started
        finally:
            started.close()
