"""What the command line answers in one line instead of a traceback."""

from __future__ import annotations

from collections.abc import Sequence

LISTED = 8
"""How many names a message lists at the most."""
SHOWN = 60
"""How many characters it shows of each."""


class ConvertError(Exception):
    """Raised when an estimator, a file or an option is not one that the command takes; says what to do instead."""


def reason_of(error: BaseException) -> str:
    """Return the error's class and its message, on one line and not too long."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # a message that can't be told is none
        message = ""
    return f"{type(error).__name__} {message[:120]}".rstrip()


def listed(names: Sequence[object]) -> str:
    """Return the names on one line, of many the first few and how many there are."""
    shown = [" ".join(str(name).split())[:SHOWN] for name in names[:LISTED]]
    return ", ".join(shown) + (f", … ({len(names)} in all)" if len(names) > LISTED else "")
