"""The command line of bulk scoring: what it takes, what it tells, what it refuses, without a deployment."""

from __future__ import annotations

import argparse
import io
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from rich.console import Console

from convert.__main__ import main, make_parser
from convert.bulk.parser import request_of, seconds_of
from convert.bulk.progress import Pace
from convert.bulk.run import RunFolder
from convert.bulk.stack import Execution
from convert.bulk.tables import execution_lines, failed_lines, summary_table
from convert.bulk.uploads import uploaded
from convert.errors import ConvertError
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.convert.command import said
from tests.test_wall import TRAINING, loaded_after

RUN = {"input": "s3://b/in/t.csv", "bytes": 4000, "rows_about": 100, "chunks": 4}
RECORD = {"chunk": "00000", "rows": 50, "bytes_in": 1000}
SUMMARY: dict[str, Any] = {
    "status": "INCOMPLETE",
    "output": "s3://b/out/",
    "model": {"name": "[red]", "version": "v1", "sha256": "ab" * 32},
    "rows": {"in": 1000, "out": 990, "refused": 10},
    "chunks": {"planned": 25, "done": 3, "failed": 22},
    "seconds": 100.0,
    "worker_seconds": 7380.0,
    "cost_usd": {"total": 0.0123},
    "outputs": [1, 2, 3],
    "quarantine": ["q"],
}


def options(*arguments: str) -> argparse.Namespace:
    return make_parser().parse_args(["score", "s3://b/in/", "s3://b/out/", *arguments])


def shown(*things: Any) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(*things)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_only_what_is_given_is_asked_for() -> None:
    assert request_of(options()) == {}
    given = options(
        "--columns", "id,prediction", "--on-error", "skip", "--gzip", "--chunk-mb", "0", "--deadline", "30m"
    )
    assert request_of(given) == {
        "columns": ["id", "prediction"],
        "on_error": "skip",
        "gzip": True,
        "chunk_mb": 0.0,
        "deadline_seconds": 1800.0,
    }
    limits = options("--concurrency", "3", "--tolerated-failures", "0")
    assert request_of(limits) == {"concurrency": 3, "tolerated_failure_percentage": 0.0}
    assert (options().wait, options("--no-wait").wait, options().stage) == (True, False, "dev")


@pytest.mark.parametrize("text", ["", "h", "2d", "-1h", "0", "nan", "inf"])
def test_a_deadline_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConvertError, match="--deadline is a time such as 2h"):
        seconds_of(text)


def test_rows_in_all_are_told_by_bytes_and_the_rate_by_what_came_since() -> None:
    assert Pace.of(RUN, [], 1.0).left() is None
    pace = Pace.of(RUN, [RECORD], 10.0)
    assert (pace.rows_about, pace.rate(), pace.left()) == (200, 5.0, 30.0)
    assert Pace.of(RUN, [RECORD] * 2, 10.0).left(before=50) == 20.0
    whole = Pace.of(RUN, [RECORD] * 4, 10.0)
    assert (whole.rows_about, whole.left()) == (200, 0.0)
    assert "of about" not in whole.line()
    empty = {"chunk": "00000", "rows": 0, "bytes_in": 0}
    assert Pace.of({**RUN, "chunks": 1}, [empty], 1.0).line() == "0 rows, 1 of 1 chunks"


def test_the_summary_is_a_table_of_all_that_was_counted() -> None:
    text = shown(summary_table(SUMMARY))
    for part in ("INCOMPLETE", "1,000 in, 990 out, 10 refused", "3 of 25 done, 22 failed", "10 rows/s", "$0.0123"):
        assert part in text
    assert "[red], version v1, SHA-256 " + "ab" * 32 in text
    assert "s3://b/out/_quarantine/ (1 files)" in text


def test_failed_chunks_are_named_with_their_reason() -> None:
    cause = json.dumps({"errorMessage": "line 3: not-a-number", "errorType": "RefusedError"})
    failed = [{"chunk": f"{number:05d}", "Error": "RefusedError", "Cause": cause} for number in range(25)]
    lines = list(failed_lines(failed))
    assert lines[0] == "[red]failed[/] 00000: RefusedError: line 3: not-a-number"
    assert (len(lines), lines[-1]) == (21, "… 25 chunks failed in all")
    whole = {"chunk": "00001", "object": "s3://b/t.csv", "bytes": [0, 1000], "error": "E", "cause": "c"}
    assert list(failed_lines([whole])) == ["[red]failed[/] 00001 (s3://b/t.csv, bytes 0 to 1,000): E: c"]


