"""How far a run is, and all runs were: kept in a file, so that a run which is broken off goes on there."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any


class Progress:
    """Counts inputs by driver and kind. One that wants as many as the last, unfinished one is the same run."""

    def __init__(self, path: Path, wanted: int) -> None:
        self._path, self._wanted = path, wanted
        self._state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"next": 0, "inputs": {}}
        run = self._state.get("run", {})
        same = run.get("wanted") == wanted
        self.counts = {driver: Counter(count) for driver, count in run["counts"].items()} if same else {}
        self._before = run["seconds"] if same else 0.0
        self._begun = time.monotonic()

    def missing(self, driver: str, share: float, kind: str = "") -> int:
        """Return how many inputs a driver, or a kind of its, lacks of its share of those that are wanted."""
        count = self.counts.get(driver, Counter())
        return round(share * self._wanted) - (count[kind] if kind else count.total())

    def numbers(self, count: int) -> int:
        """Return the first of so many numbers that no input had."""
        self._state["next"] += count
        return int(self._state["next"]) - count

    def note(self, driver: str, tried: Counter[str]) -> None:
        """Write down what was tried."""
        self.counts.setdefault(driver, Counter()).update(tried)
        self._state["inputs"][driver] = self._state["inputs"].get(driver, 0) + tried.total()
        run = {"wanted": self._wanted, "seconds": self.seconds, "counts": self.counts}
        self._write({**self._state, "run": run})

    def end(self) -> None:
        """Write down that the run is finished: the next one begins anew."""
        self._write({name: value for name, value in self._state.items() if name != "run"})

    @property
    def seconds(self) -> float:
        """How long the run took so far."""
        return self._before + time.monotonic() - self._begun

    @property
    def total(self) -> int:
        """How many inputs it tried."""
        return sum(count.total() for count in self.counts.values())

    @property
    def ever(self) -> int:
        """How many inputs all runs tried."""
        return sum(self._state["inputs"].values())

    def _write(self, document: dict[str, Any]) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(document))
        new.replace(self._path)
