"""Keep of the wheels what scoring loads. tests/e2e/test_runtime.py proves that it is enough."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

MODULES = Path(__file__).with_name("modules.txt")
"""The modules and libraries that the scoring suite loads, written by `python -m layers trace`: the same for both
architectures, whose files differ in their suffixes only."""
MARGIN = (
    # the core, whole: its C code imports what it needs late, such as the class of an error
    "numpy/_core/*.py",
    "numpy/lib/*.py",
    # names, versions and licences
    "*.dist-info/METADATA",
    "*.dist-info/licenses/**/*",
    "onnxruntime/LICENSE",
    "onnxruntime/ThirdPartyNotices.txt",
)
"""What is kept beside them, as glob patterns in the layer's python/ folder."""
BLANK = ("numpy/_core/_add_newdocs.py", "numpy/_core/_add_newdocs_scalars.py")
"""Modules that numpy imports by name and that do nothing but put docstrings on what is written in C: 4.5 ms."""
WHEEL_HASH = re.compile(r"-[0-9a-f]{8}$")


def prune(root: Path) -> None:
    """Delete from the folder `root` all but MODULES and MARGIN; raise ValueError for one that is not there."""
    files = {path for path in root.rglob("*") if path.is_file()}
    modules = {path: module_of(path.relative_to(root).as_posix()) for path in files}
    named = set(MODULES.read_text().split())
    kept = {path for path, module in modules.items() if module in named}
    missing = sorted(named - {modules[path] for path in kept})
    for pattern in MARGIN:
        found = set(root.glob(pattern))
        kept |= found
        missing += [] if found else [pattern]
    if missing:
        raise ValueError(f"layers/ keeps {', '.join(missing)}, which these wheels do not hold")
    for path in files - kept:
        path.unlink()
    for name in BLANK:
        (root / name).write_text("")
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def module_of(path: str) -> str | None:
    """Return what a file is called in MODULES: a module's full name, or a library's without its wheel's hash.

    None for what is no code.
    """
    posix = PurePosixPath(path)
    if posix.suffix not in {".py", ".pyc", ".so"}:
        return None
    folders = [part for part in posix.parent.parts if part != "__pycache__"]
    stem = WHEEL_HASH.sub("", posix.name.partition(".")[0])
    return ".".join([*folders, *([] if stem == "__init__" else [stem])])
