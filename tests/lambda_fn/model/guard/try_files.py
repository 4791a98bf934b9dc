"""Load and score files that nobody wrote, in a process of its own: ``python -m tests.lambda_fn.model.guard.try_files``.

Arguments: the folder of good files, ``mutants`` or ``graphs``, the seed, the first number, how many. Writes the file
that is tried to ``FOLDER/tried`` in front of each, so that what ends the process is left behind, and in the end one
line of JSON: how many were refused, did not run, or were scored, and what took the longest and the most memory.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from lambda_fn.codecs.dialects import CODECS, codec
from lambda_fn.errors import Kind, Problem, ServiceError
from lambda_fn.model.engine import BATCH_ROWS
from lambda_fn.model.model import Model
from tests.lambda_fn.model.guard.mutants import mutant, read_files
from tests.lambda_fn.model.guard.random_graphs import random_graph

MAKERS = {"mutants": mutant, "graphs": random_graph}
SECONDS = 20
"""After so long a file is taken to hang, and the process ends."""
BYTES = 2**30
"""How much the process may take in all beyond what it begins with."""
ANSWERS = {Problem.NAN, Problem.INFINITY, Problem.BEYOND_FLOAT32, Problem.UNKNOWN_CATEGORY, Problem.SCORE_NOT_FINITE}
"""What a client may be told of its rows."""


def main() -> None:
    """Try the files that the arguments tell of."""
    folder, kind, seed, first, count = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6])
    files, found = read_files(folder), Counter[str]()
    slowest, largest = (0.0, 0), (0, 0)
    codecs = [codec(each) for each in CODECS]
    begun = int(status("VmSize")) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (begun + BYTES, begun + BYTES))
    for number in range(first, first + count):
        data = MAKERS[kind](np.random.default_rng([seed, number]), files)
        (folder / "tried").write_bytes(data)
        Path("/proc/self/clear_refs").write_text("5")  # begins VmHWM anew
        before, start = status("VmRSS"), time.perf_counter()
        signal.alarm(SECONDS)
        try:
            found[tried(data, np.random.default_rng(number), codecs)] += 1
        finally:
            signal.alarm(0)
        slowest = max(slowest, (time.perf_counter() - start, number))
        largest = max(largest, (status("VmHWM") - before, number))
    print(json.dumps({**found, "slowest": slowest, "largest": largest}))


def status(name: str) -> int:
    """Return a line of /proc/self/status, in kB."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{name}:")[2].split()[0])


def tried(data: bytes, random: np.random.Generator, codecs: list[Any]) -> str:
    """Return what became of a file; any other exception than a ServiceError ends the process."""
    try:
        model = Model(data)
    except ServiceError as error:
        _check(error, {Problem.MODEL_INVALID})
        return "did not load" if "does not load" in error.detail else "refused"
    json.dumps(model.card.document, allow_nan=False)
    width, outcome = len(model.card.features), "scored"
    for count in (1, 2, 3, BATCH_ROWS + 1):
        rows = random.normal(size=(count, width)) * 10.0 ** random.integers(-3, 5)
        if not model.card.numeric or random.random() < 0.5:
            rows = rows.round()
        try:
            scores = model.score(rows, 2)
        except ServiceError as error:
            _check(error, {Problem.MODEL_INVALID, *ANSWERS})
            outcome = "did not run" if error.problem is Problem.MODEL_INVALID else outcome
            continue
        assert scores.prediction.shape == (count,)
        if scores.probabilities is not None:
            assert scores.probabilities.shape == (count, len(model.card.classes))
        if model.card.task == "classification":
            assert set(scores.prediction[:10].tolist()) <= set(model.card.classes) or outcome == "did not run"
        for each in codecs:
            with contextlib.suppress(ServiceError):
                each.encode(scores.prediction, scores.probabilities, model.card.classes)
    return outcome


def _check(error: ServiceError, problems: set[Kind]) -> None:
    if error.problem not in problems:
        raise error


if __name__ == "__main__":
    main()
