"""The state machine as it is deployed: its states and retries, what starts it, and what people need for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from scripts.emulator import ROOT, Emulator
from tests.e2e.policies import listed

pytestmark = pytest.mark.e2e

RETRY = {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "MaxAttempts"}
SERVICES: dict[Any, str] = {"stepfunctions": "states"} | {name: name for name in ("cloudformation", "lambda", "s3")}
"""boto3's names of the services that commands call, and IAM's."""
CALLED_OTHERWISE = {
    "head_object": ["s3:GetObject"],
    "list_objects_v2": ["s3:ListBucket"],
    "upload_file": ["s3:PutObject", "s3:AbortMultipartUpload"],
    "invoke": ["lambda:InvokeFunction"],
}
"""The methods of boto3 whose actions have other names."""
NAMES = {"RefusedError", "DeadlineError", "IncompleteError", "PassingError"}


@pytest.fixture
def resources(template: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"]
    return found


def machines(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the definition and, of its maps, what each item goes through."""
    yield definition
    for state in definition["States"].values():
        if state["Type"] == "Map":
            yield from machines(state["ItemProcessor"])


def test_states_lead_to_states_and_end(resources: dict[str, Any]) -> None:
    for machine in machines(resources["Bulk"]["Properties"]["Definition"]):
        states = machine["States"]
        nexts = {machine["StartAt"]}
        for name, state in states.items():
            ways = [each["Next"] for each in (*state.get("Catch", []), *state.get("Choices", []))]
            ways += [state[way] for way in ("Next", "Default") if way in state]
            assert set(ways) <= states.keys(), name
            assert ("Next" in state) + ("End" in state) == (state["Type"] in {"Task", "Map"}), name
            nexts |= set(ways)
        assert nexts == states.keys()


def test_what_passes_is_tried_again_with_backoff_and_jitter_and_nothing_else(resources: dict[str, Any]) -> None:
    definition = resources["Bulk"]["Properties"]["Definition"]
    tasks = [each for machine in machines(definition) for each in machine["States"].values() if each["Type"] == "Task"]
    assert len(tasks) == 5
    for task in tasks:
        first, *others = task["Retry"]
        assert first == {"ErrorEquals": ["RefusedError", "DeadlineError", "IncompleteError"], "MaxAttempts": 0}
        for retry in others:
            assert retry.keys() == RETRY
            assert (retry["JitterStrategy"], retry["BackoffRate"]) == ("FULL", 2)
        named = [name for retry in task["Retry"] for name in retry["ErrorEquals"]]
        assert {name for name in named if "." not in name} == NAMES
        assert {"Lambda.TooManyRequestsException", "States.Timeout", "Sandbox.Timedout"} <= set(named)
        assert task["Retry"][-1]["ErrorEquals"] == ["States.ALL"]
        assert task["TimeoutSeconds"] > 900


def test_a_task_ends_before_the_machine_gives_it_up_and_each_is_tried_as_often_as_is_meant(
    resources: dict[str, Any],
) -> None:
    for function in ("Plan", "Score", "Summary"):
        properties = resources[f"{function}LambdaFunction"]["Properties"]
        assert (properties["Timeout"], properties["MemorySize"]) == (900, 1769)
    score = resources["Bulk"]["Properties"]["Definition"]["States"]["Score all"]["ItemProcessor"]["States"]["Score"]
    assert score["TimeoutSeconds"] == 930
    assert [retry["MaxAttempts"] for retry in score["Retry"]] == [0, 240, 1, 6, 3]


def test_the_map_is_bounded_by_the_request_and_whatever_ends_it_is_summarized(resources: dict[str, Any]) -> None:
    states = resources["Bulk"]["Properties"]["Definition"]["States"]
    state = states["Score all"]
    assert (state["MaxConcurrencyPath"], state["ToleratedFailureCountPath"]) == (
        "$.concurrency",
        "$.tolerated_failures",
    )
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert state["ItemSelector"].keys() == {"output.$", "run.$", "execution.$", "deadline.$", "chunk.$"}
    assert [each["ErrorEquals"] for each in state["Catch"]] == [["States.DataLimitExceeded"], ["States.ALL"]]
    assert {each["Next"] for each in state["Catch"]} == {"Summarize what there is"}
    last = states["Summarize what there is"]
    assert last["Parameters"].items() - states["Summarize"]["Parameters"].items() == {("stopped.$", "$.stopped")}


def test_the_definition_has_no_null_which_cloudformation_refuses(resources: dict[str, Any]) -> None:
    assert "null" not in json.dumps(resources["Bulk"])


