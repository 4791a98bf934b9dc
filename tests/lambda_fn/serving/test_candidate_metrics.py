"""A candidate from end to end: published beside a model, scored in its shadow, told of by `status`, promoted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from convert.model_file.publish import promote, publish
from convert.status import status
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.posts import post, with_path
from tests.lambda_fn.serving.conftest import wait_until


def extract(aws: Emulator, lines: list[str]) -> None:
    """Make metrics of lines of a log, as CloudWatch does and the emulator does not."""
    client = Deployment(aws).client("cloudwatch")
    for line in map(json.loads, lines):
        for told in line["_aws"]["CloudWatchMetrics"]:
            dimensions = [{"Name": name, "Value": line[name]} for [name] in told["Dimensions"]]
            moment = datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC)
            data = [
                {"MetricName": each["Name"], "Dimensions": dimensions, "Timestamp": moment, "Value": line[each["Name"]]}
                for each in told["Metrics"]
            ]
            client.put_metric_data(Namespace=told["Namespace"], MetricData=data)


def test_what_the_service_counts_is_what_status_tells(
    load: Load,
    event: LoadEvent,
    aws: Emulator,
    bucket: str,
    model_file: Path,
    model_files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri, stump = f"s3://{bucket}/models/model.onnx", tmp_path / "stump.onnx"
    stump.write_bytes(model_files["stump"].read_bytes())
    publish(model_file, uri)
    publish(stump, uri, force=True, candidate=True)
    handler = load(MODEL_URI=uri, CANDIDATE_SHARE="1", CANDIDATE_MODE="shadow", MODEL_TTL="0.000001")

    def ask(event: Any) -> Any:
        return handler.predict(event, None)

    def about_it() -> Any:
        return json.loads(ask(with_path(event("predict-http-api"), "GET", "/model"))["body"])

    wait_until(lambda: about_it()["candidate"]["serving"] is not None)
    rows = [[4.0 + 0.1 * number, 2.0 + 0.05 * number] for number in range(40)]
    assert ask(post(event, {"data": rows}))["statusCode"] == 200
    about = about_it()
    compared = about["candidate"]["compared"]
    assert compared["rows"] == 40
    assert compared["rows_differing"] > 0
    extract(aws, [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line])
    status(uri, Console(width=200))
    told = capsys.readouterr().out
    assert f"{compared['rows_differing']} of 40 rows differ" in told
    assert f"largest difference {compared['largest_difference']:.3g}" in told
    assert "0 calls failed" in told
    promote(uri)
    asked = post(event, {"data": rows})
    wait_until(lambda: ask(asked)["headers"]["x-model-sha256"] != about["sha256"])  # it is looked at beside the calls
    answer = ask(post(event, {"data": rows}))
    assert answer["headers"]["x-model-sha256"] == about["candidate"]["serving"]["sha256"]
