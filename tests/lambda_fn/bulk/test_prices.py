"""What a dry run tells of time is near to what was measured."""

import gzip
from typing import Any

import pytest

from benchmarks.billion import RATES, rates
from lambda_fn.bulk import handler, prices
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk, iris_rows

MEASURED = list(rates(RATES.read_text()))


def test_rates_of_both_models_are_in_the_page() -> None:
    assert [kind for _, kind, *_ in MEASURED] == ["CSV", "NPY"] * 2


@pytest.mark.parametrize(("kind", "rate", "size"), [each[1:4] for each in MEASURED])
def test_a_second_of_rows_is_taken_for_about_one(kind: str, rate: float, size: float) -> None:
    seconds = prices.seconds_of(kind.lower(), rate, rate * size, prices.MB_PER_VCPU)
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
