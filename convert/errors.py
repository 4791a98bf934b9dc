"""What the command line answers in one line instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

LISTED = 8
"""How many names a message lists at the most."""
SHOWN = 60
"""How many characters it shows of each."""
LONGEST = 290
"""How many characters a line has at the most, behind "error: "."""


class ConvertError(Exception):
    """Raised when an estimator, a file or an option is not one that the command takes; says what to do instead."""


class ConvertWarning(UserWarning):
    """What the command shows as a warning; those of the libraries that it uses are shown with --debug only."""


@contextmanager
def during(step: str, estimator: object) -> Iterator[None]:
    """Turn what an estimator raises, whatever it is, into a ConvertError that names its class and the step."""
    try:
        yield
    except ConvertError:
        raise
    except Exception as error:
        raise ConvertError(
            f"{type(estimator).__name__} failed while {step}: {reason_of(error)}: --debug shows where"
        ) from error


def one_line(message: str) -> str:
    """Return the message on one line; of a long one both ends, as it begins with what failed and ends with advice."""
    line = " ".join(message.split())
    if len(line) <= LONGEST:
        return line
    half = LONGEST // 2
    return f"{line[: LONGEST - half - 3]} … {line[-half:]}"


def reason_of(error: BaseException) -> str:
    """Return the error's class and its message, on one line and not too long."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # a message that can't be told is none
        message = ""
    return f"{type(error).__name__} {message[:120]}".rstrip()


def listed(names: Sequence[object]) -> str:
    """Return the names on one line, of many the first few and how many there are.

    >>> listed(range(10))
    '0, 1, 2, 3, 4, 5, 6, 7, … (10 in all)'
    """
    shown = [" ".join(str(name).split())[:SHOWN] for name in names[:LISTED]]
    return ", ".join(shown) + (f", … ({len(names)} in all)" if len(names) > LISTED else "")
