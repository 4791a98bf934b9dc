"""Alarms and the dashboard, made by an emulator's CloudFormation; the dashboard drawn from what the function writes."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from scripts.dashboard import TEMPLATE, draw, of_cloudwatch, of_lines, written
from scripts.emulator import ROOT, Emulator
from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import anew
from tests.lambda_fn.posts import post, request
from tests.lambda_fn.telemetry.lines import ALL, lines_of, metrics_of
from tests.lambda_fn.test_unrequested import with_bodies

pytestmark = pytest.mark.e2e

NO_TOPIC = "arn:aws:sns:us-east-1:000000000000:none"

PNG = b"\x89PNG"
STUBS = {
    "HttpApi": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "windows", "ProtocolType": "HTTP"}},
    "PredictLambdaFunction": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "predict"}},
    "ArriveLambdaFunction": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "arrive"}},
    "Bulk": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "bulk"}},
    "Bucket": {"Type": "AWS::S3::Bucket"},
}
"""What the template refers to, whose names are all that it asks for."""
ON_PREDICT = {
    "faults": ("Plume", "faults"),
    "crashes": ("AWS/Lambda", "Errors"),
    "throttles": ("AWS/Lambda", "Throttles"),
    "rejected": ("Plume", "ModelRejected"),
    "silence": ("AWS/Lambda", "Invocations"),
}
"""The alarms on metrics of the function `predict`, with namespace and metric."""
SHORT = {"Ref": "Ref", "Condition": "Condition"}


def construct(loader: Any, suffix: str, node: Any) -> Any:
    """Return what a short form of CloudFormation's functions stands for."""
    name = SHORT.get(suffix, f"Fn::{suffix}")
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    return {name: loader.construct_sequence(node, deep=True)}


def template(**parameters: str) -> str:
    """Return the template with stubs beside it, and parameters in their places, as Serverless puts them there."""
    given = {"self:service": "windows", "sls:stage": parameters["stage"], "self:custom.noTopic": NO_TOPIC}
    given |= {f"param:{name}": value for name, value in parameters.items()}
    text = re.sub(r"\$\{((?:param|self|sls):[\w.]+)\}", lambda found: given[found[1]], TEMPLATE.read_text())
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", construct)  # type: ignore[attr-defined]
    document = yaml.load(text, loader)  # noqa: S506 - a SafeLoader
    document["Resources"] |= STUBS
    return json.dumps(document)


@pytest.fixture
def stage(aws: Emulator) -> Iterator[str]:
    name = uuid.uuid4().hex[:8]
    yield name
    boto3.client("cloudformation").delete_stack(StackName=f"windows-{name}")


def made(stage: str, **parameters: str) -> set[str]:
    """Make the stack; return the types of what is in it, but the stubs'."""
    given = {"alarms": "false", "alarmTopic": NO_TOPIC, "alarmEmail": "", "alarmLatency": "1000", "dashboard": "false"}
    given["bulkOnArrival"] = "false"
    stacks = boto3.client("cloudformation")
    stacks.create_stack(StackName=f"windows-{stage}", TemplateBody=template(**{**given, **parameters}, stage=stage))
    stacks.get_waiter("stack_create_complete").wait(StackName=f"windows-{stage}", WaiterConfig={"Delay": 1})
    found = stacks.describe_stack_resources(StackName=f"windows-{stage}")["StackResources"]
    return {each["ResourceType"] for each in found if each["LogicalResourceId"] not in STUBS}


def test_nothing_is_made_that_nobody_asked_for(stage: str) -> None:
    assert made(stage) == set()


def test_alarms_tell_who_is_to_be_told(stage: str) -> None:
    topic = "arn:aws:sns:us-east-1:000000000000:on-call"
    types = made(stage, alarms="true", alarmTopic=topic, alarmEmail="on-call@example.org", bulkOnArrival="true")
    assert types == {"AWS::CloudWatch::Alarm", "AWS::SNS::Topic"}
    alarms = boto3.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"windows-{stage}-")["MetricAlarms"]
    kinds = {each["AlarmName"].rpartition("-")[2]: each for each in alarms}
    told = set(re.findall(r"^\| `plume-prod-(\w+)` \|", (ROOT / "docs" / "observing.md").read_text(), re.MULTILINE))
    assert kinds.keys() == told == {*ON_PREDICT, "errors", "failing", "latency", "bulk", "arrivals"}
    assert all(topic in each["AlarmActions"] and len(each["AlarmActions"]) == 2 for each in alarms)
    assert {each["TreatMissingData"] for name, each in kinds.items() if name != "silence"} == {"notBreaching"}
    assert kinds["silence"]["TreatMissingData"] == "breaching"
    of = {name: (each["Namespace"], each["MetricName"], each["Dimensions"][0]) for name, each in kinds.items()}
    for name, (namespace, metric) in ON_PREDICT.items():
        dimension = "Function" if namespace == "Plume" else "FunctionName"
        assert of[name] == (namespace, metric, {"Name": dimension, "Value": "predict"})
    assert of["failing"] == of["errors"] == ("AWS/ApiGateway", "5xx", kinds["latency"]["Dimensions"][0])
    assert (kinds["failing"]["EvaluationPeriods"], kinds["failing"]["DatapointsToAlarm"]) == (12, 3)
    assert of["bulk"] == ("AWS/States", "ExecutionsFailed", {"Name": "StateMachineArn", "Value": "bulk"})
    assert of["arrivals"] == ("AWS/Lambda", "AsyncEventsDropped", {"Name": "FunctionName", "Value": "arrive"})


