"""The commands on a stack of the emulator's: what they tell of executions, how they are left, what they offer."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from convert.__main__ import main
from convert.bulk.commands import LOOKS_FAILED
from convert.bulk.stack import planned_by
from tests.conftest import TESTS
from tests.convert.bulk.conftest import LONG, Machine, failing, planning
from tests.convert.command import said
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk, iris_rows

NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens."""


def table(count: int) -> bytes:
    return "".join(f"{a},{b}\n" for a, b in iris_rows(count).tolist()).encode()


@pytest.fixture
def request_of_run(bulk: Bulk) -> dict[str, Any]:
    """A request for a run of 4 chunks and more."""
    bulk.put("in/t.csv", table(60) + b"x,1\n")
    return bulk.request("in/t.csv", chunk_mb=SMALL_MB, on_error="quarantine")


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit status of a command and what it printed."""
    capsys.readouterr()
    status = main(arguments)
    captured = capsys.readouterr()
    assert captured.err == ""
    return status, captured.out


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_what_the_stack_may_not_read_or_write_is_refused_before_anything_is_uploaded(
    bulk: Bulk, machine: Machine, tmp_path: Path, dry_run: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_bytes(table(3))
    here, local = f"s3://{bulk.bucket}/", str(tmp_path / "t.csv")
    for source, output, wrong, expected in (
        (local, f"{here}other/", "other/", "out/"),
        (local, "s3://elsewhere/out/", "s3://elsewhere/out/", "out/"),
        (f"{here}t.csv", f"{here}out/", "t.csv", "in/"),
        (here, f"{here}out/", "", "in/"),
    ):
        text = said(["score", source, output, "--stage", machine.stage, *dry_run], capsys)
        assert f"{wrong} is not where the stack plume-{machine.stage} " in text
        assert f": {here}{expected} (parameters " in text
    assert bulk.keys("uploads/") == []
    assert not machine.client.list_executions(stateMachineArn=machine.arn)["executions"]


def test_status_tells_what_was_lost_of_a_whole_run_until_resume_has_mended_it(
    bulk: Bulk, machine: Machine, request_of_run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    summary, output = bulk.run(request_of_run), request_of_run["output"]
    asked = ["status", output, "--stage", machine.stage]
    assert told(asked, capsys)[0] == 0
    [aside], (first, second, *_) = summary["quarantine"], summary["outputs"]
    kept = bulk.get(first["key"])
    for key in (first["key"], aside["key"]):
        bulk.s3.delete_object(Bucket=bulk.bucket, Key=key)
    bulk.put(second["key"], bulk.get(second["key"])[::-1])
    status, text = told(asked, capsys)
    assert status == 1
    for line in (
        f"lost s3://{bulk.bucket}/{first['key']} is not there any more",
        f"lost s3://{bulk.bucket}/{aside['key']} is not there any more",
        f"lost s3://{bulk.bucket}/{second['key']} was changed: delete it",
        f"to go on: python -m convert resume {output} --stage {machine.stage}",
    ):
        assert line in text.splitlines()
    bulk.s3.delete_object(Bucket=bulk.bucket, Key=second["key"])
    plan = bulk.plan({"resume": output}, "two")
    assert plan["chunks"] == 2
    bulk.score(plan)
    assert bulk.summarize(plan, "two")["status"] == "SUCCEEDED"
    assert bulk.get(first["key"]) == kept
    assert told(asked, capsys)[0] == 0


def test_resume_is_offered_for_the_run_of_the_execution_and_for_no_other(
    bulk: Bulk, machine: Machine, request_of_run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run, output = bulk.plan(request_of_run)["run"], request_of_run["output"]
    asked = ["score", request_of_run["input"], output, "--stage", machine.stage]
    machine.does(failing("RefusedError", "it holds another run: give another prefix"))
    status, text = told(asked, capsys)
    assert (status, "FAILED: RefusedError: it holds another run" in text, "resume" in text) == (1, True, False)
    arn = text.splitlines()[0]
    for command, ended in (("status", 1), ("cancel", 0)):
        status, text = told([command, arn, "--stage", machine.stage], capsys)
        assert (status, "rows" in text, "resume" in text) == (ended, False, False)

    machine.does(planning("another"), failing("States.Timeout", ""))
    assert "resume" not in told(asked, capsys)[1]
    machine.does(planning(run), failing("States.Timeout", ""))
    status, text = told(asked, capsys)
    assert (status, f"to go on: python -m convert resume {output} --stage {machine.stage}" in text) == (1, True)
    assert "not running, not whole" in told(["status", text.splitlines()[0], "--stage", machine.stage], capsys)[1]


def test_status_exits_with_whether_a_run_is_whole_has_ended_or_runs(
    bulk: Bulk, machine: Machine, request_of_run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    output = request_of_run["output"]

    def exits(arn: str) -> tuple[int, int]:
        by_prefix, by_arn = (told(["status", run, "--stage", machine.stage], capsys)[0] for run in (output, arn))
        return by_prefix, by_arn

    plan = bulk.plan(request_of_run, "one")
    machine.does(LONG)
    assert told(["status", machine.start({"resume": output}, "early"), "--stage", machine.stage], capsys)[0] == 3
    told(["cancel", output, "--stage", machine.stage], capsys)
    machine.does(planning(plan["run"]), LONG)
    arn = machine.start({"resume": output}, "one")
    while planned_by(arn) is None:
        time.sleep(0.05)
    assert exits(arn) == (3, 3)
    machine.client.stop_execution(executionArn=arn)
    assert exits(arn) == (1, 1)

    first, *others = bulk.items(plan)
    bulk.score_one(first)
    assert bulk.summarize(plan, "one")["status"] == "INCOMPLETE"
    assert exits(arn) == (1, 1)
    for item in others:
        bulk.score_one(item)
    assert bulk.summarize(plan, "two")["status"] == "SUCCEEDED"
    assert exits(arn) == (0, 0)


def test_the_rate_is_that_of_the_execution_which_runs(
    bulk: Bulk, machine: Machine, request_of_run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = bulk.plan(request_of_run)
    *sooner, later = bulk.items(plan)
    for item in sooner:
        bulk.score_one(item)
    time.sleep(1.1)  # S3 tells whole seconds
    machine.does(planning(plan["run"]), LONG)
    arn = machine.start({"resume": plan["output"]})
    while planned_by(arn) is None:
        time.sleep(0.05)
    asked = ["status", arn, "--stage", machine.stage]
    before = told(asked, capsys)[1]
    assert (f"{len(sooner)} of {plan['chunks']} chunks" in before, "rows/s" in before) == (True, False)
    bulk.score_one(later)
    assert "rows/s" in told(asked, capsys)[1]
    machine.client.stop_execution(executionArn=arn)


def test_list_tells_strange_executions_without_rows(
    bulk: Bulk, machine: Machine, request_of_run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    bulk.run(request_of_run, "whole")
    machine.start(request_of_run, "whole")
    for place, request in enumerate(
        [[], {}, {"output": "x"}, {"output": 5}, {"output": "s3://gone-for-ever/out/"}, {"output": "s3://B@d!/out/"}]
    ):
        machine.start(request, f"strange-{place}")
    wait(machine)
    status, text = told(["list", "--stage", machine.stage], capsys)
    lines = {line.rpartition("  ")[2]: line for line in text.splitlines()}
    assert (status, len(lines)) == (0, 7)
    assert [name for name, line in lines.items() if " rows" in line] == ["whole"]


def wait(machine: Machine) -> None:
    """Wait until nothing runs."""
    while machine.client.list_executions(stateMachineArn=machine.arn, statusFilter="RUNNING")["executions"]:
        Event().wait(0.1)  # time.sleep is what a test has in hand


def test_who_does_not_wait_gets_the_execution_and_status_0(
    bulk: Bulk, machine: Machine, request_of_run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.does(planning("any"), LONG)
    asked = [request_of_run["input"], request_of_run["output"], "--stage", machine.stage]
    status, text = told(["score", *asked, "--no-wait"], capsys)
    [arn] = text.splitlines()
    assert (status, machine.status(arn)) == (0, "RUNNING")
    assert f"stopped {arn}" in told(["cancel", *asked[1:]], capsys)[1]
    assert machine.status(arn) == "ABORTED"


def test_ctrl_c_leaves_the_execution_alone_and_says_how_to_see_and_stop_it(
    bulk: Bulk, machine: Machine, request_of_run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    machine.does(planning("any"), LONG)
    asked = [request_of_run["input"], request_of_run["output"], "--stage", machine.stage]
    command = [sys.executable, "-m", "convert", "score", *asked]
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process that ignores it has children that do
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=TESTS.parent
    ) as score:
        assert score.stdout
        arn = score.stdout.readline().strip()
        signal.signal(signal.SIGINT, handler)
        score.send_signal(signal.SIGINT)
        text, error = score.communicate()
    assert (score.returncode, error, machine.status(arn)) == (1, "", "RUNNING")
    assert_left(text, request_of_run["output"], machine)
    told(["cancel", arn, "--stage", machine.stage], capsys)
    assert machine.status(arn) == "ABORTED"


def assert_left(text: str, output: str, machine: Machine) -> None:
    assert text.splitlines()[-3:] == [
        "it goes on without this command",
        f"to see it: python -m convert status {output} --stage {machine.stage}",
        f"to stop it: python -m convert cancel {output} --stage {machine.stage}",
    ]


def test_the_pause_is_longer_where_a_look_takes_long(
    bulk: Bulk,
    machine: Machine,
    request_of_run: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine.does(planning("any"), {"Type": "Wait", "Seconds": 50, "End": True})
    clock, pauses = itertools.count(0, 60), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        wait(machine)

    monkeypatch.setattr("convert.bulk.commands.time", SimpleNamespace(monotonic=lambda: next(clock), sleep=pause))
    asked = ["score", request_of_run["input"], request_of_run["output"], "--stage", machine.stage]
    assert told(asked, capsys)[0] == 0
    assert pauses
    assert min(pauses) >= 5 * 60


@pytest.mark.parametrize("lost", [LOOKS_FAILED - 1, LOOKS_FAILED])
def test_looks_that_fail_are_tried_again_and_many_leave_the_execution_alone(
    bulk: Bulk,
    machine: Machine,
    request_of_run: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    lost: int,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    connected, looks = os.environ["AWS_ENDPOINT_URL"], 0

    def lose(_: float) -> None:
        nonlocal looks
        looks += 1
        os.environ["AWS_ENDPOINT_URL"] = NOWHERE if looks % (lost + 1) else connected
        if looks == 2 * (lost + 1):  # twice so many were lost, with one between them that was not
            wait(machine)

    machine.does(planning("any"), {"Type": "Wait", "Seconds": 50, "End": True})
    monkeypatch.setattr("convert.bulk.commands.time.sleep", lose)
    asked = ["score", request_of_run["input"], request_of_run["output"], "--stage", machine.stage]
    status, text = told(asked, capsys)
    if lost < LOOKS_FAILED:
        assert (status, "SUCCEEDED" in text) == (0, True)
    else:
        assert (status, f'Could not connect to the endpoint URL: "{NOWHERE}/"' in text) == (1, True)
        assert_left(text, request_of_run["output"], machine)
