"""What is tried: one module for each kind of input."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from tests.fuzz.draws import Draws

NAMES = ("events", "bodies", "rows", "objects", "tables", "options", "models", "cards")


class Target(Protocol):
    """A module for a kind of input."""

    SHARE: int
    """Of a hundred inputs, how many are of the kind."""

    def make(self, draws: Draws) -> Any:
        """Return an input."""

    def check(self, made: Any) -> None:
        """Try it; raise FindError, or any other exception that was not caught, for what may not be."""

    def size(self, made: Any) -> int:
        """Return about how many bytes it has, by which the time is counted."""


def target(name: str) -> Target:
    """Return the module of a kind."""
    return cast("Target", import_module(f"tests.fuzz.targets.{name}"))
