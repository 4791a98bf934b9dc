"""What summaries and quarantined rows tell: what is there, of this run and this execution, as it was."""

import io
import json
from base64 import b64decode
from typing import Any

import numpy as np
import pytest

from lambda_fn.bulk import handler
from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.refusals import parts_of
from lambda_fn.storage import large
from tests.conftest import FEATURES
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk, iris_rows
from tests.lambda_fn.bulk.test_runs import TEXT

HEADER = ",".join(FEATURES).encode() + b"\n"


@pytest.fixture
def done(bulk: Bulk) -> dict[str, Any]:
    bulk.put("in/a.csv", TEXT)
    planned = bulk.plan(bulk.request("in/a.csv", chunk_mb=SMALL_MB))
    bulk.score(planned)
    bulk.summarize(planned)
    return planned


def test_success_is_withdrawn_when_an_output_is_lost_and_comes_back_with_it(bulk: Bulk, done: dict[str, Any]) -> None:
    lost = bulk.keys("out/part-")[3]
    bulk.s3.delete_object(Bucket=bulk.bucket, Key=lost)
    resumed = bulk.plan({"resume": f"s3://{bulk.bucket}/out/"}, "two")
    assert resumed["chunks"] == 1
    assert "out/_SUCCESS.json" not in bulk.keys("out/")
    bulk.score(resumed)
    assert bulk.summarize(resumed, "two")["status"] == "SUCCEEDED"
    assert json.loads(bulk.get("out/_SUCCESS.json"))["execution"] == "two"


def test_success_that_tells_of_something_else_is_no_success(bulk: Bulk, done: dict[str, Any]) -> None:
    bulk.put("out/_SUCCESS.json", b'{"outputs": []}')
    with pytest.raises(RefusedError, match="tells of something else: delete it, and resume"):
        bulk.summarize(done)
    assert bulk.get("out/_SUCCESS.json") == b'{"outputs": []}'


def test_the_failure_of_an_earlier_execution_is_not_told_of_a_later_one(bulk: Bulk) -> None:
    bulk.put("in/a.csv", HEADER + b"5.1,x\n")
    first = bulk.run(bulk.request("in/a.csv"))
    assert "line 2 of the chunk, byte 35 of the object: not-a-number: column 1" in first["failed"][0]["cause"]
    resumed = bulk.plan({"resume": f"s3://{bulk.bucket}/out/"}, "two")
    [failed] = bulk.summarize(resumed, "two")["failed"]
    assert (failed["error"], failed["cause"]) == ("NotScored", "it was not begun, or its worker was lost")


@pytest.mark.parametrize(
    ("name", "where"), [("a.csv", "line 51 of the chunk, byte"), ("a.npy", "row 250 of the array")]
)
def test_a_refused_row_is_told_by_its_place(name: str, where: str, bulk: Bulk) -> None:
    rows = iris_rows(300)
    rows[250, 1] = np.inf
    lines = [f"{a},{b}\n".encode() for a, b in rows.tolist()]
    file = io.BytesIO()
    np.save(file, rows)
    bulk.put(f"in/{name}", b"".join(lines) if name == "a.csv" else file.getvalue())
    [failed] = bulk.run(bulk.request(f"in/{name}", chunk_mb=SMALL_MB * 8))["failed"]
    assert where in failed["cause"]
    if name == "a.csv":
        assert f"byte {len(b''.join(lines[:250]))} of the object: " in failed["cause"]
        assert failed["bytes"][0] > 0


