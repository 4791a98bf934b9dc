"""Texts and times as the commands print them."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.markup import escape

from convert.errors import ConvertError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""What a span of time ends with, in seconds."""
MOST_SECONDS = 10 * 365 * 86_400
"""As long a span as anybody means."""


def moment(time: datetime) -> str:
    """Return a time in UTC, to the second.

    >>> moment(datetime.fromisoformat("2026-01-01T01:00:00+01:00"))
    '2026-01-01 00:00:00 UTC'
    """
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plain(text: str) -> str:
    """Return a text that a file brings, with nothing in it that rich would take for markup or a terminal for orders."""
    return escape("".join(character if character.isprintable() else repr(character)[1:-1] for character in text))


def encodable(text: str) -> str:
    r"""Return a text that a file may have: JSON has halves of characters, which UTF-8 has not.

    >>> encodable("a\ud800ö")
    'a\\ud800ö'
    """
    return text.encode("utf-8", "backslashreplace").decode()


def seconds_of(text: str, flag: str) -> float:
    """Return a span in seconds; a number alone is hours. Raise ConvertError for anything else.

    >>> seconds_of("2h", "--since"), seconds_of("30m", "--since"), seconds_of("1.5", "--since")
    (7200.0, 1800.0, 5400.0)
    """
    unit = text[-1:] if text[-1:] in UNITS else "h"
    try:
        seconds = float(text.removesuffix(unit)) * UNITS[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        raise ConvertError(f"{flag} is a time such as 7d, 2h, 30m or 90s, not {text}")
    return seconds
