"""Sources as bytecode that is the same wherever and whenever it is compiled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def compile_sources(root: Path, mount: str, options: Sequence[str]) -> list[Path]:
    """Compile all below `root`, which is `mount` on Lambda, with compileall's `options`; return the sources.

    Bytecode depends on what the same process compiled before (marshal writes a reference where a string is shared), so
    the order is fixed and the interpreter bare. Raises CalledProcessError for a source that does not compile.
    """
    sources = sorted(root.rglob("*.py"))
    command = [sys.executable, "-I", "-S", "-m", "compileall", "-q", "-j", "1", *options]
    command += ["-s", str(root), "-p", mount, "-i", "-"]
    names = "\n".join(map(str, sources))
    subprocess.run(command, input=names, text=True, check=True, env={"PYTHONHASHSEED": "0"})
    return sources
