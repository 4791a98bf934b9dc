"""Bulk scoring, deployed: a table goes in by the command line, all its rows come out, in order."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convert.model_file.publish import publish
from scripts.deployment import CommandError, Deployment
from scripts.emulator import Emulator
from tests.faults.certificates import issue
from tests.faults.proxy import Fault, Proxy
from tests.faults.treatments import NowAndThen

pytestmark = pytest.mark.e2e

ROWS = 1_000_000
KILLED = 4
"""How many workers are killed at the most."""
AT_ONCE = 3
"""How many chunks are scored at once: the emulator knows no MaxConcurrencyPath, and would start 64."""


@pytest.fixture(scope="module")
def bulk(deployment: Deployment) -> Deployment:
    """The deployment, whose state machine runs a few children at once here."""
    client, arn = deployment.client("stepfunctions"), deployment.outputs()["BulkStateMachine"]
    definition = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    del definition["States"]["Score all"]["MaxConcurrencyPath"]
    definition["States"]["Score all"]["MaxConcurrency"] = AT_ONCE
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))
    return deployment


@pytest.fixture
def model(bulk: Deployment, aws: Emulator, model_file: Path) -> str:
    """The name of the demo model, published beside the one that other tests publish."""
    publish(model_file, bulk.outputs()["ModelUri"].replace("model.onnx", "bulk.onnx"))
    return "bulk"


def parts(deployment: Deployment, output: str) -> Iterator[bytes]:
    """Yield the outputs of a run, in the order of their names."""
    bucket, _, prefix = output.removeprefix("s3://").partition("/")
    client = deployment.client("s3")
    for each in client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}part-")["Contents"]:
        yield client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()


def read(deployment: Deployment, uri: str) -> Any:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(deployment.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def test_a_million_rows_equal_scikit_learn_row_for_row(
    bulk: Deployment, model: str, estimator: Any, tmp_path: Path
) -> None:
    rows = np.random.default_rng(17).uniform(0, 9, (ROWS, 2)).round(2)
    pairs = np.char.add(np.char.add(rows[:, 0].astype(str), ","), rows[:, 1].astype(str))
    text = "\n".join(["sepal length (cm),sepal width (cm)", *pairs.tolist(), ""])
    (tmp_path / "rows.csv").write_text(text)
    output = bulk.outputs()["BulkOutput"] + "million/"
    arguments = ["score", str(tmp_path / "rows.csv"), output, "--model", model, "--chunk-mb", "1"]
    told = bulk.convert(*arguments)
    for part in ("SUCCEEDED", "1,000,000 in, 1,000,000 out, 0 refused"):
        assert part in told
    assert "\x1b" not in told

    found = list(parts(bulk, output))
    assert len(found) >= 8
    answers = pd.concat([pd.read_csv(io.BytesIO(part)) for part in found])
    assert answers.columns.tolist() == ["prediction", "0", "1", "2"]
    np.testing.assert_array_equal(answers["prediction"], estimator.predict(rows))
    np.testing.assert_allclose(answers.iloc[:, 1:], estimator.predict_proba(rows), rtol=0, atol=1e-15)
    summary = read(bulk, f"{output}_SUCCESS.json")
    assert (summary["status"], summary["rows"]) == ("SUCCEEDED", {"in": ROWS, "out": ROWS, "refused": 0})
    assert summary["chunks"] == {"planned": len(found), "done": len(found), "failed": 0}

    assert "SUCCEEDED" in bulk.convert("resume", output)
    assert list(parts(bulk, output)) == found
    listing = bulk.convert("list").splitlines()
    assert [f"→ {output}  1,000,000 rows" in line for line in listing[:2]] == [True, True]
    assert "nothing of" in bulk.convert("cancel", output)


def test_a_bad_row_fails_the_run_and_says_which_and_quarantine_sets_it_aside(
    bulk: Deployment, model: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("sepal length (cm),sepal width (cm)\n6.2,3.4\nx,3\n6.2,1\n")
    outputs = bulk.outputs()["BulkOutput"]
    asked = ["score", str(tmp_path / "bad.csv")]
    with pytest.raises(CommandError, match="exit status 1") as failed:
        bulk.convert(*asked, f"{outputs}bad/", "--model", model)
    for part in ("INCOMPLETE", "failed 00000", "line 3", "not-a-number", f"resume {outputs}bad/"):
        assert part in str(failed.value)
    with pytest.raises(CommandError, match="exit status 1") as failed:
        bulk.convert("status", f"{outputs}bad/")
    assert "not running, not whole" in str(failed.value)

    aside = ["--on-error", "quarantine", "--columns", "prediction"]
    told = bulk.convert(*asked, f"{outputs}aside/", "--model", model, *aside)
    assert "3 in, 2 out, 1 refused" in told
    assert b"".join(parts(bulk, f"{outputs}aside/")) == b"prediction\n2\n1\n"


def workers(emulator: Emulator) -> list[int]:
    """Return the processes in which functions run."""
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(emulator.pid)], capture_output=True, text=True)
    return [int(pid) for pid in listing.stdout.split()]


def test_killed_workers_an_event_that_came_twice_and_another_model_change_nothing(
    bulk: Deployment, model: str, emulator: Emulator, estimator: Any, model_files: dict[str, Path], tmp_path: Path
) -> None:
    rows = np.random.default_rng(18).uniform(0, 9, (400_000, 2)).round(2)
    table = pd.DataFrame(rows, columns=["sepal length (cm)", "sepal width (cm)"])
    buffer = table.to_csv(index=False, lineterminator="\r\n").encode()
    outputs = bulk.outputs()
    bucket, _, prefix = outputs["BulkUploads"].removeprefix("s3://").partition("/")  # where no arrival is told
    bulk.client("s3").put_object(Bucket=bucket, Key=f"{prefix}twice.csv", Body=buffer)
    output = f"{outputs['BulkOutput']}twice/"
    request = {"input": f"s3://{bucket}/{prefix}twice.csv", "output": output, "model": model, "chunk_mb": 0.2}
    machine, client = outputs["BulkStateMachine"], bulk.client("stepfunctions")
    started = [client.start_execution(stateMachineArn=machine, input=json.dumps(request)) for _ in range(2)]
    killed, published = 0, False
    while any(status(client, each) == "RUNNING" for each in started):
        time.sleep(0.5)
        done = bulk.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{output.split('/', 3)[3]}_plume/done/")
        if done["KeyCount"] >= 2 and killed < KILLED:
            for pid in workers(emulator)[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
            if not published:
                publish(model_files["stump"], outputs["ModelUri"].replace("model.onnx", "bulk.onnx"), force=True)
                published = True
    assert killed > 0
    assert published
    assert "SUCCEEDED" in bulk.convert("resume", output)  # where a chunk was killed more often than it is tried

    found = list(parts(bulk, output))
    answers = pd.concat([pd.read_csv(io.BytesIO(part)) for part in found])
    np.testing.assert_array_equal(answers["prediction"], estimator.predict(rows))
    summary = read(bulk, f"{output}_SUCCESS.json")
    assert summary["rows"] == {"in": 400_000, "out": 400_000, "refused": 0}
    assert summary["chunks"]["planned"] == len(found) > 8


@pytest.fixture
def failing(bulk: Deployment, emulator: Emulator, tmp_path: Path) -> Iterator[NowAndThen]:
    """A proxy between the workers and S3, which lets some of their connections fail."""
    client, name = bulk.client("lambda"), bulk.outputs()["BulkPlan"].replace("plan", "score")
    environment = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    treat = NowAndThen(0.2)
    with Proxy(emulator.port, issue(tmp_path), tmp_path / "names") as proxy:
        proxy.switch(Fault("now and then", treat))
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**environment, "AWS_ENDPOINT_URL_S3": proxy.url}}
        )
        yield treat
        client.update_function_configuration(FunctionName=name, Environment={"Variables": environment})


def test_a_prefix_of_thirty_objects_is_scored_through_an_s3_that_fails(
    bulk: Deployment, model: str, failing: NowAndThen, estimator: Any
) -> None:
    rows = np.random.default_rng(20).uniform(0, 9, (30, 500, 2)).round(2)
    bucket, _, prefix = bulk.outputs()["BulkUploads"].removeprefix("s3://").partition("/")
    for number, some in enumerate(rows):
        array, csv = io.BytesIO(), pd.DataFrame(some).to_csv(index=False, header=False)
        np.save(array, some)
        lines = "".join(f"[{line}]\n" for line in csv.splitlines())
        kind, body = [("csv", csv.encode()), ("jsonl", lines.encode()), ("npy", array.getvalue())][number % 3]
        bulk.client("s3").put_object(Bucket=bucket, Key=f"{prefix}thirty/{number:02d}.{kind}", Body=body)
    output = f"{bulk.outputs()['BulkOutput']}thirty/"
    asked = ["score", f"s3://{bucket}/{prefix}thirty/", output, "--model", model, "--output-format", "csv"]
    for attempt in range(5):  # a chunk may fail more often than it is tried
        with contextlib.suppress(CommandError):
            bulk.convert(*(asked if attempt == 0 else ["resume", output]), "--tolerated-failures", "100")
            break
    assert failing.failed > 30
    answers = pd.concat([pd.read_csv(io.BytesIO(part)) for part in parts(bulk, output)])
    np.testing.assert_array_equal(answers["prediction"], estimator.predict(rows.reshape(-1, 2)))
    summary = read(bulk, f"{output}_SUCCESS.json")
    assert summary["rows"] == {"in": 15_000, "out": 15_000, "refused": 0}
    assert summary["chunks"] == {"planned": 30, "done": 30, "failed": 0}


def test_a_run_that_is_cancelled_is_resumed_until_all_is_there(
    bulk: Deployment, model: str, estimator: Any, tmp_path: Path
) -> None:
    rows = np.random.default_rng(19).uniform(0, 9, (12_000, 2)).round(2)
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False, header=False)
    output = f"{bulk.outputs()['BulkOutput']}cancelled/"
    asked = ["score", str(tmp_path / "rows.csv"), output, "--model", model, "--chunk-mb", "0.001", "--no-wait"]
    arn = bulk.convert(*asked).splitlines()[-1]
    bucket, _, prefix = output.removeprefix("s3://").partition("/")
    while not bulk.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{prefix}_plume/done/")["KeyCount"]:
        time.sleep(0.1)
    told = bulk.convert("cancel", output)
    for part in (f"stopped {arn}", f"to go on: python -m convert resume {output}"):
        assert part in told
    with pytest.raises(CommandError, match="exit status 1") as ended:
        bulk.convert("status", arn)
    for part in (f"{arn}: ABORTED: Cancelled", "not running, not whole"):
        assert part in str(ended.value)

    told = bulk.convert("resume", output)
    assert "12,000 in, 12,000 out, 0 refused" in told
    assert "rows/s" not in told.partition("SUCCEEDED")[2]
    answers = pd.concat([pd.read_csv(io.BytesIO(part)) for part in parts(bulk, output)])
    np.testing.assert_array_equal(answers["prediction"], estimator.predict(rows))
    assert "SUCCEEDED" in bulk.convert("status", output)


def status(client: Any, execution: Any) -> str:
    told: str = client.describe_execution(executionArn=execution["executionArn"])["status"]
    return told


def test_a_dry_run_tells_what_it_would_be_and_what_is_refused(bulk: Deployment, model: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("6.2,3.4\n" * 1000)
    outputs = bulk.outputs()["BulkOutput"]
    asked = ["score", str(tmp_path / "t.csv"), f"{outputs}dry/", "--dry-run"]
    told = bulk.convert(*asked, "--model", model, "--chunk-mb", "0.002")
    assert "1 objects, 8,000 bytes, about 1,000 rows, in 4 chunks" in told
    with pytest.raises(CommandError, match="error: "):
        bulk.convert(*asked, "--model", "none")
    with pytest.raises(CommandError, match="there is no run at"):
        bulk.convert("status", f"{outputs}dry/")


def test_an_execution_that_plan_refuses_is_told(bulk: Deployment, model: str) -> None:
    outputs = bulk.outputs()["BulkOutput"]
    missing = bulk.outputs()["BulkInput"] + "none.csv"
    with pytest.raises(CommandError, match="exit status 1") as failed:
        bulk.convert("score", missing, f"{outputs}refused/", "--model", model)
    assert f"there is no object at {missing}" in str(failed.value)
