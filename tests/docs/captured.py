"""Rows of the demo model as the service captures them: as wide as ever, and taller."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.model_file.companions import digest
from tests.conftest import FEATURES

CALLS, ROWS = 20, 25
TALLER = 0.5


def write_captured(folder: Path, model: Path, estimator: Any, training_rows: NDArray[np.float64]) -> None:
    """Write the rows of some calls of today into a folder, as they are on S3, scored by the model in a file."""
    drawn = np.random.default_rng(0).integers(0, len(training_rows), CALLS * ROWS)
    rows = training_rows[drawn] + [0, TALLER]
    moment = datetime.now(UTC) - timedelta(minutes=1)
    whose = {"model": "model", "version": "3sL4kqtJlcpXroDTDmJ", "sha256": digest(model.read_bytes())}
    lines = []
    for number, (row, label) in enumerate(zip(rows.tolist(), estimator.predict(rows).tolist(), strict=True)):
        call = {"time": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z", "requestId": f"r{number // ROWS}", "rows": ROWS}
        features = dict(zip(FEATURES, row, strict=True))
        lines.append({**call, "row": number % ROWS, **whose, "features": features, "prediction": label})
    day = folder / "model=model" / f"date={moment:%Y-%m-%d}"
    day.mkdir(parents=True)
    (day / "120000-0123456789abcdef.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
