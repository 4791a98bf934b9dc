"""What a worker takes of memory: it does not grow with the chunk."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from convert.export import export
from convert.oracle.sample import Sample, beside, write_sample
from tests.conftest import FEATURES
from tests.lambda_fn.bulk.grounds import Bulk, iris_rows
from tests.lambda_fn.bulk.test_formats import npy

MOST_MB = 300
WORKER = """
import json, sys
from lambda_fn.bulk import handler
record = handler.score(json.load(sys.stdin), None)
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps({**record, "peak": int(peak) * 1024}))
"""
ROWS = b"".join(b"%.1f,%.1f\n" % (length, width) for length, width in iris_rows(100_000).tolist())
WIDE = (",".join(FEATURES) + "," + ",".join(f"c{number}" for number in range(2000)) + "\n").encode()
SHAPES = {
    "few digits": (",".join(FEATURES).encode() + b"\n", ROWS),
    "wide": (WIDE, (b"6.2,3.4" + b",0.123" * 2000 + b"\n") * 100),
    "a long cell": (",".join([*FEATURES, "note"]).encode() + b"\n", b'6.2,3.4,"' + b"x,\n" * 30_000 + b'"\n'),
}


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux says how much a process took at the most")


@pytest.fixture(params=SHAPES)
def sizes(request: pytest.FixtureRequest, bulk: Bulk) -> list[str]:
    head, rows = SHAPES[request.param]
    times = [-(-size // len(rows)) for size in (5_000_000, 20_000_000)]
    return [bulk.put(f"in/{number}.csv", head + rows * number) for number in times]


def peak_of(bulk: Bulk, uri: str, out: str, **options: Any) -> tuple[dict[str, Any], int]:
    """Return the record of a table that a process of its own scores as one chunk, and the MB that it took."""
    key = uri.removeprefix(f"s3://{bulk.bucket}/")
    [item] = bulk.items(bulk.plan(bulk.request(key, out, chunk_mb=0, **options)))
    environ = {**os.environ, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}
    command = [sys.executable, "-c", WORKER]
    done = subprocess.run(command, input=json.dumps(item), env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    return record, record["peak"] // 2**20


def test_four_times_the_chunk_takes_no_more_memory(sizes: list[str], bulk: Bulk) -> None:
    peaks = [peak_of(bulk, uri, f"out{number}/")[1] for number, uri in enumerate(sizes)]
    assert max(peaks) < MOST_MB
    assert peaks[1] - peaks[0] < 40


def test_an_array_of_one_byte_a_value_in_fortrans_order_takes_no_more(bulk: Bulk) -> None:
    uri = bulk.put("in/a.npy", npy(np.ones((4_000_000, 2), np.int8, order="F")))
    record, peak = peak_of(bulk, uri, "out/")
    assert record["out"] == 4_000_000
    assert peak < MOST_MB


def test_rows_of_a_thousand_probabilities_take_no_more(bulk: Bulk, tmp_path: Path) -> None:
    rows, labels = np.random.default_rng(0).normal(size=(2000, 2)), np.arange(2000) % 1000
    estimator = tmp_path / "many.joblib"
    joblib.dump(DecisionTreeClassifier(max_depth=2).fit(rows, labels), estimator)
    write_sample(beside(estimator), Sample(("a", "b"), rows))
    export(estimator, tmp_path / "many.onnx", name="many")
    bulk.publish(tmp_path / "many.onnx", "many")
    uri = bulk.put("in/a.npy", npy(np.ones((30_000, 2), np.int8)))
    record, peak = peak_of(bulk, uri, "out/", model="many")
    assert record["out"] == 30_000
    assert peak < MOST_MB
