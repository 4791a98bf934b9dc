"""Captured rows, and what `drift` says of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

type Run = Callable[..., tuple[int, Any]]
type Write = Callable[..., Path]


def line(features: dict[str, Any], day: int = 0, **more: Any) -> dict[str, Any]:
    """Return a captured row, of so many days ago."""
    moment = datetime.now(UTC) - timedelta(days=day, minutes=1)
    told = {"time": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z", "requestId": "r", "rows": 1, "row": 0}
    whose = {"model": "mixed", "version": "v1", "sha256": "s1"}
    return {**told, **whose, "features": features, "prediction": "stays", **more}


def words(found: Any) -> dict[str, str]:
    return {each["name"]: each["word"] for each in found["features"]}
