"""Wheels become a layer: pruned, without OpenBLAS, quicker to import, as bytecode."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from layers.architecture import Architecture
from layers.archive import write_zip
from layers.bytecode import compile_sources
from layers.late import put_off_imports
from layers.linear_algebra import replace_openblas
from layers.prune import prune
from layers.sbom import describe, find_wheels

REQUIREMENTS = Path(__file__).parent.parent / "requirements-runtime.txt"
MOUNT = "/opt/python"
"""Where Lambda mounts the layer's python/ folder."""


def build(architecture: Architecture, out: Path) -> None:
    """Write the layer for `architecture` to the zip `out`, and what describes it beside it: the same every time."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "python")
        install(architecture, python)
        prune(python)
        replace_openblas(python, architecture)
        put_off_imports(python)
        _compile(python)
        write_zip(Path(folder), out)
    describe(out, find_wheels(architecture, REQUIREMENTS))


def install(architecture: Architecture, target: Path) -> None:
    """Unpack the pinned wheels, and nothing that they depend on: scoring needs none of it."""
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--python-version", "3.13", "--link-mode", "copy"]
    command += ["--python-platform", architecture.wheel_platform]
    command += ["--target", str(target), "--requirement", str(REQUIREMENTS)]
    subprocess.run(command, check=True)
    (target / ".lock").unlink(missing_ok=True)


def _compile(root: Path) -> None:
    """Compile to bytecode in place of the sources: Lambda's disk is read-only, where none can be written.

    Without docstrings, and without asserts: numpy and onnxruntime have no assert that they rely on. Unchecked: there is
    no source to compare with.
    """
    sources = compile_sources(root, MOUNT, ["--invalidation-mode", "unchecked-hash", "-b", "-o", "2"])
    for source in sources:
        source.unlink()
