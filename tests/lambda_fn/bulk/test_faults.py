"""Workers whose S3 fails again and again, in every way that passes: nothing is lost, doubled or mixed."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from lambda_fn.bulk import handler
from lambda_fn.bulk.failures import PassingError
from lambda_fn.storage import large
from lambda_fn.storage.large import Object
from tests.conftest import FEATURES
from tests.faults.certificates import issue
from tests.faults.proxy import Fault, Proxy
from tests.faults.treatments import NowAndThen, close_when_asked, cut
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk, Context, iris_rows

ROWS = iris_rows(2000, seed=4)
TEXT = "\n".join([",".join(FEATURES), *(f"{a},{b}" for a, b in ROWS.tolist()), ""]).encode()
ATTEMPTS = 10
"""How often a chunk is scored at the most; serverless.yml has the state machine's own number."""


@pytest.fixture
def proxy(bulk: Bulk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with Proxy(bulk.deployment.emulator.port, issue(tmp_path), tmp_path / "names") as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        large.client.cache_clear()
        monkeypatch.setattr(large, "PAUSE_SECONDS", 0.01)
        yield running
        large.client.cache_clear()


def scored(item: dict[str, Any]) -> dict[str, Any]:
    """Score a chunk as the state machine does: again, where what failed passes."""
    for attempt in range(ATTEMPTS):
        try:
            record: dict[str, Any] = handler.score(item, Context())
        except PassingError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return record
    raise AssertionError


def test_every_chunk_is_scored_once_whatever_s3_does(bulk: Bulk, proxy: Proxy, estimator: Any) -> None:
    bulk.put("in/a.csv", TEXT)
    planned = bulk.plan(bulk.request("in/a.csv", chunk_mb=20 * SMALL_MB))
    failing = NowAndThen(0.3)
    proxy.switch(Fault("now and then", failing))
    records = [scored(item) for item in bulk.items(planned)]
    proxy.switch(None)
    summary = bulk.summarize(planned)
    assert failing.failed > 10
    assert sum(record["out"] for record in records) == 2000
    assert (summary["status"], summary["rows"]) == ("SUCCEEDED", {"in": 2000, "out": 2000, "refused": 0})
    assert len(bulk.keys("out/part-")) == planned["chunks"]
    assert bulk.table()["prediction"].tolist() == estimator.predict(ROWS).tolist()


def test_a_stream_that_breaks_goes_on_behind_what_came(bulk: Bulk, proxy: Proxy) -> None:
    data = random.Random(0).randbytes(3_000_000)
    bulk.put("in/a.bin", data)
    found = large.find(bulk.bucket, "in/a.bin")
    assert found is not None
    proxy.switch(Fault("half", cut(body=0.5)))
    pieces = large.stream(found, 1000, 2_900_000)
    came = [next(pieces), next(pieces)]
    proxy.switch(None)
    assert b"".join([*came, *pieces]) == data[1000:2_900_000]


def test_an_answer_whose_head_is_cut_is_none(bulk: Bulk, proxy: Proxy) -> None:
    bulk.put("in/a.csv", TEXT)
    proxy.switch(Fault("head", cut(head=0.3)))
    attempts: list[Callable[[], object]] = [
        lambda: large.read(bulk.bucket, "in/a.csv"),
        lambda: large.find(bulk.bucket, "in/a.csv"),
        lambda: list(large.listed(bulk.bucket, "in/")),
        lambda: large.read_range(Object(bulk.bucket, "in/a.csv", len(TEXT), "*"), 0, 100),
    ]
    for attempt in attempts:
        with pytest.raises((OSError, BotoCoreError)):
            attempt()


def test_s3_that_is_out_of_reach_is_told_as_what_passes(bulk: Bulk, proxy: Proxy) -> None:
    bulk.put("in/a.csv", TEXT)
    planned = bulk.plan(bulk.request("in/a.csv"))
    proxy.switch(Fault("closed", close_when_asked))
    with pytest.raises(PassingError, match="onnection"):
        handler.score(bulk.items(planned)[0], Context())
