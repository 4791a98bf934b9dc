"""What was measured of bulk workers, as a page."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.tables import table, target_table
from benchmarks.targets import Target

OURS, FLOOR = "Plume", "floor"
WAYS = {"CSV": ("pandas", "pyarrow"), "JSONL": ("read_json",), "NPY": ("numpy",)}
"""What reads and writes for scikit-learn, by format; the first is what a target is about."""
SMALL_ALONE = frozenset({"JSONL"})
"""Formats that are measured with the small model alone, and have no target."""
LIMITS: dict[bool, dict[str, float]] = {True: {"CSV": 5, "NPY": 15}, False: {"CSV": 1.3, "NPY": 1.7}}
"""How many times as many rows as that, where scoring costs next to nothing, and where it does not."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rows a second of a model and a format, by who scores; of a row by ours, bytes read and written, µs of the CPU."""

    kind: str
    rates: Mapping[str, float]
    read: float
    written: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """All figures.

    models: name, whether it is the small one, the rates. memory: MB of a chunk, and of the peak, by ours.
    workers: how many of them shared a run, rows a second, and seconds of the CPU of all.
    refused: how many rows a table in CSV had of which a tenth was refused, and skipped; rows a second.
    """

    rows: int
    runs: int
    models: Sequence[tuple[str, bool, Sequence[Rates]]]
    memory: Sequence[tuple[float, float]]
    workers: Mapping[int, tuple[float, float]]
    refused: tuple[int, float]


def markdown(measured: Measured) -> str:
    """Return the results as a page."""
    packages = ("onnxruntime", "numpy", "scikit-learn", "pandas", "pyarrow", "boto3")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    setting = (
        f"Written by `make bench`. {measured.rows:,} rows of a table on S3 become labels and probabilities on S3. Plume"
        " is one worker: `lambda_fn.bulk.handler.score` for each chunk of a run that was planned before. pandas and"
        " pyarrow stand for: read the object with boto3, `read_csv`, scikit-learn's `predict_proba`, write CSV, put the"
        " object; read_json for the same with pandas' `read_json` and `to_json`, a line for each row, in 15 digits;"
        " numpy for `np.load`, `predict_proba`, `np.save`. The floor reads the same object and writes as many"
        " bytes as Plume does, and nothing else. Each is a process of its own on one core, with one thread to compute,"
        f" its model loaded; the better of {measured.runs} runs counts, and what Plume's process took of the CPU in it."
        " S3 is a process on the other core that keeps"
        " objects as files, and answers at once: on AWS a network and its delays come on top, for all alike. Bodies are"
        " not signed, as over TLS; TLS itself is left out. In parentheses how many times as many rows Plume scores."
        " Labels were the same, and probabilities within 1e-15."
    )
    where = (
        f"{platform.system()} {platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()},"
        f" {versions}."
    )
    sections = [line for name, small, rates in measured.models for line in _section(name, small, rates)]
    others = [*_refused(measured), *_memory(measured), *_workers(measured)]
    return "\n".join(["# Bulk workers", "", setting, "", where, *sections, *others, ""])


def targets(small: bool, rates: Sequence[Rates]) -> Iterator[Target]:
    """Return every target of a model with what was measured of it."""
    for each in rates:
        if each.kind in SMALL_ALONE:
            continue
        other = WAYS[each.kind][0]
        ratio = each.rates[OURS] / each.rates[other]
        yield Target(f"rows of {each.kind} a second / with {other}", LIMITS[small][each.kind], ratio, at_least=True)


def _section(name: str, small: bool, rates: Sequence[Rates]) -> Iterator[str]:
    others = [way for ways in WAYS.values() for way in ways]
    heads = ["", "Plume, rows a second", "bytes read, a row", "bytes written", "µs of CPU", *others, FLOOR]
    rows = []
    for each in rates:
        ours = each.rates[OURS]
        cells = [_beside(each.rates.get(way), ours) for way in (*others, FLOOR)]
        rows.append([f"{each.kind} → {each.kind}", f"{ours:,.0f}", f"{each.read:.1f}", f"{each.written:.1f}"])
        rows[-1] += [f"{each.cpu:.2f}", *cells]
    yield from ["", f"## {name}", "", *table(heads, rows), "", *target_table(targets(small, rates))]


def _beside(rate: float | None, ours: float) -> str:
    return "-" if rate is None else f"{rate:,.0f} ({ours / rate:.2f})"


def _refused(measured: Measured) -> Iterator[str]:
    count, rate = measured.refused
    text = (
        f"{count:,} rows in CSV for the demo model, of which every tenth is refused, with `on_error` `skip`:"
        f" {rate:,.0f} rows a second, those that are refused among them."
    )
    yield from ["", "## Rows that are refused", "", text]


def _memory(measured: Measured) -> Iterator[str]:
    rows = [[f"{size:,.0f}", f"{peak:,.0f}"] for size, peak in measured.memory]
    text = "The peak of a worker's process that scores one chunk of CSV, 10 features of all digits."
    yield from ["", "## Memory", "", text, "", *table(["chunk, MB", "peak, MB"], rows)]


def _workers(measured: Measured) -> Iterator[str]:
    one, _ = next(iter(measured.workers.values()))
    rows = [
        [str(count), f"{rate:,.0f}", f"{rate / one:.2f}", f"{cpu:.1f}"]
        for count, (rate, cpu) in measured.workers.items()
    ]
    text = (
        f"One run of 8 chunks of that table, shared by workers on any core; S3 takes its share of the"
        f" {os.cpu_count()} cores, and each worker loads the model first."
    )
    heads = ["workers", "rows a second", "times one", "seconds of CPU, all"]
    yield from ["", "## Workers side by side", "", text, "", *table(heads, rows)]
