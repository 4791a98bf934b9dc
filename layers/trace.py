"""Which modules of the wheels the scoring suite loads: how layers/modules.txt is written."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from layers.architecture import host_architecture
from layers.build import install
from layers.prune import module_of
from layers.suite import cases, score

ROOT = Path(__file__).parent.parent


def trace() -> str:
    """Return the modules and libraries that the suite loads from the whole wheels, sorted, a line each."""
    with tempfile.TemporaryDirectory() as name:
        wheels, folder = Path(name, "wheels"), Path(name, "cases")
        install(host_architecture(), wheels)
        folder.mkdir()
        cases.write_cases(folder)
        loaded = run_suite([sys.executable], wheels, ROOT, folder)
    modules = {module for path in loaded if (module := module_of(path)) is not None}
    return "".join(f"{module}\n" for module in sorted(modules))


def run_suite(python: list[str], layer: Path, function: Path, folder: Path) -> list[str]:
    """Score the cases in `folder` over the layer's python/ folder; return which of its files were loaded.

    The interpreter is isolated: no environment, no site-packages. Raises CalledProcessError if a case fails.
    """
    command = [*python, "-I", "-S", "-B", score.__file__, str(layer), str(function), str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={})
    files: list[str] = json.loads(done.stdout.splitlines()[-1])  # in front of it are lines of the log
    return files
