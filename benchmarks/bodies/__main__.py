"""Send bodies of 6 MB that mean harm, each to a process of its own, and write what they take into docs/reliability.md.

``python -m benchmarks.bodies`` takes some minutes.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from benchmarks.bodies.bodies import CSV, JSON, NPY, bodies
from convert.export import export
from convert.train import train
from scripts.emulator import ROOT

RESULTS = ROOT / "docs" / "reliability.md"
SIZE = 6_000_000
"""The limit of a body, `MAX_BODY_BYTES`."""
LARGEST_PEAK, LONGEST = 250e6, 3.0
"""The targets: bytes beyond the process, seconds."""
START, END = "<!-- the table: python -m benchmarks.bodies -->", "<!-- end of the table -->"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one body took: bytes beyond the process, seconds of one core; and how it was answered."""

    kind: str
    model: str
    body: str
    code: str
    peak: int
    seconds: float


def models(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the models by name: the demo, a feature of strings beside a boolean, and many features."""
    chance = np.random.default_rng(0)
    demo, _ = train(folder / "demo.joblib")
    words = pd.DataFrame({"city": chance.choice(list("xyz"), 300), "on": chance.choice([True, False], 300)})
    encoder = ColumnTransformer([("city", OneHotEncoder(handle_unknown="ignore"), ["city"])], remainder="passthrough")
    words_tree = make_pipeline(encoder, DecisionTreeClassifier()).fit(words, chance.choice(["no", "yes"], 300))
    single = DecisionTreeClassifier(max_depth=3).fit(chance.normal(size=(200, 1)), chance.integers(0, 2, 200))
    wide = DecisionTreeClassifier(max_depth=3).fit(chance.normal(size=(50, 1000)), chance.integers(0, 2, 50))
    joblib.dump(words_tree, folder / "words.joblib")
    joblib.dump(single, folder / "single.joblib")
    joblib.dump(wide, folder / "wide.joblib")
    words.to_csv(folder / "words.csv", index=False)
    names = {"2 numbers": demo, "1 number": folder / "single.joblib", "1,000 numbers": folder / "wide.joblib"}
    for name, path in (names | {"a string, a boolean": folder / "words.joblib"}).items():
        export(path, path.with_suffix(".onnx"), name=path.stem)
        yield name, path.with_suffix(".onnx")


def measure(kind: str, model: str, path: Path, body: str, accept: str, probabilities: bool) -> Measured:
    """Send one body to a new process; raise RuntimeError if that dies of it."""
    environ = os.environ | {"MODEL_URI": path.as_uri(), "SCORING_THREADS": "1"}
    command = ["benchmarks.bodies.call", kind, body, str(SIZE), accept, str(probabilities).lower()]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{body} ended the process: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    asked = f"{body}, answered in JSON with probabilities" if probabilities else body
    return Measured(kind, model, asked, found["code"], found["bytes"], found["seconds"])


def measure_all(folder: Path) -> Iterator[Measured]:
    """Yield what each body of each dialect takes with each model; many rows also with the longest answer."""
    any_feature: list[dict[str, Any]] = [{"name": "a", "type": "float", "accepts": {}}]
    for model, path in models(folder):
        for kind in (JSON, CSV, NPY):
            if kind == NPY and "string" in model:
                continue  # which NPY has no strings for
            for body in bodies(kind, any_feature, 2_000):
                yield measure(kind, model, path, body, kind, False)
            for body in {"rows", "u1", "f8"} & bodies(kind, any_feature, 2_000).keys():
                yield measure(kind, model, path, body, JSON, True)


def worst(found: Sequence[Measured]) -> list[str]:
    """Return the lines of a table: of each dialect the bodies that take the most memory, and the most time."""
    lines = ["| dialect | body | model | answer | peak, MB | s |", "|---|---|---|---|---|---|"]
    for kind in (JSON, CSV, NPY):
        of_kind = [each for each in found if each.kind == kind]
        by_peak = sorted(of_kind, key=lambda each: -each.peak)[:2]
        by_time = sorted(of_kind, key=lambda each: -each.seconds)[:2]
        for each in dict.fromkeys([*by_peak, *by_time]):
            peak, seconds = f"{each.peak / 1e6:.0f}", f"{each.seconds:.1f}"
            body = each.body.replace("\\", "\\\\")
            lines.append(f"| `{kind}` | {body} | {each.model} | `{each.code}` | {peak} | {seconds} |")
    return lines


def main() -> None:
    """Measure, and put the table where it belongs; exit with 1 if a target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        found = list(measure_all(Path(folder)))
    missed = [each for each in found if each.peak > LARGEST_PEAK or each.seconds > LONGEST]
    above = f"{len(found)} bodies were tried, {len(missed)} missed a target. {platform.machine()}, Python 3.13."
    text = RESULTS.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    RESULTS.write_text("\n".join([before + START, *worst(found), "", above, END + after]))
    for each in missed:
        print("missed:", each)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
