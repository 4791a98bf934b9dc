"""Simulate calls of the service on Lambda: latency, cold starts and cost, written into docs/scaling.md with a plot."""

from __future__ import annotations

import argparse
import sys

from benchmarks.between import write
from benchmarks.results import COLD_LATE, WARM
from benchmarks.simulation.chart import draw
from benchmarks.simulation.measured import Spread, spread
from benchmarks.simulation.page import lines
from benchmarks.simulation.runs import Plan, runs
from scripts.emulator import ROOT

RESULTS = ROOT / "benchmarks" / "RESULTS.md"
PAGE = ROOT / "docs" / "scaling.md"
CHART = ROOT / "docs" / "scaling.svg"
PROGRAM = "benchmarks.simulate"


def main() -> int:
    """Run the simulation and print its table; with the default plan, write page and plot."""
    parser = argparse.ArgumentParser(prog=f"python -m {PROGRAM}", description=__doc__)
    parser.add_argument("--rate", type=float, default=20, help="calls a second in the mean (%(default)g)")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    plan = Plan(asked.rate, asked.minutes * 60, asked.seed)
    start, call = measured()
    found = list(runs(plan, start, call))
    written = list(lines(plan, start, call, found))
    print(*written, sep="\n")
    if plan == Plan():
        write(PAGE, PROGRAM, written)
        draw(found, CHART)
    return 0


def measured() -> tuple[Spread, Spread]:
    """Return how long the start of an environment takes, and a call, as the page of results has them."""
    results = RESULTS.read_text()
    call = spread(results, WARM)
    return spread(results, COLD_LATE).without(call.median), call  # a cold start there has a call in it


if __name__ == "__main__":
    sys.exit(main())
