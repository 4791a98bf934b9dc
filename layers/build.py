"""Wheels become a pruned layer with bytecode."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from layers.architecture import Architecture
from layers.archive import write_zip
from layers.prune import prune

REQUIREMENTS = Path(__file__).parent.parent / "requirements-runtime.txt"
MOUNT = "/opt/python"
"""Where Lambda mounts the layer's python/ folder."""


def build(architecture: Architecture, out: Path) -> None:
    """Write the layer for `architecture` to the zip `out`, the same bytes every time."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "python")
        _install(architecture, python)
        prune(python)
        _compile(python)
        write_zip(Path(folder), out)


def _install(architecture: Architecture, target: Path) -> None:
    """Unpack the pinned wheels, and nothing that they depend on: scoring needs none of it."""
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--python-version", "3.13", "--link-mode", "copy"]
    command += ["--python-platform", architecture.wheel_platform]
    command += ["--target", str(target), "--requirement", str(REQUIREMENTS)]
    subprocess.run(command, check=True)
    (target / ".lock").unlink(missing_ok=True)


def _compile(root: Path) -> None:
    """Compile to bytecode that is valid on Lambda's read-only disk, where none can be written.

    Unchecked: the source's time is not compared, as it is not kept. Bytecode depends on what the same process compiled
    before (marshal writes a reference where a string is shared), so the order is fixed and the interpreter bare.
    """
    sources = "\n".join(str(path) for path in sorted(root.rglob("*.py")))
    command = [sys.executable, "-I", "-S", "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(root), "-p", MOUNT, "-i", "-"]
    subprocess.run(command, input=sources, text=True, check=True, env={"PYTHONHASHSEED": "0"})
