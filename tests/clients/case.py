"""A model that is served, and what a client's script makes of it, which runs in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.conftest import TESTS

ROOT = TESTS.parent


class Case:
    """A model that is served: its URL, its name, a table and what the estimator says of it."""

    def __init__(self, url: str, name: str, table: pd.DataFrame, estimator: Any) -> None:
        self.url, self.name, self.table = url, name, table
        self.labels = estimator.predict(table).tolist()
        self.probabilities = estimator.predict_proba(table)

    def says(self, client: str, environment: str, *arguments: str) -> dict[str, Any]:
        """Return what a client's script found."""
        python = ROOT / ".tools" / environment / "bin" / "python"
        table = json.dumps(self.table.to_dict(orient="list"))
        command = [str(python), str(Path(__file__).parent / f"{client}.py"), *arguments, table]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def check(self, outputs: dict[str, Any]) -> None:
        """Check labels, and probabilities in one list, row by row."""
        assert outputs["prediction"] == self.labels
        assert np.abs(np.array(outputs["probabilities"]) - self.probabilities.ravel()).max() <= 1e-15
