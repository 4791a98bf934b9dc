"""The deployment: its stack is found, its state machine started, asked and stopped."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

from convert.errors import ConvertError
from convert.model_file.versions import ERRORS

NEEDED = ("BulkStateMachine", "BulkPlan", "BulkUploads", "BulkInput", "BulkOutput")
PLAN_PATIENCE = Config(read_timeout=900, retries={"total_max_attempts": 1})


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution of the state machine; `error` and `cause` of one that failed."""

    arn: str
    status: str
    started: datetime
    stopped: datetime | None
    request: Mapping[str, Any]
    error: str = ""
    cause: str = ""

    @property
    def name(self) -> str:
        """Its name, by which the run has its summary."""
        return self.arn.rpartition(":")[2]

    @property
    def output(self) -> str:
        """The output prefix that it was asked for, s3://bucket/prefix/."""
        return str(self.request.get("output") or self.request.get("resume") or "")

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.status in {"RUNNING", "PENDING_REDRIVE"}


def flags(service: str, stage: str) -> str:
    """Return what commands are told to mean a stack.

    >>> flags("plume", "dev"), flags("scorer", "prod")
    ('--stage dev', '--stage prod --service scorer')
    """
    return f"--stage {stage}" + ("" if service == "plume" else f" --service {service}")


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn what AWS refuses into a ConvertError that names what was asked."""
    try:
        yield
    except NoCredentialsError as error:
        raise ConvertError(f"{what}: there are no AWS credentials: `aws configure`, or AWS_PROFILE") from error
    except NoRegionError as error:
        raise ConvertError(f"{what}: in which region? Set AWS_REGION") from error
    except (*ERRORS, ValueError) as error:
        raise ConvertError(f"{what}: {error}") from error


class Stack:
    """The stack ``{service}-{stage}``."""

    def __init__(self, service: str, stage: str) -> None:
        """Look for it; raise ConvertError if it is not there, or has no bulk scorer."""
        self.name, self.stage, self.service = f"{service}-{stage}", stage, service
        with asking(f"the stack {self.name}"):
            try:
                found = boto3.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise
                raise ConvertError(
                    f"there is no stack {self.name}: `npx serverless deploy --stage {stage}` makes it; or give --stage"
                ) from error
        outputs = {each["OutputKey"]: each["OutputValue"] for each in found[0].get("Outputs", [])}
        if missing := [name for name in NEEDED if name not in outputs]:
            raise ConvertError(f"the stack {self.name} lacks {', '.join(missing)}: deploy this version of it")
        self.machine, self.plan, self.uploads, self._inputs, self._outputs = (outputs[name] for name in NEEDED)

    def check(self, source: str, output: str) -> None:
        """Raise ConvertError for an input on S3 that the stack may not read, or an output that it may not write."""
        if source.startswith("s3://") and not source.startswith((self._inputs, self.uploads)):
            raise ConvertError(
                f"{source} is not where the stack {self.name} reads tables: {self._inputs} (parameters bulkInputBucket"
                f" and bulkInputPrefix), and {self.uploads}"
            )
        if not output.startswith(self._outputs):
            raise ConvertError(
                f"{output} is not where the stack {self.name} writes: {self._outputs} (parameters bulkOutputBucket and"
                " bulkOutputPrefix)"
            )

    def start(self, request: Mapping[str, Any]) -> Execution:
        """Start an execution; its name is given here, so that a call that is sent twice starts one."""
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        with asking(self.machine):
            answer = boto3.client("stepfunctions").start_execution(
                stateMachineArn=self.machine, name=name, input=json.dumps(request)
            )
        return Execution(answer["executionArn"], "RUNNING", now, None, request)

    def executions(self, *, running: bool = False, most: int = 1000) -> Iterator[Execution]:
        """Yield executions of the machine, newest first."""
        only = {"statusFilter": "RUNNING"} if running else {}
        with asking(self.machine):
            pages = boto3.client("stepfunctions").get_paginator("list_executions")
            for page in pages.paginate(stateMachineArn=self.machine, PaginationConfig={"MaxItems": most}, **only):
                for each in page["executions"]:
                    yield describe(each["executionArn"])

    def of_run(self, output: str) -> list[Execution]:
        """Return the executions of a run that have not ended."""
        return [each for each in self.executions(running=True) if each.output == output]

    def estimate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the function `plan` tells of a request; raise ConvertError for what it refuses."""
        with asking(self.plan):
            client = boto3.client("lambda", config=PLAN_PATIENCE)
            payload = json.dumps({"request": {**request, "dry_run": True}})
            answer = client.invoke(FunctionName=self.plan, Payload=payload.encode())
            document: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise ConvertError(str(document.get("errorMessage", document)))
        return document


def describe(arn: str) -> Execution:
    """Return the execution of that ARN; raise ConvertError if there is none."""
    with asking(arn):
        found = boto3.client("stepfunctions").describe_execution(executionArn=arn)
    try:
        request = json.loads(found.get("input") or "{}")
    except ValueError:
        request = {}
    return Execution(
        arn,
        found["status"],
        found["startDate"],
        found.get("stopDate"),
        request if isinstance(request, dict) else {},
        found.get("error") or "",
        message(found.get("cause") or ""),
    )


def planned_by(arn: str) -> str | None:
    """Return the id of the run that an execution planned or took up; None if it has not, or was refused."""
    with asking(arn):
        for page in boto3.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn):
            for event in page["events"]:
                exited = event.get("stateExitedEventDetails", {})
                if exited.get("name") == "Plan":
                    return str(json.loads(exited["output"])["run"])
    return None


def stop(arn: str) -> None:
    """Stop an execution; its workers end the chunk that they are at, or are stopped with it."""
    with asking(arn):
        boto3.client("stepfunctions").stop_execution(
            executionArn=arn, error="Cancelled", cause="python -m convert cancel"
        )


def message(cause: str) -> str:
    """Return the message in what Lambda tells of an exception, which is JSON; or else the cause as it is.

    >>> message('{"errorMessage": "no rows", "errorType": "RefusedError"}'), message("killed")
    ('no rows', 'killed')
    """
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    return str(document.get("errorMessage", cause)) if isinstance(document, dict) else cause
