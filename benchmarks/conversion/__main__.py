"""Convert a number of models by each contender, compare answers, measure, and write benchmarks/CONVERSION.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.conversion.contenders import (
    BIT_MASKS,
    COMPILERS,
    CONTENDERS,
    TREE_OPERATOR,
    VOTES,
    Answers,
    Compiled,
    Contender,
    ForManyRows,
    Maker,
    NotConvertedError,
    Plume,
    TreeOperator,
)
from benchmarks.conversion.models import TRIED_ROWS, Model, fitted_models
from benchmarks.harness import DisagreementError
from convert.proof.parity import BATCH_ROWS
from scripts.emulator import ROOT

RESULTS = ROOT / "benchmarks" / "CONVERSION.md"
TRIED = Path(__file__).parent / "tried.md"
"""What was tried and left: the end of the page, which no run writes."""
EXACT = 1e-15
"""What our probabilities may differ by, and our values as part of the largest."""
CLOSE = 1e-4
"""The same for the others."""
NONE = "-"
COMPILED = ("tl2cgen", "lleaves", "YDF")
OWN = (Plume, TreeOperator, ForManyRows)
CHOSEN = 0.95
"""How fast the graph that is chosen for many rows is to be at the least, as part of the fastest of them."""
TARGETS: dict[str, tuple[float, float, float]] = {
    "GradientBoosting, 100 trees of depth 3": (2.8, 1.5, 3.0),
    "GradientBoosting, 3 classes, 4 features": (2.5, 1.3, 2.5),
    "GradientBoosting, depth 4": (1.9, 1.1, 1.9),
    "GradientBoosting, 1,000 trees, 50 features": (1.4, 1.3, 1.5),
    "HistGradientBoosting, 100 iterations": (2.0, 1.0, 1.2),
    "RandomForest, 100 trees of depth 5": (2.5, 1.0, 1.5),
}
"""Rows a second of Plume are to be so many times those of `AGAINST`."""
AGAINST = ("scikit-learn", "tl2cgen", TREE_OPERATOR)


@dataclass(slots=True)
class Result:
    """What a contender showed with a model: seconds, bytes, seconds a call, rows a second; or why it did not."""

    note: str = ""
    seconds: float | None = None
    size: int | None = None
    latencies: list[float] = field(default_factory=list)
    throughputs: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Measured:
    """A model, the strategy that was chosen for it, and the results by contender.

    crossing: from how many rows on its companion scores them, and how many times as fast it is then, and for twice as
    many; None where there is none.
    """

    name: str
    strategy: str
    results: dict[str, Result]
    crossing: tuple[int, float, float] | None = None


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conversion", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--compilers", type=Path, default=COMPILERS, help="an interpreter that has them")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="plume-") as name, threadpool_limits(1):
        folder = Path(name)
        others = {each: partial(Compiled, by=each, python=asked.compilers) for each in COMPILED}
        makers = CONTENDERS | others
        measured = [measure(model, folder, asked.repetitions, makers) for model in fitted_models(folder)]
    report = markdown(measured, asked.repetitions)
    asked.out.write_text(report)
    print(report)
    return 0


def measure(model: Model, folder: Path, repetitions: int, makers: Mapping[str, Maker] = CONTENDERS) -> Measured:
    """Convert `model` by all, compare what they answer, then measure them in turns."""
    results = {name: Result() for name in CONTENDERS | dict(makers)}
    running: dict[str, Contender] = {}
    with ExitStack() as stack:
        for name, make in makers.items():
            try:
                running[name] = stack.enter_context(closing(make(model, folder)))
            except NotConvertedError as error:
                results[name].note = f"not converted: {error}"
        rows = np.concatenate([model.training, model.random])
        expected = running["scikit-learn"].answer(rows)
        for name, contender in running.items():
            result = results[name]
            result.seconds, result.size = contender.seconds, contender.size
            result.note = check(f"{name} of {model.name}", expected, contender.answer(rows), isinstance(contender, OWN))
        for _ in range(repetitions):
            for name, contender in running.items():
                results[name].latencies.append(contender.latency(model.random))
                results[name].throughputs.append(contender.throughput(model.random))
        plume, crossing = running["Plume"], None
        if isinstance(plume, Plume) and plume.from_rows is not None:
            first, second = (plume.crossing(model.random, plume.from_rows * times) for times in (1, 2))
            crossing = plume.from_rows, first, second
        return Measured(model.name, getattr(plume, "strategy", ""), results, crossing)


def check(what: str, expected: Answers, actual: Answers, exact: bool) -> str:
    """Return what differs; raise DisagreementError if anything does of what is to be exact."""
    labels = 0
    if expected.labels is not None and actual.labels is not None:
        labels = int((expected.labels != actual.labels).sum())
    largest = max(1.0, float(np.abs(expected.numbers).max()))
    difference = float(np.abs(expected.numbers - actual.numbers).max()) / largest
    if exact and (labels or not difference <= EXACT):
        raise DisagreementError(f"{what}: {labels} labels differ, and numbers by {difference}")
    if labels:
        return f"wrong: {labels:,} labels differ"
    if not difference <= CLOSE:
        return f"wrong: off by {difference:.0e}"
    return "same bits" if difference == 0 else f"within {difference:.0e}"


def markdown(measured: Sequence[Measured], repetitions: int) -> str:
    """Return the results as a page of one table for each figure."""
    packages = ("onnxruntime", "scikit-learn", "skl2onnx", "numpy")
    setting = (
        f"Written by `make bench`. The best of {repetitions} interleaved repetitions on one thread, on"
        f" {platform.system()} {platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()},"
        f" {', '.join(f'{package} {version(package)}' for package in packages)}; in parentheses the ratio to"
        f" scikit-learn, more is better. Rows are float64 and come {BATCH_ROWS:,} at once; in calls with 2 rows, each"
        " has others than the one before, and the median call counts."
    )
    lines = [
        "# Conversion",
        "",
        setting,
        "",
        "- **scikit-learn**: `predict_proba` or `predict`, the joblib file.",
        "- **skl2onnx**: float32, without ZipMap, in onnxruntime; label and probabilities.",
        "- **tl2cgen**: C, compiled by gcc -O3; probabilities.",
        "- **lleaves**: LightGBM's models, compiled by LLVM; probabilities of the second class.",
        "- **YDF**: forests and trees of scikit-learn, in float32; probabilities.",
        f"- **{TREE_OPERATOR}**: ours, what calls of few rows take; in onnxruntime, label and probabilities.",
        f"- **{BIT_MASKS}**, **{VOTES}**: ours, the graphs for many rows, chosen or not; the same.",
        "- **Plume**: ours, by the graphs that it chooses, that for many rows stands beside the model; the same.",
        "",
        f"Answers on the training rows and {TRIED_ROWS:,} random ones, compared with scikit-learn's:",
        "",
        *_table(measured, lambda result, _: result.note or NONE),
        "",
        "Rows a second:",
        "",
        *_table(measured, _throughput),
        "",
        "Targets, rows a second of Plume against those of others in this run:",
        "",
        *_targets(measured),
        "",
        f"The graph that scores {BATCH_ROWS:,} rows, and its speed as part of our fastest one's (≥ {CHOSEN:g}):",
        "",
        *_choices(measured),
        "",
        "A call with 2 rows, µs:",
        "",
        *_table(measured, _latency),
        "",
        "File, kB (compilers: the library; Plume: without its companion, which is the graph for many rows):",
        "",
        *_table(measured, _size),
        "",
        "Export, s:",
        "",
        *_table(measured, lambda result, _: NONE if result.seconds is None else f"{result.seconds:.2f}"),
        "",
        *TRIED.read_text().splitlines(),
    ]
    return "\n".join(lines) + "\n"


def _table(measured: Sequence[Measured], cell: Callable[[Result, Result], str]) -> Iterator[str]:
    yield f"| | {' | '.join(CONTENDERS)} |"
    yield "|---|" + "---|" * len(CONTENDERS)
    for each in measured:
        reference = each.results["scikit-learn"]
        cells = [cell(result, reference) for result in each.results.values()]
        yield f"| {each.name}: {each.strategy} | {' | '.join(cells)} |"


def _targets(measured: Sequence[Measured]) -> Iterator[str]:
    yield f"| | {' | '.join(AGAINST)} | behind what is compiled? |"
    yield "|---|" + "---|" * (len(AGAINST) + 1)
    for each in measured:
        own, cells = _rate(each.results["Plume"]), []
        for limit, other in zip(TARGETS.get(each.name, (None,) * len(AGAINST)), AGAINST, strict=True):
            rate = _rate(each.results[other])
            ratio = own / rate if rate else None
            reached = "" if limit is None or ratio is None else f" (≥ {limit:g}{'' if ratio >= limit else ': **no**'})"
            cells.append(NONE if ratio is None else f"{ratio:.2f}{reached}")
        behind = [f"**{name}, {own / rate:.2f}**" for name in COMPILED if (rate := _rate(each.results[name])) > own]
        yield f"| {each.name} | {' | '.join(cells)} | {', '.join(behind) or 'no'} |"


def _choices(measured: Sequence[Measured]) -> Iterator[str]:
    yield "| | chosen | of the fastest | from rows | there, as fast as the tree operator | at twice as many |"
    yield "|---|---|---|---|---|---|"
    for each in measured:
        rates = {name: _rate(each.results[name]) for name in (TREE_OPERATOR, BIT_MASKS, VOTES, "Plume")}
        columns = {"float64 trees": TREE_OPERATOR, BIT_MASKS: BIT_MASKS, VOTES: VOTES}
        chosen = rates[columns.get(each.strategy, "Plume")]  # the column of that graph itself, if there is one
        others = [rate for name, rate in rates.items() if name != "Plume"]
        part = min(1.0, chosen / max(others))
        from_rows, *times = (NONE,) * 3
        if each.crossing is not None:
            from_rows, times = str(each.crossing[0]), [f"{ratio:.2f}" for ratio in each.crossing[1:]]
        said = f"{part:.2f}{'' if part >= CHOSEN else ': **no**'}"
        yield f"| {each.name} | {each.strategy} | {said} | {from_rows} | {' | '.join(times)} |"


def _rate(result: Result) -> float:
    return max(result.throughputs, default=0.0)


def _throughput(result: Result, reference: Result) -> str:
    if not result.throughputs:
        return NONE
    return f"{max(result.throughputs):,.0f} ({max(result.throughputs) / max(reference.throughputs):.1f})"


def _latency(result: Result, reference: Result) -> str:
    if not result.latencies:
        return NONE
    return f"{min(result.latencies) * 1e6:,.1f} ({min(reference.latencies) / min(result.latencies):.0f})"


def _size(result: Result, reference: Result) -> str:
    if result.size is None or reference.size is None:
        return NONE
    return f"{result.size / 1e3:,.0f} ({reference.size / result.size:.1f})"


if __name__ == "__main__":
    sys.exit(main())