def test_latency_is_judged_however_few_calls_come() -> None:
    """Told to ignore few samples, the alarm keeps its state where a p99 is of fewer than 1,000 calls."""
    assert "ignore" not in re.findall(r"EvaluateLowSampleCountPercentile: *(\w+)", TEMPLATE.read_text())


def test_the_alarms_watch_metrics_that_the_function_writes(
    event: LoadEvent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of whatever name a model is, and whoever sends a call."""
    (tmp_path / "risk.onnx").write_bytes(b"no model")
    (tmp_path / "model.onnx").write_bytes(b"no model")
    places = {"MODEL_URI": (tmp_path / "model.onnx").as_uri(), "MODELS_URI": f"{tmp_path.as_uri()}/"}
    for name, value in {**places, **ALL, "AWS_LAMBDA_FUNCTION_NAME": "predict"}.items():
        monkeypatch.setenv(name, value)
    handler = anew()
    capsys.readouterr()  # a start tries the one of the front, too
    handler.predict({"data": [[6.2, 3.4]]}, None)
    handler.predict(with_bodies(event("unrequested/queue-sqs"), '{"data": [[6.2, 3.4]]}'), None)
    handler.predict(request(event, "POST", "/models/risk/predict", '{"data": [[6.2, 3.4]]}'), None)
    counted: Counter[str] = Counter()
    for line in lines_of(capsys):
        counted.update(name for name, dimensions in metrics_of(line).items() if ["Function"] in dimensions)
        assert line["Function"] == "predict"
    metrics = [metric for namespace, metric in ON_PREDICT.values() if namespace == "Plume"]
    assert {name: counted[name] for name in metrics} == {"faults": 3, "ModelRejected": 3}


ODD = ("{", "7", '{"_aws": 1}', '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": 1}}', "[" * 20_000)
TOLD = {
    "Timestamp": 1795794444944,
    "CloudWatchMetrics": [{"Dimensions": [["Function"]], "Metrics": [{"Name": "rows"}]}],
}


def test_one_line_among_others_is_drawn_at_its_time(tmp_path: Path) -> None:
    line, when = {"_aws": TOLD, "rows": 7}, {"Timestamp": 10.0**300}
    others = [json.dumps(each) for each in (line | {"rows": "7a"}, {"_aws": TOLD}, line | {"_aws": TOLD | when})]
    figure = draw(written("dev"), of_lines([*ODD, *others, json.dumps(line)]), tmp_path / "one.png")
    [graph] = [each for each in figure.axes if each.get_legend()]
    shown = [each.get_text() for each in graph.get_xticklabels()]
    assert "15:45" in shown
    assert len({*shown}) == len(shown)


def test_lines_of_metrics_alone_count_as_the_gateway_counts() -> None:
    line = {"_aws": TOLD, "rows": 7, "calls": 1, "total_ms": 2.5}
    lines = [
        line | {"sender": "sqs"},
        line | {"sender": "payload_2"},
        line | {"errors": 1},
        line | {"errors": 1, "faults": 1},
        line | {"errors": 1, "faults": 1},
    ]
    source = of_lines(map(json.dumps, lines))
    found = {
        name: sum(values)
        for name in ("Count", "4xx", "5xx", "Latency")
        for _, _, values in source(["AWS/ApiGateway", name], {"stat": "Sum"}, 300)
    }
    assert found == {"Count": 4, "4xx": 1, "5xx": 2, "Latency": 10}


def test_the_dashboard_is_drawn_from_the_function_s_own_lines(
    stage: str,
    event: LoadEvent,
    model_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert made(stage, dashboard="true") == {"AWS::CloudWatch::Dashboard"}
    body = json.loads(boto3.client("cloudwatch").get_dashboard(DashboardName=f"windows-{stage}")["DashboardBody"])
    assert len(body["widgets"]) == len(written("dev")["widgets"]) == 12
    spots = {(x, y) for w in body["widgets"] for x in range(w["x"], w["x"] + w["width"]) for y in [w["y"]]}
    assert len(spots) == sum(each["width"] for each in body["widgets"])
    assert "${" not in json.dumps(body)
    for name, value in {"MODEL_URI": model_file.as_uri(), **ALL}.items():
        monkeypatch.setenv(name, value)
    handler = anew()
    handler.predict(event("predict-http-api"), None)
    handler.predict(post(event, "{"), None)
    source = of_lines(capsys.readouterr().out.splitlines())
    shown = [
        label
        for widget in body["widgets"]
        for entry in widget["properties"].get("metrics", [])
        for label, *_ in source(entry, entry[-1], 300)
    ]
    expected = ["calls", "4xx", "5xx", "p50", "p90", "p99", "parse", "score", "encode", "malformed-json"]
    assert shown == [*expected, "cold starts", "rows (right)"]
    draw(body, source, tmp_path / "lines.png")
    assert (tmp_path / "lines.png").read_bytes().startswith(PNG)
    draw(body, of_cloudwatch(), tmp_path / "cloudwatch.png")
    assert (tmp_path / "cloudwatch.png").read_bytes().startswith(PNG)
