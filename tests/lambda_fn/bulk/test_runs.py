"""Runs that are interrupted, repeated, resumed, raced: each chunk has one output, the summary tells what is there."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lambda_fn.bulk import handler
from lambda_fn.bulk.failures import DeadlineError, RefusedError
from lambda_fn.storage import large
from tests.conftest import FEATURES
from tests.lambda_fn.bulk.grounds import LATER, SMALL_MB, Bulk, Context, iris_rows

ROWS = iris_rows(300, seed=3)
TEXT = "\n".join([",".join(FEATURES), *(f"{a},{b}" for a, b in ROWS.tolist()), ""]).encode()


@pytest.fixture
def planned(bulk: Bulk) -> dict[str, Any]:
    bulk.put("in/a.csv", TEXT)
    return bulk.plan(bulk.request("in/a.csv", chunk_mb=SMALL_MB))


def labels(estimator: Any) -> list[int]:
    found: list[int] = estimator.predict(ROWS).tolist()
    return found


def etags(bulk: Bulk) -> dict[str, str]:
    listed = bulk.s3.list_objects_v2(Bucket=bulk.bucket, Prefix="out/")["Contents"]
    return {each["Key"]: each["ETag"] for each in listed if "/executions/" not in each["Key"]}


def test_the_same_again_changes_nothing(bulk: Bulk, planned: dict[str, Any]) -> None:
    first = bulk.items(planned)
    bulk.score(planned)
    bulk.summarize(planned)
    before = etags(bulk)
    for item in first:
        handler.score(item, Context())
    again = bulk.plan(bulk.request("in/a.csv", chunk_mb=SMALL_MB), "two")
    summary = bulk.summarize(again, "two")
    assert (again["chunks"], summary["status"]) == (0, "SUCCEEDED")
    assert etags(bulk) == before
    assert json.loads(bulk.get("out/_SUCCESS.json"))["execution"] == "one"


def test_what_is_missing_is_scored_when_a_run_is_resumed_and_nothing_else(
    bulk: Bulk, planned: dict[str, Any], estimator: Any
) -> None:
    for number, item in enumerate(bulk.items(planned)):
        if number % 3:
            handler.score(item, Context())
    partly = bulk.summarize(planned)
    missing = {each["chunk"] for each in partly["failed"]}
    assert partly["status"] == "INCOMPLETE"
    assert missing == {f"{number:05d}" for number in range(0, planned["chunks"], 3)}
    assert partly["rows"]["in"] == partly["rows"]["out"] < 300
    assert f"{len(missing)} of {planned['chunks']} chunks are not done: 00000 (NotScored)" in bulk.failures["summary"]
    assert "out/_SUCCESS.json" not in bulk.keys("out/")

    resumed = bulk.plan({"resume": f"s3://{bulk.bucket}/out/", "concurrency": 3}, "two")
    assert {item["chunk"]["name"] for item in bulk.items(resumed)} == missing
    assert (resumed["concurrency"], resumed["run"]) == (3, planned["run"])
    bulk.score(resumed)
    summary = bulk.summarize(resumed, "two")
    assert (summary["status"], summary["rows"]["out"], summary["failed"]) == ("SUCCEEDED", 300, [])
    assert bulk.table()["prediction"].tolist() == labels(estimator)


def test_two_workers_on_one_chunk_leave_one_whole_output(bulk: Bulk, planned: dict[str, Any], estimator: Any) -> None:
    items = bulk.items(planned)
    with ThreadPoolExecutor(24) as workers:
        records = list(workers.map(lambda item: handler.score(item, Context()), items[:8] * 3))
    assert records[:8] == records[8:16] == records[16:]
    bulk.score(planned)
    summary = bulk.summarize(planned)
    assert summary["rows"] == {"in": 300, "out": 300, "refused": 0}
    assert len(bulk.keys("out/part-")) == planned["chunks"]
    assert bulk.table()["prediction"].tolist() == labels(estimator)


def test_a_worker_that_ends_before_its_record_is_followed_by_one_that_writes_it(
    bulk: Bulk, planned: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    [item, *_] = bulk.items(planned)
    with monkeypatch.context() as patched:
        patched.setattr("lambda_fn.bulk.run.Folder.write", _end)
        with pytest.raises(SystemExit):
            handler.score(item, Context())
    [key] = bulk.keys("out/part-")
    before = bulk.s3.head_object(Bucket=bulk.bucket, Key=key)
    assert bulk.summarize(planned)["chunks"]["done"] == 0
    handler.score(item, Context())
    after = bulk.s3.head_object(Bucket=bulk.bucket, Key=key)
    assert (before["ETag"], before.get("VersionId")) == (after["ETag"], after.get("VersionId"))
    assert bulk.summarize(planned)["chunks"]["done"] == 1


def _end(*_: Any, **__: Any) -> None:
    raise SystemExit


def test_a_model_that_is_published_meanwhile_does_not_mix_in(
    bulk: Bulk, planned: dict[str, Any], model_files: dict[str, Path], estimator: Any
) -> None:
    items = bulk.items(planned)
    for item in items[: len(items) // 2]:
        handler.score(item, Context())
    bulk.publish(model_files["stump"])
    with pytest.raises(RefusedError, match=r"holds the run .* give another prefix"):
        bulk.plan(bulk.request("in/a.csv", chunk_mb=SMALL_MB), "two")
    resumed = bulk.plan({"resume": f"s3://{bulk.bucket}/out/"}, "two")
    bulk.score(resumed)
    summary = bulk.summarize(resumed, "two")
    assert summary["rows"]["out"] == 300
    assert bulk.table()["prediction"].tolist() == labels(estimator)
    assert {key.rpartition("-")[2] for key in bulk.keys("out/part-")} == {f"{summary['model']['sha256'][:12]}.csv"}


def test_an_object_that_is_replaced_meanwhile_is_not_scored(bulk: Bulk, planned: dict[str, Any]) -> None:
    bulk.put("in/a.csv", TEXT[::-1])
    bulk.score(planned)
    summary = bulk.summarize(planned)
    assert (summary["chunks"]["done"], summary["rows"]["in"]) == (0, 0)
    assert all("was replaced after the run was planned" in each["cause"] for each in summary["failed"])
    assert len(summary["failed"]) == planned["chunks"]


@pytest.mark.parametrize("spoil", ["delete", "cut"])
def test_an_output_that_is_lost_or_cut_afterwards_is_not_told_of(
    spoil: str, bulk: Bulk, planned: dict[str, Any]
) -> None:
    bulk.score(planned)
    [key, *_] = bulk.keys("out/part-")
    if spoil == "delete":
        bulk.s3.delete_object(Bucket=bulk.bucket, Key=key)
    else:
        bulk.put(key, bulk.get(key)[:-1])
    summary = bulk.summarize(planned)
    assert summary["status"] == "INCOMPLETE"
    assert [each["chunk"] for each in summary["failed"]] == ["00000"]
    assert "out/_SUCCESS.json" not in bulk.keys("out/")


def test_what_is_lost_afterwards_is_scored_again_when_the_run_is_resumed(
    bulk: Bulk, planned: dict[str, Any], estimator: Any
) -> None:
    bulk.score(planned)
    first, *_ = bulk.keys("out/part-")
    bulk.s3.delete_object(Bucket=bulk.bucket, Key=first)
    bulk.put("out/_plume/done/00001.json", b"{")
    bulk.put("out/_plume/done/00002.json", bulk.get("out/_plume/done/00003.json"))
    bulk.put("out/_plume/failed/00001.json", b"{")
    lost = bulk.summarize(planned)
    assert lost["chunks"]["failed"] == 3
    assert "failed/00001.json is not JSON" in lost["failed"][1]["cause"]
    resumed = bulk.plan({"resume": f"s3://{bulk.bucket}/out/"}, "two")
    assert [item["chunk"]["name"] for item in bulk.items(resumed)] == ["00000", "00001", "00002"]
    bulk.score(resumed)
    assert bulk.summarize(resumed, "two")["rows"] == {"in": 300, "out": 300, "refused": 0}
    assert bulk.table()["prediction"].tolist() == labels(estimator)


def test_an_output_of_other_bytes_is_neither_taken_nor_replaced(bulk: Bulk, planned: dict[str, Any]) -> None:
    [item, *_] = bulk.items(planned)
    bulk.put(f"out/{item['chunk']['output']}", b"cut")
    with pytest.raises(RefusedError, match="has other bytes than this run's: delete it, and resume"):
        handler.score(item, Context())
    assert bulk.summarize(planned)["chunks"]["done"] == 0


@pytest.mark.parametrize("spoilt", [b"", b"cut"])
def test_refused_rows_that_are_lost_are_missed(spoilt: bytes, bulk: Bulk) -> None:
    bulk.put("in/a.csv", TEXT + b"x,1\ny,2\n")
    planned = bulk.plan(bulk.request("in/a.csv", on_error="quarantine"))
    bulk.score(planned)
    [key] = bulk.keys("out/_plume/quarantine/")
    bulk.put(key, spoilt and bulk.get(key)[:-20])
    assert bulk.summarize(planned)["status"] == "INCOMPLETE"
    bulk.s3.delete_object(Bucket=bulk.bucket, Key=key)
    resumed = bulk.plan({"resume": f"s3://{bulk.bucket}/out/"}, "two")
    bulk.score(resumed)
    summary = bulk.summarize(resumed, "two")
    assert summary["rows"] == {"in": 302, "out": 300, "refused": 2}
    assert [each["text"] for each in bulk.quarantined(summary)] == ["x,1", "y,2"]


def test_a_manifest_that_is_cut_is_no_smaller_run(bulk: Bulk, planned: dict[str, Any]) -> None:
    bulk.score(planned)
    key = planned["manifest"]["key"]
    bulk.put(key, bulk.get(key).splitlines()[0])
    with pytest.raises(RefusedError, match="was changed after the run was planned"):
        bulk.summarize(planned)
    assert "out/_SUCCESS.json" not in bulk.keys("out/")


def test_a_plan_that_was_lost_halfway_is_made_again(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    bulk.put("in/a.csv", TEXT)
    with monkeypatch.context() as patched:
        patched.setattr("lambda_fn.bulk.run.Folder.write", _end)
        with pytest.raises(SystemExit):
            bulk.plan(bulk.request("in/a.csv"))
    assert bulk.run(bulk.request("in/a.csv"))["rows"]["out"] == 300


def test_two_plans_at_once_are_one_run(bulk: Bulk) -> None:
    bulk.put("in/a.csv", TEXT)
    with ThreadPoolExecutor(4) as planners:
        found = {plan["run"] for plan in planners.map(lambda _: bulk.plan(bulk.request("in/a.csv")), range(4))}
    assert len(found) == 1


@pytest.mark.parametrize("more", [{}, {"dry_run": True}])
def test_another_run_does_not_go_to_the_same_prefix(bulk: Bulk, planned: dict[str, Any], more: dict[str, Any]) -> None:
    bulk.put("other/mine.txt", b"mine")
    before = bulk.keys("")
    with pytest.raises(RefusedError, match="holds the run"):
        bulk.plan(bulk.request("in/a.csv", on_error="skip", chunk_mb=SMALL_MB, **more))
    with pytest.raises(RefusedError, match=r"is not empty, it holds 'other/mine\.txt'"):
        bulk.plan(bulk.request("in/a.csv", "other/", **more))
    assert bulk.keys("") == before


def test_the_deadline_and_the_functions_timeout_end_a_chunk_without_an_output(
    bulk: Bulk, planned: dict[str, Any]
) -> None:
    [item, *_] = bulk.items(planned)
    with pytest.raises(DeadlineError, match="is over"):
        handler.score({**item, "deadline": "2020-01-01T00:00:00+00:00"}, Context())
    with pytest.raises(DeadlineError, match="timeout is nearly over"):
        handler.score({**item, "deadline": LATER}, Context(left_ms=9_000))
    assert bulk.keys("out/part-") == []


def test_a_large_output_is_written_in_parts_and_an_interrupted_one_leaves_none(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch, estimator: Any
) -> None:
    monkeypatch.setattr(large, "PART_BYTES", 5 * 2**20)
    rows = np.tile(ROWS, (1000, 1))
    text = TEXT.partition(b"\n")[0] + b"\n" + TEXT.partition(b"\n")[2] * 1000
    bulk.put("in/a.csv", text)
    planned = bulk.plan(bulk.request("in/a.csv", chunk_mb=0))
    [item] = bulk.items(planned)
    with pytest.raises(DeadlineError):
        handler.score(item, Context(left_ms=10_002, step_ms=1))
    uploads = bulk.s3.list_multipart_uploads(Bucket=bulk.bucket).get("Uploads", [])
    assert (uploads, bulk.keys("out/part-")) == ([], [])
    bulk.score(planned)
    assert bulk.summarize(planned)["rows"]["out"] == len(rows)
    assert bulk.table()["prediction"].tolist() == labels(estimator) * 1000
