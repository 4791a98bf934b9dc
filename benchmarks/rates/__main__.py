"""Score tables from S3 to S3 in each way, compare the answers, measure, and write benchmarks/RATES.md."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.harness import DisagreementError
from benchmarks.rates.page import FLOOR, OURS, SMALL_ALONE, WAYS, Measured, Rates, markdown
from benchmarks.rates.processes import BUCKET, Site, site
from benchmarks.rates.tables import Case, cases, repeated, with_refused
from scripts.deployment import Deployment
from scripts.emulator import ROOT

RESULTS = ROOT / "benchmarks" / "RATES.md"
ROWS, RUNS = 1_000_000, 2
COMPARED = 20_000
"""How many rows of the answers are compared."""
CLOSE = 1e-15
REFUSED_ROWS = 100_000
MEMORY_MB = (10, 100, 1000)
WORKERS = (1, 2, 4)
CHUNKS = 8


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rates", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="plume-") as name, site(Path(name)) as where:
        report = markdown(measure(where, Path(name), asked.rows))
    asked.out.write_text(report)
    print(report)
    return 0


def measure(where: Site, folder: Path, rows: int, memory_mb: Sequence[int] = MEMORY_MB) -> Measured:
    """Measure everything; raise DisagreementError if an answer differs by who gives it."""
    found = list(cases(folder, rows))
    models = [(case.name, case.small, [rates(where, case, kind) for kind in kinds(case)]) for case in found]
    small, wide = found
    peaks = [memory(where, wide, size) for size in memory_mb]
    return Measured(rows, RUNS, models, peaks, workers(where, wide), refused(where, small))


def kinds(case: Case) -> list[str]:
    """Return the formats that are measured with a model."""
    return [kind for kind in WAYS if case.small or kind not in SMALL_ALONE]


def rates(where: Site, case: Case, kind: str) -> Rates:
    """Return the rates of a model and a format, in all ways."""
    client = Deployment(where.s3).client("s3")
    key, folder = key_of(case, kind), f"{case.model.stem}/{kind}"
    client.put_object(Bucket=BUCKET, Key=key, Body=case.body(kind))
    os.sync()  # or whoever is measured first shares the machine with what writes it to the disk
    ours = where.run("ours", "rate", request(key, f"{folder}/ours/"), RUNS, model=case.model)
    taken = {OURS: ours["seconds"]}
    answers = _answers(client, ours["outputs"], kind)
    for way in WAYS[kind]:
        theirs = where.run("person", way, BUCKET, key, f"{folder}/{way}", str(case.estimator), RUNS)
        taken[way] = theirs["seconds"]
        compare(f"{case.name}, {kind}, {way}", answers, _answers(client, theirs["outputs"], kind))
    floor = where.run("floor", BUCKET, key, f"{folder}/floor", ours["bytes_out"], RUNS)
    taken[FLOOR] = floor["seconds"]
    count = len(case.rows)
    if ours["rows"] != count:
        raise DisagreementError(f"{case.name}, {kind}: {ours['rows']:,} of {count:,} rows were scored")
    by_way = {way: count / seconds for way, seconds in taken.items()}
    return Rates(kind, by_way, ours["bytes_in"] / count, ours["bytes_out"] / count, ours["cpu"] / count * 1e6)


def refused(where: Site, case: Case) -> tuple[int, float]:
    """Return the rows of a table in CSV of which a tenth is refused, and how many of them are done a second."""
    key, case = "in/refused.csv", replace(case, rows=case.rows[:REFUSED_ROWS])
    Deployment(where.s3).client("s3").put_object(Bucket=BUCKET, Key=key, Body=with_refused(case.csv()))
    found = where.run("ours", "rate", request(key, "refused/", on_error="skip"), RUNS, model=case.model)
    if found["refused"] != -(-found["rows"] // 10):
        raise DisagreementError(f"{found['refused']:,} of {found['rows']:,} rows were refused, expected a tenth")
    return found["rows"], found["rows"] / found["seconds"]


def memory(where: Site, case: Case, size_mb: int) -> tuple[float, float]:
    """Return the MB of a chunk of about that size, and the peak of the worker that scores it."""
    key, made = f"{size_mb}MB.csv", io.BytesIO()
    made.writelines(repeated(case.csv(), size_mb * 1_000_000))
    made.seek(0)
    Deployment(where.s3).client("s3").upload_fileobj(made, BUCKET, key)
    found = where.run("ours", "rate", request(key, f"{key}/out/", chunk_mb=0), 1, model=case.model)
    return found["bytes_in"] / 1e6, found["memory"] / 1e6


def workers(where: Site, case: Case) -> dict[int, tuple[float, float]]:
    """Return rows a second of a run's chunks, and seconds of the CPU in all, by how many workers share them."""
    key, shared = key_of(case, "CSV"), {}
    chunk_mb = round(len(case.csv()) / CHUNKS / 1e6, 3)
    for count in WORKERS:
        planned = request(key, f"workers/{count}/", chunk_mb=chunk_mb)
        items = where.run("ours", "plan", planned, model=case.model)
        if len(items) != CHUNKS:
            raise DisagreementError(f"{len(items)} chunks were planned, expected {CHUNKS}")
        seconds, cpu = where.share(items, count, case.model)
        shared[count] = len(case.rows) / seconds, cpu
    return shared


def key_of(case: Case, kind: str) -> str:
    """Return where a table is."""
    return f"in/{case.model.stem}.{kind.lower()}"


def request(key: str, out: str, **options: Any) -> dict[str, Any]:
    """Return what a run is asked for."""
    return {"input": f"s3://{BUCKET}/{key}", "output": f"s3://{BUCKET}/{out}", **options}


def _answers(client: Any, keys: Sequence[str], kind: str) -> NDArray[np.float64]:
    """Return the first answers in outputs, one behind the other: (n, 1 + classes), the label first."""
    found: list[NDArray[np.float64]] = []
    for key in keys:
        body = io.BytesIO(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        if kind == "CSV":
            found.append(pd.read_csv(body, nrows=COMPARED).to_numpy(np.float64))
            continue
        if kind == "JSONL":
            found.append(np.array([_answer(json.loads(line)) for line in islice(body, COMPARED)], np.float64))
            continue
        table = np.load(body)[:COMPARED]
        if table.dtype.names:
            table = np.column_stack([table["prediction"], table["probabilities"]])
        found.append(table)
    return np.concatenate(found)[:COMPARED]


def _answer(row: dict[str, Any]) -> list[Any]:
    """Return the label and the probabilities, which are beside it or in an object of their own."""
    label = row.pop("prediction")
    return [label, *row.get("probabilities", row).values()]


def compare(what: str, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> None:
    """Raise DisagreementError unless labels are the same, and probabilities close."""
    if ours.shape != theirs.shape or not np.array_equal(ours[:, 0], theirs[:, 0]):
        raise DisagreementError(f"{what}: the labels are not the same")
    if (far := float(np.abs(ours - theirs).max())) > CLOSE:
        raise DisagreementError(f"{what}: probabilities are {far:g} apart, more than {CLOSE:g}")


if __name__ == "__main__":
    sys.exit(main())
