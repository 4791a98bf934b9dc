"""What a dry run tells of time is near to what was measured."""

import gzip
from collections import Counter
from typing import Any

import pytest

from benchmarks.billion import RATES, rates
from lambda_fn.bulk import handler, pinned, prices
from lambda_fn.bulk import score as scoring
from lambda_fn.config import MB_PER_VCPU
from lambda_fn.storage import large
from tests.conftest import FEATURES
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk, Context, iris_rows

MEASURED = list(rates(RATES.read_text()))


def test_rates_of_both_models_are_in_the_page() -> None:
    assert [kind for _, kind, *_ in MEASURED] == ["CSV", "NPY"] * 2


@pytest.mark.parametrize(("kind", "rate", "size"), [each[1:4] for each in MEASURED])
def test_a_second_of_rows_is_taken_for_about_one(kind: str, rate: float, size: float) -> None:
    seconds = prices.seconds_of(kind.lower(), rate, rate * size, MB_PER_VCPU)
    assert 1 / 1.5 < seconds < 1.5


def test_a_run_takes_what_its_longest_chunk_does_or_its_share_of_all(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORE_MEMORY", "1769")
    bulk.put("in/a.csv", b"".join(b"%.1f,%.1f\n" % tuple(row) for row in iris_rows(100_000).tolist()))

    def seconds(**options: Any) -> float:
        told = handler.plan({"request": bulk.request("in/", dry_run=True, **options)}, None)
        found: float = told["seconds"]
        return found

    assert seconds(chunk_mb=0) == pytest.approx(prices.START_SECONDS + 0.115 + 0.0088, abs=0.06)
    assert seconds(chunk_mb=0.1) == pytest.approx(prices.START_SECONDS + 0.0155, abs=0.06)
    assert seconds(chunk_mb=0.1, concurrency=1) == pytest.approx(8 * prices.START_SECONDS + 0.124, abs=0.06)


def test_not_every_note_is_told(bulk: Bulk) -> None:
    body = gzip.compress(b"".join(b"%.1f,%.1f\n" % tuple(row) for row in iris_rows(400).tolist()))
    for number in range(22):
        bulk.put(f"in/{number:02d}.csv.gz", body)
    told = handler.plan({"request": bulk.request("in/", dry_run=True, chunk_mb=SMALL_MB)}, None)
    assert (len(told["notes"]), told["notes"][-1]) == (21, "and 2 more notes")


@pytest.mark.parametrize(("options", "noted"), [({"chunk_mb": 0}, True), ({"chunk_mb": 1}, False)])
def test_a_chunk_that_takes_longer_than_a_worker_may_is_noted(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], noted: bool
) -> None:
    monkeypatch.setenv("SCORE_MEMORY", "1")  # a worker as slow as if the table had 1,769 times the rows
    uri = bulk.put("in/a.csv", b"6.2,3.4\n" * 500_000)
    notes = handler.plan({"request": bulk.request("in/", dry_run=True, **options)}, None)["notes"]
    assert [note.startswith("1 of 1 chunks take more than the 15 minutes") and uri in note for note in notes] == (
        [True] if noted else []
    )


def test_dollars() -> None:
    second = prices.cost(1024 / 1769, 1769, 0, 0, "x86_64")
    assert second == {"lambda": 0.000017, "step_functions": 0.000125, "s3": 0, "total": 0.000142}
    assert prices.cost(0, 1769, 1000, 1e9) == pytest.approx(
        {"lambda": 0.0002, "step_functions": 0.075125, "s3": 0.002 + 0.015, "total": 0.0923}, abs=0.0001
    )
    assert prices.cost(1000, 1024, 0, 0, "aarch64")["lambda"] == 0.013333


@pytest.mark.parametrize(("rows", "parts"), [(1000, 1), (200_000, 2)])
def test_requests_for_a_chunk_are_those_that_are_counted(rows: int, parts: int, bulk: Bulk) -> None:
    bulk.put("in/a.csv", ",".join(FEATURES).encode() + b"\n" + b"6.2,3.4\n" * rows)
    [item] = bulk.items(bulk.plan(bulk.request("in/a.csv")))
    scoring._worker.cache_clear()
    pinned._load.cache_clear()
    sent: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        gets = model.name in {"GetObject", "HeadObject"}
        sent["GET" if gets else "PUT"] += 1

    large.client().meta.events.register("before-call.s3", count)
    handler.score(item, Context())
    [key] = bulk.keys("out/part-")
    written = len(bulk.get(key))
    assert -(-written // large.PART_BYTES) == parts
    assert sent == {"GET": prices.GETS, "PUT": prices.puts(1, written)}