def test_executions_are_a_line_each() -> None:
    began = datetime(2026, 11, 27, 6, tzinfo=UTC)
    request = {"input": "s3://b/in/", "output": "s3://b/out/"}
    ended = Execution("arn:x:name", "SUCCEEDED", began, began + timedelta(seconds=90), request)
    running = Execution("arn:x:other", "RUNNING", began, None, {"resume": "s3://b/out/"})
    assert list(execution_lines([(ended, SUMMARY), (running, None)])) == [
        "2026-11-27 06:00:00 UTC  SUCCEEDED  s3://b/in/ → s3://b/out/  1,000 rows  90 s  name",
        "2026-11-27 06:00:00 UTC  RUNNING  resumed → s3://b/out/  other",
    ]


def test_parquet_is_uploaded_as_the_float64_that_it_holds_and_once(bucket: str, aws: Emulator, tmp_path: Path) -> None:
    values = np.array([0.1, 1 / 3, 16777217.0, np.float32(1e-30)], np.float32)
    table = pa.table({"a": values, "city": ["Oslo", "a,b", 'say "x"', None]})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    console = Console(file=io.StringIO(), width=200)
    uri = uploaded(str(tmp_path / "t.parquet"), f"s3://{bucket}/bulk/uploads/", console)
    key = uri.removeprefix(f"s3://{bucket}/")
    data = Deployment(aws).client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    header, *lines = data.splitlines()
    assert (header, uri.endswith("/t.csv")) == ('"a","city"', True)
    assert [float(line.partition(",")[0]) for line in lines] == values.astype(np.float64).tolist()
    assert uploaded(str(tmp_path / "t.parquet"), f"s3://{bucket}/bulk/uploads/", console) == uri
    assert f"{uri} is there already" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_folder_is_uploaded_under_a_prefix_of_its_own(bucket: str, aws: Emulator, tmp_path: Path) -> None:
    for name in ("a.csv", "b.jsonl", "_hidden.csv"):
        (tmp_path / name).write_text(name)
    prefix = uploaded(str(tmp_path), f"s3://{bucket}/bulk/uploads/", Console(quiet=True))
    assert prefix.endswith("/")
    listed = Deployment(aws).client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [f"s3://{bucket}/{each['Key']}" for each in listed] == [f"{prefix}a.csv", f"{prefix}b.jsonl"]


def test_a_run_is_read_each_record_once(bucket: str, aws: Emulator) -> None:
    client, output = Deployment(aws).client("s3"), f"s3://{bucket}/out/"
    documents = {"run": RUN, "done/00000": RECORD, "failed/00000": {}, "failed/00001": {"Error": "E", "Cause": "c"}}
    for name, document in documents.items():
        client.put_object(Bucket=bucket, Key=f"out/_plume/{name}.json", Body=json.dumps(document).encode())
    folder = RunFolder(output)
    assert (folder.run(), folder.records(), folder.summary()) == (RUN, [RECORD], None)
    client.put_object(Bucket=bucket, Key="out/_plume/done/00000.json", Body=b"{}")
    assert folder.records() == [RECORD]
    assert folder.failures() == [{"chunk": "00001", "Error": "E", "Cause": "c"}]


def test_what_cannot_be_done_is_told_in_a_line(bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = f"s3://{bucket}/none/"
    assert "there is no stack plume-nowhere" in said(["score", "x", output, "--stage", "nowhere"], capsys)
    assert "the slash at its end" in said(["score", "x", f"s3://{bucket}/none"], capsys)
    assert f"there is no run at {output}" in said(["status", output], capsys)
    assert f"there is no run at {output}" in said(["resume", output], capsys)
    assert "there is no stack" in said(["list", "--stage", "nowhere"], capsys)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("s3://b/t.parquet", "workers read no Parquet"),
        ("/nowhere.csv", "neither s3://…, nor a file or a folder here"),
        (sys.executable, "ends with none of .csv"),
    ],
)
def test_an_input_that_workers_do_not_read_is_refused(source: str, told: str) -> None:
    with pytest.raises(ConvertError, match=told):
        uploaded(source, "s3://b/bulk/uploads/", Console(quiet=True))


def test_scoring_tables_loads_no_training_package(bucket: str) -> None:
    code = f"from convert.__main__ import main; assert main(['status', 's3://{bucket}/none/']) == 2"
    loaded = loaded_after(code)
    assert {"boto3", "rich"} <= loaded
    assert not loaded & (TRAINING - {"convert"} | {"numpy", "onnxruntime", "pyarrow"})


def test_main_is_the_way_in(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["score", "--help"])
    assert "--tolerated-failures" in capsys.readouterr().out
