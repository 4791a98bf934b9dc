"""Bytecode beside the function's sources: Lambda's disk is read-only, and a cold start would compile them each time."""

from __future__ import annotations

import compileall
import shutil
from pathlib import Path
from py_compile import PycInvalidationMode

PACKAGE = Path(__file__).parent.parent / "lambda_fn"


def compile_function(package: Path = PACKAGE) -> None:
    """Write the bytecode of `package`, and none that was there before.

    It holds the hash of its source, which is compared at import: of a source that was changed since, it is not used.
    Raises ValueError for a source that does not compile.
    """
    for folder in package.rglob("__pycache__"):
        shutil.rmtree(folder)
    if not compileall.compile_dir(package, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH):
        raise ValueError(f"{package} does not compile")
