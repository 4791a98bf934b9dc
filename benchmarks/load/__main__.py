"""Call the service while models change and S3 fails; write benchmarks/LOAD.md and load.png; exit with 1 if it errs."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.load.chart import draw
from benchmarks.load.findings import findings
from benchmarks.load.page import page
from benchmarks.load.run import Plan, run
from layers.architecture import host_architecture
from scripts.emulator import ROOT, start
from scripts.runtime import unpack

RESULTS = ROOT / "benchmarks" / "LOAD.md"
CHART = ROOT / "benchmarks" / "load.png"
CALLS = 20_000
LISTED = 50


def main() -> int:
    """Run, and write what came of it if these are all calls."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument(
        "--seconds", type=float, default=900, help="at the most; calls that are not made by then are wrong"
    )
    parser.add_argument("--environments", type=int, default=4, help="at the most, at a time")
    parser.add_argument("--rounds", type=int, default=5, help="how often all changes are made")
    parser.add_argument("--seed", type=int, default=0)
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="plume-") as name, start(Path(name) / "emulator") as emulator:
        os.environ.update(emulator.environ())
        tree = unpack(ROOT / "build" / f"layer-{host_architecture().name}.zip", Path(name))
        outcome = run(Path(name), tree, emulator, plan)
    found = findings(outcome)
    report = page(outcome, found)
    if plan.calls >= CALLS:
        RESULTS.write_text(report)
        draw(outcome, found, CHART)
    print(report)
    for wrong in found.wrong[:LISTED]:
        print(wrong)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
