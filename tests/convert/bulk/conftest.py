"""A stack on the emulator whose state machine does what a test says, for what needs no workers."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.lambda_fn.bulk.conftest import bulk

__all__ = ["bulk"]

ROLE = "arn:aws:iam::000000000000:role/any"
LONG = {"Type": "Wait", "Seconds": 3600, "End": True}
"""What is stopped before it ends; the emulator waits for a part of the time."""
DONE = {"Type": "Succeed"}
PREFIXES = {"BulkInput": "in/", "BulkOutput": "out/", "BulkUploads": "uploads/"}
"""Where the stack says that it reads and writes, in the test's bucket."""


def failing(error: str, cause: str) -> dict[str, Any]:
    return {"Type": "Fail", "Error": error, "Cause": cause}


def planning(run: str) -> dict[str, Any]:
    """The state in which a run is planned, done."""
    return {"Type": "Pass", "Result": {"run": run}, "Next": "Then"}


@dataclass(frozen=True)
class Machine:
    """The state machine of a stage of its own."""

    client: Any
    stage: str
    arn: str

    def does(self, plan: dict[str, Any], then: dict[str, Any] = DONE) -> None:
        """Have it plan so, and then do so."""
        states = {"Plan": plan} | ({"Then": then} if "Next" in plan else {})
        definition = json.dumps({"StartAt": "Plan", "States": states})
        self.client.update_state_machine(stateMachineArn=self.arn, definition=definition)

    def start(self, request: Any, name: str | None = None) -> str:
        """Start an execution; return its ARN."""
        started = self.client.start_execution(
            stateMachineArn=self.arn, name=name or uuid.uuid4().hex, input=json.dumps(request)
        )
        return str(started["executionArn"])

    def status(self, arn: str) -> str:
        return str(self.client.describe_execution(executionArn=arn)["status"])


@pytest.fixture
def machine(bucket: str, aws: Emulator) -> Machine:
    deployment, stage = Deployment(aws), f"t{uuid.uuid4().hex[:8]}"
    definition = {"StartAt": "Plan", "States": {"Plan": DONE}}
    properties = {"StateMachineName": f"plume-{stage}-bulk", "RoleArn": ROLE, "Definition": definition}
    places = {name: f"s3://{bucket}/{key}" for name, key in PREFIXES.items()}
    values = {"BulkStateMachine": {"Ref": "Machine"}, "BulkPlan": "none", **places}
    template = {
        "Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}},
        "Outputs": {name: {"Value": value} for name, value in values.items()},
    }
    client = deployment.client("cloudformation")
    client.create_stack(StackName=f"plume-{stage}", TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName=f"plume-{stage}", WaiterConfig={"Delay": 1})
    [stack] = client.describe_stacks(StackName=f"plume-{stage}")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    return Machine(deployment.client("stepfunctions"), stage, outputs["BulkStateMachine"])
