"""A hook of MkDocs: the site has the checkout's own folders, so that its links are those that GitHub follows."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/*.md", "benchmarks/*.md")
SHOWN = (*PAGES, "LICENSE", "docs/*.json", "docs/*.png", "docs/*.svg", "docs/github/*.yml", "benchmarks/*.png")
"""What the site has, as patterns of paths in the checkout."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Return what the site is made of: what is shown, each at its path in the checkout, and the theme's own files."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    paths = [path for pattern in SHOWN for path in sorted(ROOT.glob(pattern))]
    shown = [File(str(path.relative_to(ROOT)), str(ROOT), config.site_dir, config.use_directory_urls) for path in paths]
    return Files([*theme, *shown])
