"""Texts and times as the commands print them."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.markup import escape


def moment(time: datetime) -> str:
    """Return a time in UTC, to the second.

    >>> moment(datetime.fromisoformat("2026-01-01T01:00:00+01:00"))
    '2026-01-01 00:00:00 UTC'
    """
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plain(text: str) -> str:
    """Return a text that a file brings, with nothing in it that rich would take for markup or a terminal for orders."""
    return escape("".join(character if character.isprintable() else repr(character)[1:-1] for character in text))
