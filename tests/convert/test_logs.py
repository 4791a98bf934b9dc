"""`logs`: what the function wrote, read back through an emulator's Logs Insights, told to a person.

The emulator knows of a query's stages `fields`, `filter`, `sort` and `limit`, which is all that is asked of it; that
AWS takes the same, and how soon a line is found there, was never run.
"""

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from convert import logs as module
from convert.__main__ import main
from convert.logs import QUERY, Told, _others
from lambda_fn.storage import s3
from lambda_fn.telemetry.entries import tell
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.conftest import LoadEvent
from tests.convert.command import said
from tests.lambda_fn.conftest import anew
from tests.lambda_fn.posts import post, request
from tests.lambda_fn.telemetry.lines import ALL


@pytest.fixture
def stage(aws: Emulator) -> Iterator[str]:
    """A stage whose stack has the log group of the function `predict`, and nothing else."""
    name = uuid.uuid4().hex[:8]
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/aws/lambda/plume-{name}-predict"}}
    stacks = Deployment(aws).client("cloudformation")
    template = json.dumps({"Resources": {"PredictLogGroup": group}})
    stacks.create_stack(StackName=f"plume-{name}", TemplateBody=template)
    stacks.get_waiter("stack_create_complete").wait(StackName=f"plume-{name}", WaiterConfig={"Delay": 0.1})
    yield name
    stacks.delete_stack(StackName=f"plume-{name}")


