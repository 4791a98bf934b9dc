"""Resolve pyproject.toml's dependency groups into the requirements files, exactly and with hashes."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

LOCKS = {
    "requirements-runtime.txt": ["--group", "runtime", "--no-deps"],
    "requirements-train.txt": ["--group", "train"],
    "scripts/requirements-emulator.txt": ["--group", "emulator"],
    "scripts/requirements-lambda-runtime.txt": ["--group", "lambda-runtime"],
    "scripts/requirements-clients.txt": ["--group", "clients"],
    "scripts/requirements-kserve.txt": ["--group", "kserve"],
    "scripts/requirements-engines.txt": ["--group", "engines"],
    "scripts/requirements-checks.txt": ["--group", "checks"],
    "scripts/requirements-audit.txt": ["--group", "audit"],
    "scripts/requirements-fuzz.txt": ["--group", "fuzz"],
    "scripts/requirements-seed.txt": ["--group", "seed"],
    "scripts/requirements-compilers.txt": ["--group", "compilers"],
    "scripts/requirements-web.txt": ["--group", "web"],
    "scripts/requirements-rie.txt": ["--group", "rie", "--no-deps"],
}


def resolve(options: list[str], current: Path) -> str:
    """Return the lock file for `options`; what `current` pins stays while pyproject.toml allows it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "lock.txt")
        if current.exists():
            out.write_text(current.read_text())
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--universal"]
        command += ["--python-version", "3.13", "--generate-hashes", "--output-file", str(out), *options]
        subprocess.run(command, check=True)
        return "# Written by `make lock` from pyproject.toml.\n" + out.read_text()


def main() -> int:
    """Write the lock files or, with --check, name those that are not what pyproject.toml resolves to."""
    parser = argparse.ArgumentParser(prog="scripts.lock", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a lock file is out of date")
    check = parser.parse_args().check
    stale = [name for name, options in LOCKS.items() if not _lock(Path(name), options, check)]
    for name in stale:
        print(f"{name} is not what pyproject.toml resolves to: run `make lock`", file=sys.stderr)
    return 1 if stale else 0


def _lock(path: Path, options: list[str], check: bool) -> bool:
    text = resolve(options, path)
    if check:
        return path.exists() and path.read_text() == text
    path.write_text(text)
    return True


if __name__ == "__main__":
    sys.exit(main())
