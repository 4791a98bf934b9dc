"""Measure the contenders side by side, in one run, and write benchmarks/RESULTS.md."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import pickle
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import joblib
from rich.console import Console

from benchmarks.harness import Contender, Measurements, measure
from convert.export import export
from convert.publish import publish
from convert.train import train
from convert.verify import verify
from layers.architecture import host_architecture
from layers.archive import write_zip
from scripts.deployment import Deployment
from scripts.emulator import ROOT, Emulator, start
from scripts.runtime import Tree, unpack

BUCKET = "bench"
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
EVENT = ROOT / "tests" / "events" / "predict-rest-api.json"
EXPECTED = {"prediction": [2, 1]}


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=11)
    repetitions = parser.parse_args().repetitions
    with tempfile.TemporaryDirectory(prefix="plume-") as name, start(Path(name) / "emulator") as emulator:
        folder = Path(name)
        os.environ.update(emulator.environ())
        Deployment(emulator).make_bucket(BUCKET)
        contenders = [make_plume(folder, emulator), make_seed(folder, emulator)]
        event = json.loads(EVENT.read_text())
        event["resource"] = event["requestContext"]["resourcePath"] = "/predict"
        report = markdown(contenders, measure(contenders, event, EXPECTED, repetitions), repetitions)
    RESULTS.write_text(report)
    print(report)
    return 0


def make_plume(folder: Path, emulator: Emulator) -> Contender:
    """Return this project's layer and function, its model on S3."""
    model = train(folder / "iris.joblib")[0]
    export(model, folder / "iris.onnx", name="iris")
    verify(model, folder / "iris.onnx", None, Console(quiet=True))
    uri = f"s3://{BUCKET}/models/iris.onnx"
    publish(folder / "iris.onnx", uri)
    layer = ROOT / "build" / f"layer-{host_architecture().name}.zip"
    tree = unpack(layer, folder / "plume")
    write_zip(tree.task, folder / "function.zip")
    zipped = layer.stat().st_size + (folder / "function.zip").stat().st_size
    environ = emulator.aws_environ() | {"MODEL_URI": uri}
    return Contender("plume", tree, "lambda_fn.handler.predict", environ, zipped, size_of(folder / "plume"))


def make_seed(folder: Path, emulator: Emulator) -> Contender:
    """Return the stack of 2017, its estimator pickled on S3."""
    estimator = joblib.load(folder / "iris.joblib")
    Deployment(emulator).client("s3").put_object(Bucket=BUCKET, Key="iris.pickle", Body=pickle.dumps(estimator))
    [packages] = (ROOT / ".tools" / "seed").glob("lib/*/site-packages")
    tree = Tree(folder / "seed" / "opt", folder / "seed" / "task")
    ignored = shutil.ignore_patterns("__pycache__", "boto3*", "botocore*", "pip", "pip-*", "wheel*", "setuptools*")
    shutil.copytree(packages, tree.opt / "python", ignore=ignored)
    shutil.copytree(ROOT / "benchmarks" / "contenders" / "seed", tree.task)
    write_zip(folder / "seed", folder / "seed.zip")
    environ = emulator.aws_environ() | {"ESTIMATOR_URI": f"s3://{BUCKET}/iris.pickle", "OPENBLAS_NUM_THREADS": "1"}
    zipped = (folder / "seed.zip").stat().st_size
    return Contender("seed", tree, "app.app", environ, zipped, size_of(folder / "seed"))


def size_of(folder: Path) -> int:
    """Return the bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def markdown(contenders: Sequence[Contender], results: dict[str, Measurements], repetitions: int) -> str:
    """Return the results as a page: each figure, and its ratio to plume's."""
    versions = {name: importlib.metadata.version(name) for name in ("onnxruntime", "numpy", "scikit-learn")}
    rows = {
        "zipped, MB": [contender.zipped / 1e6 for contender in contenders],
        "unzipped, MB": [contender.unzipped / 1e6 for contender in contenders],
        "cold start, ms": [statistics.median(results[contender.name].cold) * 1e3 for contender in contenders],
        "warm round trip, ms": [statistics.median(results[contender.name].warm) * 1e3 for contender in contenders],
        "peak memory, MB": [statistics.median(results[contender.name].memory) / 1e6 for contender in contenders],
    }
    spread = ", ".join(
        f"{name} {min(result.cold) * 1e3:.0f} to {max(result.cold) * 1e3:.0f}" for name, result in results.items()
    )
    setting = (
        f"Written by `make bench`. Medians of {repetitions} interleaved repetitions through AWS's Runtime Interface"
        f" Emulator and awslambdaric, on {platform.system()} {platform.machine()} with {os.cpu_count()} cores,"
        f" Python {platform.python_version()}, {', '.join(f'{name} {version}' for name, version in versions.items())}."
        " The model is on an S3 on loopback. A cold start is the time from the start of the process to the first"
        " scored answer, the emulator's own start included."
    )
    lines = [
        "# Results",
        "",
        setting,
        "",
        "- **plume**: this project; the layer and the function.",
        "- **seed**: Chalice, scikit-learn, and the pickled estimator on S3, without the boto3 that Lambda brings,",
        "  and without bytecode, which a Chalice package does not ship.",
        "",
        "| | " + " | ".join(contender.name for contender in contenders) + " | seed / plume |",
        "|---|" + "---|" * (len(contenders) + 1),
        *(
            f"| {what} | "
            + " | ".join(f"{value:.{1 if value < 10 else 0}f}" for value in values)
            + f" | {values[-1] / values[0]:.1f} |"
            for what, values in rows.items()
        ),
        "",
        f"Spread of the cold starts, ms: {spread}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