def put(aws: Emulator, stage: str, lines: list[str], ago: timedelta = timedelta(0), apart_ms: int = 1) -> None:
    """Put lines into the log, each a millisecond after the other, or all in one."""
    client, group = Deployment(aws).client("logs"), f"/aws/lambda/plume-{stage}-predict"
    stream, at = uuid.uuid4().hex, int((datetime.now(UTC) - ago).timestamp() * 1000) - len(lines) - 1
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": at + number * apart_ms, "message": line} for number, line in enumerate(lines)]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def written(
    event: LoadEvent, model_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Return what the function itself writes: of 3 calls well answered, 2 refused and one for nothing."""
    for name, value in {"MODEL_URI": model_file.as_uri(), **ALL}.items():
        monkeypatch.setenv(name, value)
    handler = anew()
    sent = [*[event("predict-http-api")] * 3, post(event, "{"), post(event, "{"), request(event, "GET", "/nothing")]
    for each in sent:
        handler.predict(each, None)
    s3.client.cache_clear()
    return capsys.readouterr().out.splitlines()


def test_calls_errors_and_times_are_counted(
    aws: Emulator,
    stage: str,
    event: LoadEvent,
    model_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = written(event, model_file, monkeypatch, capsys)
    monkeypatch.setenv("COLUMNS", "200")
    others = ["START RequestId: 1", '{"level": "WARNING", "message": "total_ms"}', '{"total_ms": "x"}', "{"]
    put(aws, stage, [*lines, *others])
    put(aws, stage, lines, timedelta(hours=2))
    assert main(["logs", "--stage", stage]) == 0
    told = capsys.readouterr().out
    first, *rest = told.splitlines()
    assert first.startswith(f"/aws/lambda/plume-{stage}-predict from ")
    assert first.endswith(": 6 calls, 3 errors (50.0 %), 0 of them the service's, 6 rows, 1 cold starts")
    cells = [[each.strip() for each in line.strip("│").split("│")] for line in rest if line.startswith("│")]
    assert [row[:2] for row in cells[:4]] == [["total", "6"], ["parse", "5"], ["score", "3"], ["encode", "3"]]
    assert [row[:5] for row in cells[4:6]] == [["/predict", "5", "2", "6", "1"], ["none", "1", "1", "0", "0"]]
    version = hashlib.sha256(model_file.read_bytes()).hexdigest()[:16]
    assert cells[6][:3] == [f"iris {version}", "5", "2"]
    assert cells[7] == ["malformed-json", "400", "2", "33.3 %", "payload_2 2"]
    assert cells[8] == ["not-found", "404", "1", "16.7 %", "payload_2 1"]
    assert [row[:3] for row in cells[9:]] == [["total_ms", "WARN", "1"]]
    assert main(["logs", "--stage", stage, "--since", "3h"]) == 0
    assert ": 12 calls, 6 errors" in capsys.readouterr().out


def test_a_span_with_more_lines_than_a_query_answers_is_halved(
    aws: Emulator, stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "MOST_RESULTS", 20)
    line = json.dumps({"route": "/predict", "status": 200, "total_ms": 1.5})
    put(aws, stage, [line] * 100)
    put(aws, stage, [line.replace("predict", "before")] * 100, timedelta(minutes=30))
    assert main(["logs", "--stage", stage]) == 0
    assert ": 200 calls, 0 errors (0.0 %)" in " ".join(capsys.readouterr().out.split())
    monkeypatch.setattr(module, "MOST_CALLS", 100)
    assert main(["logs", "--stage", stage]) == 0
    told = capsys.readouterr().out
    assert "the newest 100 calls alone: ask for less with --since" in told
    assert "/before" not in told


def test_calls_that_are_too_many_for_a_millisecond_are_told_of(
    aws: Emulator, stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "MOST_RESULTS", 20)
    line = json.dumps({"route": "/predict", "status": 200, "total_ms": 1.5})
    put(aws, stage, [line] * 100, apart_ms=0)
    assert main(["logs", "--stage", stage]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "more than 20 calls within 1 ms: others are not counted there" in told
    assert ": 20 calls, 0 errors (0.0 %)" in told


def test_where_there_are_errors_alone_it_says_why(
    aws: Emulator, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [{"status": 400, "code": "nan"}, {"status": 503, "code": "storage-unavailable"}]
    put(aws, stage, [json.dumps({"route": "/predict", "total_ms": 1.5, **each}) for each in errors])
    assert main(["logs", "--stage", stage]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "errors alone: of other calls logCalls=errors" in told
    assert ": 2 calls, 2 errors (100.0 %), 1 of them the service's" in told
    put(aws, stage, [json.dumps({"route": "/predict", "status": 200, "total_ms": 1.5})])
    assert main(["logs", "--stage", stage]) == 0
    assert "errors alone" not in capsys.readouterr().out


def test_lines_of_metrics_alone_tell_errors_and_lines_that_are_odd_are_passed_by(
    aws: Emulator, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics: list[dict[str, object]] = [{}, {"errors": 1, "Code": "nan"}, {"errors": 1, "faults": 1, "Code": "x"}]
    odd = ['{"total_ms": 1, "status": 1e999}', '{"total_ms": "nan"}', '{"total_ms":' + "[" * 20_000]
    put(aws, stage, [*(json.dumps({"total_ms": 1.5, "calls": 1, **each}) for each in metrics), *odd])
    assert main(["logs", "--stage", stage]) == 0
    told = capsys.readouterr().out
    assert ": 3 calls, 2 errors (66.7 %), 1 of them the service's" in " ".join(told.split())
    assert "model and version" not in told
    [row] = [line for line in told.splitlines() if line.startswith("│ nan")]
    assert [each.strip() for each in row.strip("│").split("│")] == ["nan", "?", "1", "33.3 %", "? 1"]


def test_calls_that_are_well_answered_are_of_some_version_too_where_errors_alone_have_lines(
    aws: Emulator, stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    whose = {"route": "/predict", "status": 400, "code": "nan", "model": "iris", "model_version": "v1"}
    put(aws, stage, [json.dumps(each) for each in (whose | {"total_ms": 1.5}, *[{"total_ms": 1.5, "calls": 1}] * 3)])
    assert main(["logs", "--stage", stage]) == 0
    _, _, models = capsys.readouterr().out.partition("model and version")
    cells = [[each.strip() for each in line.strip("│").split("│")] for line in models.splitlines() if "│" in line]
    assert [row[:3] for row in cells[:2]] == [["iris v1", "1", "1"], ["(not logged)", "3", "0"]]


def test_what_else_went_wrong_is_counted_where_it_is_not_shown(
    aws: Emulator, stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    lines = [json.dumps({"level": "ERROR", "message": f"text {number}"}) for number in range(15)]
    put(aws, stage, [*lines[:12], *lines])
    assert main(["logs", "--stage", stage]) == 0
    last = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")][-1]
    assert [each.strip() for each in last.strip("│").split("│")][:3] == ["… and 3 others", "", "3"]


def test_what_says_the_same_is_one_line_in_the_newest_words() -> None:
    """So that a night of one failure, of many instances, leaves room for what else there is."""
    alike = (
        "capture: s3://b/model=m/00000{0}-{0:016x}.jsonl: S3 answered 403 AccessDenied ({0} rows dropped so far)",
        "s3://b/m.onnx: the storage has not answered for {0} s",
        "message '…': nan: row {0}, column {0}",
    )
    others = [f"s3://b/m{n}.onnx: rejected: S3 answered 403" for n in (1, 2)] + ["S3 answered 500", "S3 answered 503"]
    texts, now = [*(text.format(n) for n in (7, 1) for text in alike), *others], datetime.now(UTC)
    told = [Told(now - timedelta(seconds=ago), "WARN", text) for ago, text in enumerate(texts)]
    words, _, times, *_ = _others(told[::-1]).columns
    assert [*words.cells] == [*(text.format(7) for text in alike), *others]
    assert [*times.cells] == ["2"] * 3 + ["1"] * 4


def test_what_else_went_wrong_is_told_where_there_are_no_calls_too(
    aws: Emulator, stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines as the service, Python's logger in Lambda's JSON, its runtime and Lambda itself write them."""
    monkeypatch.setenv("COLUMNS", "140")
    tell("ERROR", "s3://b/m.onnx: model rejected: [red]no digest", {"ModelRejected": 1})
    tell("INFO", "s3://b/m.onnx: a new model is loaded", {"ModelReloads": 1})
    lines = capsys.readouterr().out.splitlines() * 3
    for number in range(2):
        told = {"level": "WARNING", "message": f"message '{uuid.uuid4()}': wrong-width: row 0", "requestId": number}
        report = {"type": "platform.report", "record": {"requestId": "1", "status": "timeout" if number else "success"}}
        done = report | {"type": "platform.runtimeDone"}
        raised = {"log_level": "ERROR", "errorMessage": "no call", "errorType": "UnrequestedError"}
        lines += map(json.dumps, (told, report, done, raised))
    lines.append('{"type": "platform.restoreReport", "record": {"status": "error", "errorType": "Runtime.ExitError"}}')
    put(aws, stage, [*lines, '{"level": "ERROR"}', '{"status": "error", "record": 7}', '"level": "ERROR"'])
    assert main(["logs", "--stage", stage]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("no calls in ")
    cells = [[each.strip() for each in line.strip("│").split("│")] for line in rest if line.startswith("│")]
    assert [(row[0].split("  ")[0], *row[1:3]) for row in cells] == [
        ("s3://b/m.onnx: model rejected: [red]no digest", "ERROR", "3"),
        ("UnrequestedError: no call", "ERROR", "2"),
        ("message '…': wrong-width: row 0", "WARN", "2"),
        ("a start from a snapshot failed: error Runtime.ExitError", "ERROR", "1"),
        ("Lambda ended a call: timeout", "ERROR", "1"),
    ]
    monkeypatch.setattr(module, "MOST_CALLS", 4)
    monkeypatch.setattr(module, "MOST_RESULTS", 8)
    assert main(["logs", "--stage", stage]) == 0
    assert " lines alone: ask for less with --since" in capsys.readouterr().out


@pytest.mark.parametrize("since", ["110000w", "3000w", "1e9", "nan"])
def test_a_span_that_nobody_means_is_refused(since: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["logs"], ["drift", "folder"]):
        assert f"--since is a time such as 7d, 2h, 30m or 90s, not {since}" in said(
            [*command, "--since", since], capsys
        )


def test_no_calls_are_no_failure(stage: str, aws: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "--stage", stage, "--since", "30m"]) == 0
    assert capsys.readouterr().out.startswith(f"no calls in /aws/lambda/plume-{stage}-predict from ")


def test_what_can_not_be_read_is_one_line(aws: Emulator, stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no stack plume-nowhere: `npx" in said(["logs", "--stage", "nowhere"], capsys)
    told = said(["logs", "--stage", stage, "--function", "objects"], capsys)
    assert f"the stack plume-{stage} has no function objects with a log of its own" in told
    assert "--since is a time such as 7d, 2h, 30m or 90s, not soon" in said(["logs", "--since", "soon"], capsys)
    Deployment(aws).client("logs").delete_log_group(logGroupName=f"/aws/lambda/plume-{stage}-predict")
    assert f"the log /aws/lambda/plume-{stage}-predict: " in said(["logs", "--stage", stage], capsys)


def test_the_query_asks_for_what_the_lines_have() -> None:
    """As AWS writes it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html."""
    query = QUERY.format(begin=int(time.time() * 1000), end=0, limit=10)
    assert [stage.split()[0] for stage in query.split(" | ")] == [
        "fields",
        "filter",
        "filter",
        "filter",
        "sort",
        "limit",
    ]
