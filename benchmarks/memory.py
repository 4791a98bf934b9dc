"""What a process has taken of memory; standard library only, for contenders import it."""

from __future__ import annotations

from pathlib import Path


def peak(process: int | str = "self") -> int:
    """Return the most memory that a process had resident since it was started, or its peak was reset, in bytes.

    `resource.getrusage` tells of more: a process that is started begins with the peak of the one that started it.
    """
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
