"""What a worker takes of memory: it does not grow with the chunk."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import FEATURES
from tests.lambda_fn.bulk.grounds import Bulk, iris_rows

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


def test_four_times_the_chunk_takes_no_more_memory(sizes: list[str], bulk: Bulk) -> None:
    peaks = []
    for number, uri in enumerate(sizes):
        key = uri.removeprefix(f"s3://{bulk.bucket}/")
        plan = bulk.plan(bulk.request(key, f"out{number}/", chunk_mb=0))
        [item] = bulk.items(plan)
        environ = {**os.environ, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}
        done = subprocess.run(
            [sys.executable, "-c", WORKER], input=json.dumps(item), env=environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        peaks.append(json.loads(done.stdout)["peak"])
    assert max(peaks) < 300 * 2**20
    assert peaks[1] - peaks[0] < 40 * 2**20