def test_names_in_the_definition_are_substituted(resources: dict[str, Any]) -> None:
    properties = resources["Bulk"]["Properties"]
    text = json.dumps(properties["Definition"])
    for name in properties["DefinitionSubstitutions"]:
        assert "${" + name + "}" in text
        text = text.replace("${" + name + "}", "")
    assert "${" not in text


def test_what_arrives_under_the_input_prefix_is_told_to_the_function(resources: dict[str, Any]) -> None:
    properties = resources["BulkArrival"]["Properties"]
    assert properties["EventPattern"]["detail"] == {
        "bucket": {"name": [{"Fn::Sub": "${Bucket}"}]},
        "object": {"key": [{"prefix": "bulk/in/"}]},
    }
    [target] = properties["Targets"]
    assert target == {"Id": "arrive", "Arn": {"Fn::GetAtt": ["ArriveLambdaFunction", "Arn"]}}
    environ = resources["ArriveLambdaFunction"]["Properties"]["Environment"]["Variables"]
    assert environ["BULK_INPUT"] == {"Fn::Sub": "s3://${Bucket}/bulk/in/"}
    assert environ["BULK_OUTPUT"] == {"Fn::Sub": "s3://${Bucket}/bulk/out/"}


def test_what_was_uploaded_is_deleted_in_time(resources: dict[str, Any]) -> None:
    rules = {each["Id"]: each for each in resources["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    uploaded = rules["uploaded-tables"]
    assert (uploaded["Prefix"], uploaded["ExpirationInDays"]) == ("bulk/uploads/", 30)
    assert uploaded["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_nothing_costs_until_it_is_used(resources: dict[str, Any]) -> None:
    for name in ("BulkArrival", "BulkArrivalPermission"):
        assert resources[name]["Condition"] == "BulkOnArrival"
    assert resources["Bucket"]["Properties"]["NotificationConfiguration"]["Fn::If"][0] == "BulkOnArrival"
    for name in ("Plan", "Score", "Summary", "Arrive"):
        assert resources[f"{name}LogGroup"]["Properties"]["RetentionInDays"] == 14
        properties = resources[f"{name}LambdaFunction"]["Properties"]
        assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert "ReservedConcurrentExecutions" not in properties
        assert ("Layers" in properties) == (name in {"Plan", "Score"})
        assert ({"MODEL_URI", "MODEL_SHA256"} <= properties["Environment"]["Variables"].keys()) == (name == "Plan")


@pytest.fixture
def documented() -> list[dict[str, Any]]:
    """The statements of the policy that the docs give to whoever runs the commands."""
    page = (ROOT / "docs" / "deploying.md").read_text()
    policy = json.loads(page.partition("```json\n")[2].partition("```")[0].replace("STAGE", "dev"))
    statements: list[dict[str, Any]] = policy["Statement"]
    return statements


def test_what_the_docs_let_people_do_is_what_the_commands_call(documented: list[dict[str, Any]], aws: Emulator) -> None:
    source = "".join(path.read_text() for path in (ROOT / "convert" / "bulk").glob("*.py"))
    assert set(re.findall(r'boto3\.client\("(\w+)"', source)) == SERVICES.keys()
    called = {*re.findall(r"\.(\w+)\(", source), *re.findall(r'get_paginator\("(\w+)"\)', source)}
    needed = {action for method in called & CALLED_OTHERWISE.keys() for action in CALLED_OTHERWISE[method]}
    for service, prefix in SERVICES.items():
        operations = boto3.client(service).meta.method_to_api_mapping
        needed |= {f"{prefix}:{operations[method]}" for method in called & operations.keys() - CALLED_OTHERWISE.keys()}
    assert {action for each in documented for action in listed(each["Action"])} == needed


def test_what_the_docs_let_people_do_is_on_what_the_stack_has(
    documented: list[dict[str, Any]], template: dict[str, Any]
) -> None:
    places = {each["Sid"]: each["Resource"].split(":")[-1] for each in documented}
    resources = template["Resources"]
    assert places["Machine"] == resources["Bulk"]["Properties"]["StateMachineName"]
    assert places["DryRun"] == resources["PlanLambdaFunction"]["Properties"]["FunctionName"]
    for name, output in (("LocalFiles", "BulkUploads"), ("Outputs", "BulkOutput")):
        uri = template["Outputs"][output]["Value"]["Fn::Sub"].removeprefix("s3://")
        assert places[name] == f"{uri.replace('${Bucket}', 'BUCKET')}*"
