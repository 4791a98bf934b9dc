"""Bytecode beside the function's sources: Lambda's disk is read-only, and a cold start would compile them each time."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from layers.bytecode import compile_sources

PACKAGE = Path(__file__).parent.parent / "lambda_fn"
MOUNT = "/var/task/lambda_fn"
"""Where Lambda has the package."""


def compile_function(package: Path = PACKAGE) -> None:
    """Write the bytecode of `package`, and none that was there before.

    It holds the hash of its source, which is compared at import: of a source that was changed since, it is not used.
    Raises ValueError for a source that does not compile.
    """
    for folder in package.rglob("__pycache__"):
        shutil.rmtree(folder)
    try:
        compile_sources(package, MOUNT, ["--invalidation-mode", "checked-hash"])
    except subprocess.CalledProcessError as error:
        raise ValueError(f"{package} does not compile") from error
