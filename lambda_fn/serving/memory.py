"""What the process has of memory, and whether there is room for a model beside what is there."""

from __future__ import annotations

import os

MOST_RESERVED_BYTES, RESERVED_PART = 250 * 2**20, 3
"""What is left for calls: a third of the memory, and no more than the worst body takes (docs/reliability.md)."""
READ_BYTES = 6
"""What a byte of a file takes while it is read and loaded: twice itself, and in the session."""


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


def free_bytes(memory_bytes: int) -> int:
    """Return what there is for models beside what is loaded, of a function with so much memory; below 0 for none."""
    return memory_bytes - min(MOST_RESERVED_BYTES, memory_bytes // RESERVED_PART) - resident_bytes()


def readable_bytes(memory_bytes: int | None) -> int:
    """Return how large a file may be to be read beside what is loaded; without a limit where nobody says it."""
    return 2**62 if memory_bytes is None else max(0, free_bytes(memory_bytes)) // READ_BYTES