@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize("which", ["out/part-", "out/_plume/quarantine/"])
def test_other_bytes_of_the_same_size_are_never_taken_over(
    which: str, multipart: bool, bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if multipart:
        monkeypatch.setattr(large, "PART_BYTES", 5 * 2**20)
    rows = b"".join(TEXT.splitlines(keepends=True)[1:]) * (900 if multipart else 1)
    bulk.put("in/a.csv", HEADER + rows + b"x,1\n")
    planned = bulk.plan(bulk.request("in/a.csv", chunk_mb=0, on_error="quarantine"))
    bulk.score(planned)
    [key] = bulk.keys(which)
    right = bulk.get(key)
    bulk.put(key, right[:-3] + b"7" + right[-2:])
    bulk.s3.delete_object(Bucket=bulk.bucket, Key="out/_plume/done/00000.json")
    bulk.score(planned)
    assert f"{key} is there already, and has other bytes than this run's" in bulk.failures["00000"]
    assert bulk.summarize(planned)["status"] == "INCOMPLETE"
    bulk.put(key, right)
    bulk.score(planned)  # as after a worker that ended before its record
    assert bulk.summarize(planned)["status"] == "SUCCEEDED"


def altered(bulk: Bulk, key: str, **members: Any) -> None:
    bulk.put(key, json.dumps({**json.loads(bulk.get(key)), **members}).encode())


@pytest.mark.parametrize("members", [{"rows": 140, "out": 140}, {"seconds": -1e6}, {"lines": 7}, {"memory_mb": None}])
def test_a_record_that_was_changed_is_none(members: dict[str, Any], bulk: Bulk, done: dict[str, Any]) -> None:
    altered(bulk, "out/_plume/done/00003.json", **members)
    resumed = bulk.plan({"resume": f"s3://{bulk.bucket}/out/"}, "two")
    assert [item["chunk"]["name"] for item in bulk.items(resumed)] == ["00003"]
    bulk.score(resumed)
    assert bulk.summarize(resumed, "two")["rows"] == {"in": 300, "out": 300, "refused": 0}


def test_a_plan_that_was_changed_is_refused(bulk: Bulk, done: dict[str, Any]) -> None:
    key = done["manifest"]["key"]
    manifest = bulk.get(key)
    for other in (
        manifest.replace(b'"end": ', b'"end": 1', 1),
        manifest[:-9],
        b"".join(manifest.splitlines(True)[::-1]),
    ):
        bulk.put(key, other)
        with pytest.raises(RefusedError, match=r"manifest-.*\.jsonl was changed after the run was planned"):
            bulk.summarize(done)
    altered(bulk, "out/_plume/run.json", rows_about=1)
    with pytest.raises(RefusedError, match=r"run\.json was changed, or another version wrote it"):
        bulk.plan({"resume": f"s3://{bulk.bucket}/out/"}, "two")


@pytest.mark.parametrize("members", [{"rows": {"in": 1, "out": 1, "refused": 0}}, {"model": {}}, {"status": "none"}])
def test_success_that_was_changed_is_refused(members: dict[str, Any], bulk: Bulk, done: dict[str, Any]) -> None:
    altered(bulk, "out/_SUCCESS.json", **members)
    with pytest.raises(RefusedError, match="tells of something else: delete it, and resume"):
        bulk.summarize(done)


@pytest.mark.parametrize("other", [b"", b"{}\n", None])
def test_quarantined_rows_that_were_changed_fail_the_run_by_name(other: bytes | None, bulk: Bulk) -> None:
    bulk.put("in/a.csv", TEXT + b"x,1\ny,2\n")
    planned = bulk.plan(bulk.request("in/a.csv", on_error="quarantine"))
    bulk.score(planned)
    summary = bulk.summarize(planned)
    [file] = summary["quarantine"]
    key, right = file["key"], bulk.get(file["key"])
    bulk.put(key, right.replace(b'"text": "x', b'"text": "z') if other is None else other)
    again = bulk.summarize(planned, "two")
    assert (again["status"], [each["chunk"] for each in again["failed"]]) == ("INCOMPLETE", ["00000"])
    assert f"{key} has other refused rows" in again["failed"][0]["cause"]
    assert "out/_SUCCESS.json" not in bulk.keys("out/")
    bulk.s3.delete_object(Bucket=bulk.bucket, Key=key)
    assert bulk.summarize(planned, "three")["quarantine"] == [file]
    assert bulk.get(key) == right


def test_rows_that_are_neither_written_nor_refused_fail_the_chunk(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    bulk.put("in/a.csv", TEXT)
    monkeypatch.setattr("lambda_fn.bulk.score.parts_of", lambda *of: list(parts_of(*of))[1:])
    summary = bulk.run(bulk.request("in/a.csv"))
    assert "300 rows were read, 0 written and 0 refused" in summary["failed"][0]["cause"]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("a.csv", b"5.1, x "),
        ("a.csv", b"5.1,\xff\xfe"),
        ("a.csv", '5.1,"Ö\u2028"'.encode()),
        ("a.csv", b'5.1,"x\r\ny"'),
        ("a.jsonl", b'  [5.1, "x"]\t'),
        ("a.jsonl", b'[5.1, "\xff"]'),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_quarantined_row_is_there_to_the_byte(name: str, row: bytes, end: bytes, bulk: Bulk) -> None:
    bulk.put(f"in/{name}", (HEADER if name == "a.csv" else b"") + row + end)
    [refused] = bulk.quarantined(bulk.run(bulk.request(f"in/{name}", on_error="quarantine")))
    assert (refused["text"].encode() if "text" in refused else b64decode(refused["base64"])) == row
    assert ("base64" in refused) is (b"\xff" in row)


def test_what_runs_wrote_under_the_input_is_no_input(bulk: Bulk) -> None:
    bulk.put("in/a.csv", TEXT)
    bulk.run(bulk.request("in/a.csv", "in/first/"))
    bulk.put("in/b.csv", TEXT)
    request = bulk.request("in/", "in/second/")
    [note] = handler.plan({"request": {**request, "dry_run": True}}, None)["notes"]
    assert note == f"{len(bulk.keys('in/first/'))} objects are left out, which runs wrote"
    assert bulk.run(request, "two")["rows"]["out"] == 600
    with pytest.raises(RefusedError, match=r"in/first/part-00000.*its header has 'sepal length \(cm\)' not"):
        bulk.plan(bulk.request("in/first/", "third/", header="present"))  # asked for by its name, it is read
