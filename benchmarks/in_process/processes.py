"""The processes that are timed.

The handlers run in the interpreter and on the layer that they are deployed with, scikit-learn in the environment that
trains; both take turns.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from benchmarks.harness import Contender, DisagreementError
from benchmarks.stacks import SAME_FOR_ALL, Site
from convert.export import export
from scripts.emulator import ROOT
from scripts.runtime import PYTHON

PROCESSES = 5
MANY = 10_000
SERVED: Mapping[str, dict[str, str]] = {
    "looking": {"MODEL_TTL": "0.000001"},
    "answering": {"CANDIDATE_SHARE": "1"},
    "in shadow": {"CANDIDATE_SHARE": "1", "CANDIDATE_MODE": "shadow"},
}
"""Settings with which a call is timed, too: each one looks for another model, is answered by the candidate, or has it
compared. The candidate is the demo classifier again."""


def measure(
    site: Site, ours: Contender, floor: Contender, others: Sequence[Contender], event: Any
) -> dict[str, list[float]]:
    """Return samples, seconds a call, by ``plume 2``, ``steps 2``, ``predict 2``, ``plume 10000``, …, and of `others`.

    The number is that of the rows; 10,000 are the training rows over and over. Every answer is compared with the
    estimator's before it is timed. Ours and the steps, which are the floor's handler, run in the same process. So do,
    in others, ours with the settings in `SERVED`, and what it does of that in any call, as ``whose``.
    """
    cases, few = site.folder / "cases.json", site.folder / "few.json"
    all_cases = _cases(site, event)
    cases.write_text(json.dumps(all_cases))
    few.write_text(json.dumps({"2": all_cases["2"]}))
    beside = site.folder / "served.onnx"
    shutil.copy(site.model, beside)
    export(site.estimator, beside.with_name(f"{beside.name}.candidate"), name="candidate")
    together = {**ours.tree.environ, **SAME_FOR_ALL, "MODEL_URI": site.model.as_uri(), **floor.environ}
    together["PYTHONPATH"] = f"{ours.tree.environ['PYTHONPATH']}:{floor.tree.task}:{ROOT}"
    served = together | {"MODEL_URI": beside.as_uri()}
    trains = {**os.environ, **SAME_FOR_ALL, "PYTHONPATH": str(ROOT)}
    samples: dict[str, list[float]] = defaultdict(list)
    for _ in range(PROCESSES):
        runs = [
            _run(str(PYTHON), "handlers", [cases, f"plume={ours.handler}", f"steps={floor.handler}"], together),
            *(_handler(cases, other) for other in others),
            _run(sys.executable, "estimator", [cases, site.estimator], trains),
            _run(str(PYTHON), "whose", [], together),
            *(
                _run(str(PYTHON), "handlers", [few, f"{name}={ours.handler}"], served | settings)
                for name, settings in SERVED.items()
            ),
        ]
        for name, values in (item for taken in runs for item in taken.items()):
            samples[name] += values
    return samples


def _handler(cases: Path, contender: Contender) -> Any:
    """Return the samples of a contender's handler, in a process of its own."""
    environ = {**contender.tree.environ, **contender.environ}
    environ["PYTHONPATH"] += f":{ROOT}"
    return _run(str(PYTHON), "handlers", [cases, f"{contender.name}={contender.handler}"], environ)


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


def _run(python: str, module: str, arguments: Sequence[Path | str], environ: dict[str, str]) -> Any:
    command = [python, "-P", "-m", f"benchmarks.in_process.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    if done.returncode != 0:
        raise DisagreementError(f"{module}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])  # in front of it are metrics, which are lines of the log
