"""Time scikit-learn's predict alone, of rows that are an array already; print the samples as JSON."""

from __future__ import annotations

import json
import sys
import warnings
from functools import partial
from pathlib import Path

import joblib
import numpy as np

from benchmarks.in_process.timing import interleaved


def main() -> None:
    """Compare what it answers with what is expected, then time it."""
    cases, estimator = json.loads(Path(sys.argv[1]).read_text()), joblib.load(sys.argv[2])
    warnings.simplefilter("ignore")
    calls = {}
    for count, case in cases.items():
        rows = np.array(case["rows"])
        if estimator.predict(rows).tolist() != case["prediction"]:
            raise ValueError("the estimator answers something else than before")
        calls[f"predict {count}"] = partial(estimator.predict, rows)
    print(json.dumps(interleaved(calls)))


if __name__ == "__main__":
    main()
