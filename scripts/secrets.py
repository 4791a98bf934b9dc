"""Have detect-secrets read what git keeps, in `make check`. What only looks like a secret has its line in ALLOWED."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HOOK = Path(__file__).parent.parent / ".tools" / "checks" / "bin" / "detect-secrets-hook"
UNREAD = (":!:*requirements-*.txt", ":!:package-lock.json")
"""Lock files: digests by the thousand."""
ALLOWED = {
    "AKIAIOSFODNN7EXAMPLE|wJalrXUtnFEMI": "the key of AWS's own documentation, and a secret made of its own",
    "^(4bf92f3577b34da6a3ce929d0e0e4736|00f067aa0ba902b7|4ae45e4a794680e3|aa48ef3b346d73ba[0-9a-f]{48})$": (
        "ids of W3C's example of a trace, the digest of a model"
    ),
    "^(test|secret|hunter2|another)$": "what the emulator and tests call a secret",
    "^a1b2c3d4e5": "the id of an API, in events",
    "^k05VTVBZ": "base64 of an NPY body",
    "^c2VwYWwg": "base64 of a CSV body",
    "^(d41d8cd98f00b204e9800998ecf8427e|47DEQpj8HBSa\\+/TImW\\+5JCeuQeRkm5NMpJWZG3hSuFU=)$": "the digests of no bytes",
    "^(e4e68fb7bd0e697a0ae8f1bb342846b3|AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a)$": "of a message in SQS's documentation",
    "^(C3D13FE58DE4C810|0055AED6DCD90281E5)$": "ids of an event in S3's documentation",
    "^(GetSecretValue|plume/)": "an action and a name in IAM's policies",
    "^(12345678a|a12345678)$": "cells that are no numbers",
}
"""What looks like a secret and is none, as regular expressions, and what it is."""


def search(root: Path) -> list[str]:
    """Return what detect-secrets says of the text files that git keeps in the folder `root`; none if it finds nothing.

    Nothing is asked of those who made a key whether it is valid (--no-verify): that would send it to them.
    """
    listed = subprocess.run(
        ["git", "grep", "-lIz", "", "--", ".", *UNREAD], cwd=root, stdout=subprocess.PIPE, check=True, text=True
    )
    files = listed.stdout.split("\0")[:-1]
    command = [str(HOOK), "--no-verify", *(part for value in ALLOWED for part in ("--exclude-secrets", value))]
    workers = os.cpu_count() or 1

    def run(some: list[str]) -> str:
        done = subprocess.run([*command, *some], cwd=root, capture_output=True, text=True, check=False)
        if done.returncode not in {0, 1}:
            raise RuntimeError(f"detect-secrets failed: {done.stderr}")
        return done.stdout if done.returncode else ""

    with ThreadPoolExecutor(workers) as pool:
        return [found for found in pool.map(run, [files[start::workers] for start in range(workers)]) if found]


def main() -> int:
    """Print what looks like a secret, and where; return 1 if anything does."""
    found = search(Path.cwd())
    print(*found, sep="\n", end="")
    if found:
        print("A value that is no secret has its line in ALLOWED of scripts/secrets.py, or `pragma: allowlist secret`.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
