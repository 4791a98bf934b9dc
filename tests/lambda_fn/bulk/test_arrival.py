"""Events of objects that arrived: what starts an execution, of what, and what does not."""

import json
from typing import Any

import pytest

from lambda_fn.bulk import handler
from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.options import TAKEN
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.conftest import TESTS

ROLE = "arn:aws:iam::000000000000:role/none"


@pytest.fixture
def machine(bucket: str, aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """A state machine that does nothing; inputs are under in/, outputs under in/out/."""
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    client = Deployment(aws).client("stepfunctions")
    made = client.create_state_machine(name=bucket, definition=definition, roleArn=ROLE)
    arn: str = made["stateMachineArn"]
    for name, value in {"MACHINE": arn, "INPUT": "in/", "OUTPUT": "in/out/", "UPLOADS": "in/uploads/"}.items():
        monkeypatch.setenv(f"BULK_{name}", value if name == "MACHINE" else f"s3://{bucket}/{value}")
    return arn


def event(bucket: str, key: str, sequencer: str = "1") -> dict[str, Any]:
    return {"detail": {"bucket": {"name": bucket}, "object": {"key": key, "etag": "e7a9", "sequencer": sequencer}}}


def asked(machine: str, aws: Emulator) -> list[dict[str, Any]]:
    """Return what executions were asked for."""
    client = Deployment(aws).client("stepfunctions")
    arns = [each["executionArn"] for each in client.list_executions(stateMachineArn=machine)["executions"]]
    return [json.loads(client.describe_execution(executionArn=arn)["input"]) for arn in arns]


@pytest.mark.parametrize("name", ["a.csv", 'a "b"\\\n{ü<key>}.npy', "2026/%41 + b.CSV.gz"])
def test_a_table_that_arrives_is_asked_for_once_however_often_that_is_told(
    name: str, bucket: str, machine: str, aws: Emulator
) -> None:
    started = [handler.arrive(event(bucket, f"in/{name}"), None) for _ in range(2)]
    [request] = asked(machine, aws)
    assert started == [f"arrival-{started[0][8:40]}"] * 2
    output = f"s3://{bucket}/in/out/{name}/e7a9-{started[0][8:16]}/"
    assert request == {"input": f"s3://{bucket}/in/{name}", "output": output}


def test_the_same_bytes_that_arrive_again_go_to_another_prefix(bucket: str, machine: str, aws: Emulator) -> None:
    for sequencer in ("1", "2"):
        handler.arrive(event(bucket, "in/a.csv", sequencer), None)
    first, second = asked(machine, aws)
    assert first["input"] == second["input"]
    assert first["output"] != second["output"]


def test_options_of_arrivals_are_those_of_the_request(
    bucket: str, machine: str, aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"columns": ["id", "prediction"], "on_error": "skip"}
    monkeypatch.setenv("BULK_ARRIVAL_OPTIONS", json.dumps(options))
    handler.arrive(event(bucket, "in/a.csv"), None)
    [request] = asked(machine, aws)
    assert request.items() >= options.items()


@pytest.mark.parametrize("text", ["{", "[]", '{"output": "s3://b/elsewhere/"}'])
def test_options_of_arrivals_that_are_none_are_refused(
    text: str, bucket: str, machine: str, aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BULK_ARRIVAL_OPTIONS", text)
    with pytest.raises(RefusedError, match="expected a JSON object without input and output"):
        handler.arrive(event(bucket, "in/a.csv"), None)
    assert asked(machine, aws) == []


@pytest.mark.parametrize(
    "key",
    [
        *("in/_a.csv", "in/.a.csv", "in/_tmp/a.csv", "in/a/", "in/a.parquet", "in/a", "elsewhere/a.csv"),
        *("in/out/a.csv/e7a9/part-00000-0-0.csv", "in/uploads/0/a.csv"),
    ],
)
def test_what_is_no_input_starts_nothing(key: str, bucket: str, machine: str, aws: Emulator) -> None:
    assert handler.arrive(event(bucket, key), None) is None
    assert asked(machine, aws) == []


def test_the_docs_name_every_option_of_an_arrival() -> None:
    page = (TESTS.parent / "docs" / "deploying.md").read_text().partition("### Tables that arrive\n")[2]
    assert all(f"`{name}`" in page for name in TAKEN.keys() - {"input", "output"})
