"""What passes through the state machine: what it reads of the plan, and that it stays under its 256 KB."""

import json
import re

import pytest
import yaml

from lambda_fn.bulk import handler
from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.inputs import MOST_CHUNKS
from tests.conftest import FEATURES, TESTS
from tests.docs.running import TAGGED
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk
from tests.lambda_fn.bulk.test_runs import TEXT

MOST_BYTES = 256 * 1024
HEADER = ",".join(FEATURES)
BEHIND = {"ItemProcessor", "ResultPath", "Catch"}
"""What of the map is about what comes behind the plan."""


def test_the_machine_reads_all_that_plan_answers_and_nothing_else(bulk: Bulk) -> None:
    bulk.put("in/a.csv", TEXT)
    settings = yaml.load((TESTS.parent / "resources" / "bulk.yml").read_text(), TAGGED)  # noqa: S506 - it is a safe one
    states = settings["Resources"]["Bulk"]["Properties"]["Definition"]["States"]
    reading = {name: part for name, part in states["Score all"].items() if name not in BEHIND}
    read = re.findall(r"(?<!\$)\$\.(\w+)", json.dumps([states["Is there anything to score?"], reading]))
    assert set(read) == bulk.plan(bulk.request("in/a.csv")).keys()


def test_failures_are_tolerated_as_a_whole_number_of_chunks(bulk: Bulk) -> None:
    bulk.put("in/a.csv", TEXT)
    request = bulk.request("in/a.csv", chunk_mb=SMALL_MB)
    chunks = bulk.plan(request)["chunks"]
    for percent, tolerated in ((0, 0), (2.5, chunks // 40), (100, chunks)):
        found = bulk.plan({**request, "tolerated_failure_percentage": percent}, "again")["tolerated_failures"]
        assert (found, type(found)) == (tolerated, int)


def test_all_answers_of_the_most_chunks_are_one_state() -> None:
    assert len(json.dumps([1] * MOST_CHUNKS, separators=(",", ":"))) < MOST_BYTES


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", f"{HEADER}\n{'x' * 100_000},3\n"),
        ("a.csv", f"{HEADER}\n{'x' * 1_000_000},3\n"),
        ("a.csv", f"{HEADER}\n{'1,' * 500_000}3\n"),
        ("a.jsonl", json.dumps(["ü\n" * 500_000, 3]) + "\n"),
        ("a.jsonl", json.dumps({"x" * 1_000_000: 1, FEATURES[1]: 3}) + "\n"),
        ("a.jsonl", json.dumps({f"column {number}": 1 for number in range(50_000)}) + "\n"),
        ("a.jsonl", f'{{"{"x" * 1_000_000}": 1, "{"x" * 1_000_000}": 1}}\n'),
        ("a.jsonl", "[" * 1_000_000 + "\n"),
        ("ü" * 480 + ".csv", f"{HEADER}\nx,3\n"),
    ],
    ids=["100 KB", "1 MB", "ragged", "JSON", "a name", "names", "twice", "nested", "a key"],
)
def test_what_is_told_of_a_row_of_megabytes_is_short(name: str, text: str, bulk: Bulk) -> None:
    bulk.put(f"in/{name}", text.encode())
    [item] = bulk.items(bulk.plan(bulk.request("in/")))
    with pytest.raises(RefusedError) as told:
        handler.score(item, None)
    assert len(json.dumps({**item, "error": str(told.value)})) < MOST_BYTES // 10
