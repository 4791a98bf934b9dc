"""The processes that are timed.

The handlers run in the interpreter and on the layer that they are deployed with, scikit-learn in the environment that
trains; both take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from benchmarks.harness import Contender, DisagreementError
from benchmarks.stacks import SAME_FOR_ALL, Site
from scripts.emulator import ROOT
from scripts.runtime import PYTHON

PROCESSES = 5
MANY = 10_000


def measure(site: Site, ours: Contender, floor: Contender, event: Any) -> dict[str, list[float]]:
    """Return samples, seconds a call, by ``plume 2``, ``steps 2``, ``plume 10000``, ``steps 10000``, ``predict 2``.

    The number is that of the rows; 10,000 are the training rows over and over. Every answer is compared with the
    estimator's before it is timed.
    """
    cases = site.folder / "cases.json"
    cases.write_text(json.dumps(_cases(site, event)))
    handlers = {**ours.tree.environ, **SAME_FOR_ALL, "MODEL_URI": site.model.as_uri(), **floor.environ}
    handlers["PYTHONPATH"] = f"{ours.tree.environ['PYTHONPATH']}:{floor.tree.task}:{ROOT}"
    samples: dict[str, list[float]] = defaultdict(list)
    for _ in range(PROCESSES):
        for taken in (
            _run(str(PYTHON), "handlers", [cases], handlers, ours.tree.task),
            _run(sys.executable, "estimator", [cases, site.estimator], {**os.environ, **SAME_FOR_ALL}, ROOT),
        ):
            for name, values in taken.items():
                samples[name] += values
    return samples


def _cases(site: Site, event: Any) -> dict[str, Any]:
    """Return by number of rows: an event, the rows in it, the estimator's prediction for them."""
    estimator = joblib.load(site.estimator)
    training = np.loadtxt(site.estimator.with_suffix(".csv"), delimiter=",", skiprows=1)
    many = np.resize(training, (MANY, training.shape[1])).tolist()
    cases = {}
    for rows in (json.loads(event["body"])["data"], many):
        prediction = estimator.predict(np.array(rows)).tolist()
        body = json.dumps({"data": rows})
        cases[str(len(rows))] = {"event": {**event, "body": body}, "rows": rows, "prediction": prediction}
    return cases


def _run(python: str, module: str, arguments: list[Path], environ: dict[str, str], folder: Path) -> Any:
    command = [python, "-m", f"benchmarks.in_process.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    if done.returncode != 0:
        raise DisagreementError(f"{module}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
