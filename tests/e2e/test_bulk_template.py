"""The state machine as it is deployed: its states, its retries, and what its roles may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

ROLES = ("PlanRole", "ScoreRole", "SummaryRole", "BulkRole", "BulkArrivalRole")
RETRY = {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "MaxAttempts"}
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


def test_the_definition_has_no_null_which_cloudformation_refuses(resources: dict[str, Any]) -> None:
    assert "null" not in json.dumps(resources["Bulk"])


def test_names_in_the_definition_are_substituted(resources: dict[str, Any]) -> None:
    properties = resources["Bulk"]["Properties"]
    text = json.dumps(properties["Definition"])
    for name in properties["DefinitionSubstitutions"]:
        assert "${" + name + "}" in text
        text = text.replace("${" + name + "}", "")
    assert "${" not in text


def test_no_role_has_a_wildcard_for_an_action_or_for_all_there_is(resources: dict[str, Any]) -> None:
    for role in ROLES:
        [policy] = resources[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            actions, places = (statement[name] for name in ("Action", "Resource"))
            assert "*" not in json.dumps(actions), role
            for place in places if isinstance(places, list) else [places]:
                text = json.dumps(place).replace("Arn", "arn")
                assert place != "*", role
                assert "arn" in text or '"Ref": "Bulk"' in text, role
                if "s3:ListBucket" in actions and "Condition" in statement:
                    assert "s3:prefix" in statement["Condition"]["StringLikeIfExists"]
    written = json.dumps(resources["SummaryRole"])
    assert "models" not in written + json.dumps(resources["ScoreRole"])
    assert "bulk/in/" not in written


def test_what_arrives_is_the_input_and_names_the_output(resources: dict[str, Any]) -> None:
    [target] = resources["BulkArrival"]["Properties"]["Targets"]
    template = target["InputTransformer"]["InputTemplate"]["Fn::Sub"]
    assert json.loads(template) == {
        "input": "s3://<bucket>/<key>",
        "output": "s3://${Bucket}/bulk/out/<key>/<etag>/",
    }


def test_nothing_costs_until_it_is_used(resources: dict[str, Any]) -> None:
    for name in ("BulkArrival", "BulkArrivalRole"):
        assert resources[name]["Condition"] == "BulkOnArrival"
    assert resources["Bucket"]["Properties"]["NotificationConfiguration"]["Fn::If"][0] == "BulkOnArrival"
    for name in ("Plan", "Score", "Summary"):
        assert resources[f"{name}LogGroup"]["Properties"]["RetentionInDays"] == 14
        properties = resources[f"{name}LambdaFunction"]["Properties"]
        assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert "ReservedConcurrentExecutions" not in properties
        assert ("Layers" in properties) == (name != "Summary")
