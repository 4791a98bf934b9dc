"""What the process has of memory, and whether there is room for a model beside what is there."""

from __future__ import annotations

import os

RESERVE_BYTES = 48 * 2**20
"""What is left for calls: the interpreter with a small model takes 54 MB, a call of few rows nothing more."""


def resident_bytes() -> int:
    """Return what the process takes; 0 where the system does not say it as Linux does."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def give_back() -> None:
    """Return to the system what was freed: of 64 MB of a forest's trees, glibc keeps 54 otherwise."""
    import ctypes  # here: a call that replaces no model does without

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # another C library has none
        trim(0)


def has_room(size: int, memory_bytes: int | None) -> bool:
    """Whether so many bytes more leave calls what they need of the function's memory; None where nobody says it."""
    return memory_bytes is None or resident_bytes() + size + RESERVE_BYTES <= memory_bytes
