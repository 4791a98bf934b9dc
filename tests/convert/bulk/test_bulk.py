"""The command line of bulk scoring: what it takes, what it tells, what it refuses, without a deployment."""

from __future__ import annotations

import argparse
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from convert.__main__ import main, make_parser
from convert.bulk.parser import request_of
from convert.bulk.progress import Pace
from convert.bulk.run import RunFolder
from convert.bulk.stack import Execution
from convert.bulk.tables import execution_lines, failed_lines, summary_table
from convert.errors import ConvertError
from convert.text import seconds_of
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.convert.command import said
from tests.test_wall import TRAINING, loaded_after

BEGAN = datetime(2026, 11, 27, 6, 0, 7, 250_000, UTC)
RUN = {"input": "s3://b/in/t.csv", "created": "2026-11-27T06:00:07Z", "bytes": 4000, "rows_about": 100, "chunks": 4}
RECORD = {"chunk": "00000", "rows": 50, "bytes_in": 1000, "output": "out/part-00000.csv", "bytes_out": 4}
SUMMARY: dict[str, Any] = {
    "status": "INCOMPLETE",
    "output": "s3://b/out/",
    "model": {"name": "[red]", "version": "v1", "sha256": "ab" * 32},
    "rows": {"in": 1000, "out": 990, "refused": 10},
    "chunks": {"planned": 25, "done": 3, "failed": 22},
    "started": "2026-11-27T06:00:07.250Z",
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


@pytest.mark.parametrize("text", ["", "a,", "a,,b", '"a', 'a"\n"b', "a\nb"])
def test_columns_are_a_line_of_csv(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert options("--columns", '"a,b","say ""x""",prediction').columns == ["a,b", 'say "x"', "prediction"]
    with pytest.raises(SystemExit):
        options("--columns", text)
    assert "argument --columns: expected names, with commas between them" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "h", "2y", "-1h", "0", "nan", "inf"])
def test_a_deadline_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConvertError, match="--deadline is a time such as 7d, 2h"):
        seconds_of(text, "--deadline")


def test_rows_in_all_are_told_by_bytes_and_the_rate_by_what_came_since() -> None:
    assert Pace.of(RUN, [], BEGAN, 1.0).left is None
    here, sooner = ({**RECORD, "written": BEGAN.replace(microsecond=0, second=second)} for second in (7, 6))
    pace = Pace.of(RUN, [here], BEGAN, 10.0)
    assert (pace.rows_about, pace.rate, pace.left) == (200, 5.0, 30.0)
    assert Pace.of(RUN, [sooner, here], BEGAN, 10.0).left == 20.0
    assert Pace.of(RUN, [sooner, here]).line() == "100 of about 200 rows, 2 of 4 chunks"
    whole = Pace.of(RUN, [here] * 4, BEGAN, 10.0)
    assert (whole.rows_about, whole.left) == (200, 0.0)
    assert "of about" not in whole.line()
    empty = {**here, "rows": 0, "bytes_in": 0}
    assert Pace.of({**RUN, "chunks": 1}, [empty], BEGAN, 1.0).line() == "0 rows, 1 of 1 chunks"


def test_the_summary_is_a_table_of_all_that_was_counted() -> None:
    text = shown(summary_table(SUMMARY, RUN))
    for part in ("INCOMPLETE", "1,000 in, 990 out, 10 refused", "3 of 25 done, 22 failed", "10 rows/s", "$0.0123"):
        assert part in text
    assert "[red], version v1, SHA-256 " + "ab" * 32 in text
    assert "s3://b/out/_quarantine/ (1 files)" in text


@pytest.mark.parametrize("started", [None, "2026-11-27T06:00:08.000Z"])
def test_no_rate_is_told_where_an_execution_before_may_have_scored_some(started: str | None) -> None:
    text = shown(summary_table({**SUMMARY, "started": started}, RUN))
    assert ("1 min 40 s; workers" in text, "rows/s" in text) == (True, False)


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


def test_a_run_is_read_and_a_record_counts_while_its_output_is_there(bucket: str, aws: Emulator) -> None:
    client, output = Deployment(aws).client("s3"), f"s3://{bucket}/out/"
    documents = {"run": RUN, "done/00000": RECORD, "failed/00000": {}, "failed/00001": {"Error": "E", "Cause": "c"}}
    for name, document in documents.items():
        client.put_object(Bucket=bucket, Key=f"out/_plume/{name}.json", Body=json.dumps(document).encode())
    folder = RunFolder(output)
    assert (folder.run(), folder.records(), folder.summary()) == (RUN, [], None)
    client.put_object(Bucket=bucket, Key="out/part-00000.csv", Body=b"size")
    [record] = folder.records()
    assert record == {**RECORD, "written": record["written"]}
    assert folder.failures() == [{"chunk": "00001", "Error": "E", "Cause": "c"}]


def test_what_cannot_be_done_is_told_in_a_line(bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = f"s3://{bucket}/none/"
    assert "there is no stack plume-nowhere" in said(["score", "x", output, "--stage", "nowhere"], capsys)
    assert "the slash at its end" in said(["score", "x", f"s3://{bucket}/none"], capsys)
    assert f"there is no run at {output}" in said(["status", output], capsys)
    assert f"there is no run at {output}" in said(["resume", output], capsys)
    assert "there is no stack" in said(["list", "--stage", "nowhere"], capsys)


def test_scoring_tables_loads_no_training_package(bucket: str) -> None:
    code = f"from convert.__main__ import main; assert main(['status', 's3://{bucket}/none/']) == 2"
    loaded = loaded_after(code)
    assert {"boto3", "rich"} <= loaded
    assert not loaded & (TRAINING - {"convert"} | {"numpy", "onnxruntime", "pyarrow"})


def test_main_is_the_way_in(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["score", "--help"])
    assert "--tolerated-failures" in capsys.readouterr().out
