"""Measure the contenders side by side, in one run, and write benchmarks/RESULTS.md and results.png."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.chart import draw
from benchmarks.harness import measure
from benchmarks.in_process import processes
from benchmarks.page import page
from benchmarks.proxy import certificate, latency
from benchmarks.results import Results, Size, figures
from benchmarks.stacks import Ports, contenders, prepare
from layers.architecture import ARCHITECTURES
from scripts.emulator import ROOT, start

RESULTS = ROOT / "benchmarks" / "RESULTS.md"
CHART = ROOT / "benchmarks" / "results.png"
EVENT = ROOT / "tests" / "events" / "predict-rest-api.json"
EXPECTED = {"prediction": [2, 1]}
S3_LATENCY_SECONDS = 0.020


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=11)
    with tempfile.TemporaryDirectory(prefix="plume-") as folder:
        results = run(Path(folder), parser.parse_args().repetitions)
    RESULTS.write_text(page(results))
    draw(results, CHART)
    print(page(results))
    return 0


def run(folder: Path, repetitions: int) -> Results:
    """Put the contenders together in `folder` and measure them."""
    event, authority = rest_event(), folder / "authority.pem"
    with (
        start(folder / "emulator") as emulator,
        latency(emulator.port, 0) as near,
        latency(emulator.port, S3_LATENCY_SECONDS) as late,
        latency(emulator.port, 0, certificate(authority)) as tls,
    ):
        os.environ.update(emulator.environ())
        site = prepare(folder, emulator, Ports(near, late, tls, authority))
        stacks = contenders(site)
        by_name = {contender.name: contender for contender in stacks}
        measured = measure(stacks, event, EXPECTED, repetitions)
        ours, bare = by_name["plume"], by_name["floor"]
        others = [each for each in stacks if each.scores and each not in (ours, bare)]
        calls = processes.measure(site, ours, bare, others, event)
    layers = {name: Size.of(ROOT / "build" / f"layer-{name}.zip") for name in ARCHITECTURES}
    return Results(figures(stacks, measured), calls, layers, repetitions)


def rest_event() -> Any:
    """Return a REST API's event for a resource of its own, which Chalice needs to find its route."""
    event = json.loads(EVENT.read_text())
    event["resource"] = event["requestContext"]["resourcePath"] = "/predict"
    return event


if __name__ == "__main__":
    sys.exit(main())
