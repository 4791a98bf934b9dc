"""Score large bodies in each dialect, compare the answers, measure, and write benchmarks/BULK.md."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from benchmarks.bulk.calls import BODY_BYTES, JSON, NPY, PAIRS
from benchmarks.harness import DisagreementError
from benchmarks.tables import table, target_table
from benchmarks.targets import Target
from convert.export import export
from convert.train import train
from scripts.emulator import ROOT

RESULTS = ROOT / "benchmarks" / "BULK.md"
THREADS = (1, 2)
BOOSTING = "GradientBoosting, 100 trees of depth 3, 10 features"


@dataclass(frozen=True, slots=True)
class Measured:
    """A model, its rows a second by threads and pair, and the peak memory of a call, in bodies, by pair.

    engine: rows a second of the engine alone, with one thread: what no dialect can exceed.
    body: rows a second from the bytes of an NPY body to those of its answer, with one thread.
    """

    name: str
    rates: dict[int, list[float]]
    engine: float
    body: float
    memory: list[dict[str, float]]


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="plume-") as name:
        measured = [measure(*model, asked.repetitions) for model in models(Path(name))]
    report = markdown(measured, asked.repetitions)
    asked.out.write_text(report)
    print(report)
    return 0


def models(folder: Path) -> list[tuple[str, Path, int]]:
    """Return names, model files and how many features: what scores at no cost, what does not, and by bit masks."""
    export(train(folder / "iris.joblib")[0], folder / "iris.onnx", name="iris")
    rows = np.random.default_rng(0).uniform(0.1, 7.9, (1000, 10))
    forest = RandomForestClassifier(100, max_depth=8, random_state=0).fit(rows, np.digitize(rows[:, 0], [3, 5]))
    joblib.dump(forest, folder / "forest.joblib")
    export(folder / "forest.joblib", folder / "forest.onnx", name="forest")
    labels = np.digitize(rows[:, 0] + rows[:, 1] * rows[:, 2] / 4 + np.random.default_rng(1).normal(size=1000), [8])
    joblib.dump(GradientBoostingClassifier(random_state=0).fit(rows, labels), folder / "boosting.joblib")
    export(folder / "boosting.joblib", folder / "boosting.onnx", name="boosting")
    return [
        ("the demo model, 2 features", folder / "iris.onnx", 2),
        ("RandomForest, 100 trees of depth 8, 10 features", folder / "forest.onnx", 10),
        (BOOSTING, folder / "boosting.onnx", 10),
    ]


def measure(name: str, model: Path, features: int, repetitions: int) -> Measured:
    """Measure a model; raise DisagreementError if an answer differs by dialect or by threads."""
    speeds = {threads: run(model, threads, "speed", features, repetitions) for threads in THREADS}
    if not all(speed["agree"] for speed in speeds.values()):
        raise DisagreementError(f"{name}: the answers in the dialects are not the same")
    if len({speed["digest"] for speed in speeds.values()}) > 1:
        raise DisagreementError(f"{name}: threads change the bits")
    memory = [run(model, max(THREADS), "memory", features, pair) for pair in range(len(PAIRS))]
    rates = {threads: speed["rates"] for threads, speed in speeds.items()}
    engine, body = (max(speed[what] for speed in speeds.values()) for what in ("engine", "body"))
    return Measured(name, rates, engine, body, memory)


def run(model: Path, threads: int, *arguments: str | int) -> Any:
    """Return what a process of the function says."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bulk.calls", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "MODEL_URI": model.as_uri(), "SCORING_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def markdown(measured: Sequence[Measured], repetitions: int) -> str:
    """Return the results as a page."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("onnxruntime", "numpy"))
    setting = (
        f"Written by `make bench`. Whole events of an HTTP API through `lambda_fn.handler.predict`, with bodies of"
        f" {BODY_BYTES:,} bytes of random rows with all their digits; the best of {repetitions} interleaved calls, on"
        f" {platform.system()} {platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()},"
        f" {versions}. In parentheses the ratio to JSON. The answers were the same in all dialects and, bit for bit,"
        " with any number of threads. The engine alone is `session.run` in one thread on rows that are an array:"
        " what a model takes by itself bounds how many times as many rows of NPY as of JSON are scored. Memory is"
        " the peak of a call beyond what the process had before with the event in it, as a multiple of the body: of"
        " the process, and of what Python and numpy allocated."
    )
    return "\n".join(["# Bulk", "", setting, *(line for each in measured for line in _section(each))]) + "\n"


def targets(measured: Measured) -> Iterator[Target]:
    """Return every target with what was measured of it."""
    npy = PAIRS.index((NPY, NPY))
    for threads, rates in measured.rates.items():
        what = f"rows of NPY a second / rows of JSON, {_threads(threads)}"
        yield Target(what, 5, rates[npy] / rates[PAIRS.index((JSON, JSON))], at_least=True)
    if measured.name == BOOSTING:
        yield Target("NPY from body to answer / the engine", 0.85, measured.body / measured.engine, at_least=True)
        whole = measured.rates[1][npy] / measured.engine
        yield Target("NPY, the whole event with its base64 / the engine", 0.85, whole, at_least=True)
    yield Target("memory of any pair, in bodies", 4, max(max(each.values()) for each in measured.memory))


def _section(measured: Measured) -> list[str]:
    rows = []
    for number, (kind, accept) in enumerate(PAIRS):
        rates = [f"{rates[number]:,.0f} ({rates[number] / rates[0]:.1f})" for rates in measured.rates.values()]
        memory = [f"{measured.memory[number][what]:.1f}" for what in ("resident", "traced")]
        rows.append([f"{_short(kind)} → {_short(accept)}", *rates, *memory])
    rows.append(["NPY → NPY, without the event", _by_json(measured.body, measured), *["-"] * (len(measured.rates) + 1)])
    alone = _by_json(measured.engine, measured)
    rows.append(["the engine alone", alone, *["-"] * (len(measured.rates) + 1)])
    heads = ["", *(f"rows a second, {_threads(threads)}" for threads in measured.rates)]
    heads += ["memory, process", "memory, Python"]
    return ["", f"## {measured.name}", "", *table(heads, rows), "", *target_table(targets(measured))]


def _by_json(rate: float, measured: Measured) -> str:
    return f"{rate:,.0f} ({rate / measured.rates[1][0]:.1f})"


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def _short(kind: str) -> str:
    return {JSON: "JSON", NPY: "NPY"}.get(kind, "CSV")


if __name__ == "__main__":
    sys.exit(main())
