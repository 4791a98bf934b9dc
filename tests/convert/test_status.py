"""`status`: the current model, the candidate, and what the service counted of the two, told to a person."""

import io
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from convert.__main__ import main
from convert.errors import ConvertError
from convert.export import export
from convert.model_file.metrics import Metrics
from convert.model_file.publish import promote, publish
from convert.model_file.versions import current_version
from convert.status import status
from convert.text import moment
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.conftest import TESTS
from tests.convert.command import said

OTHER = TESTS / "files" / "1-operators.onnx"


@pytest.fixture
def uri(bucket: str) -> str:
    return f"s3://{bucket}/{bucket}/model.onnx"


def told(uri: str, *, hours: int | None = None) -> str:
    console = Console(file=io.StringIO(), width=40)
    status(uri, console, hours=hours)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def count(aws: Emulator, uri: str, name: str, *values: float, hours_ago: int = 0) -> None:
    """Have CloudWatch know of values, as it does of those in the service's log."""
    when = datetime.now(UTC) - timedelta(hours=hours_ago)
    dimensions = [{"Name": "ModelUri", "Value": uri}]
    data = [{"MetricName": name, "Dimensions": dimensions, "Value": value, "Timestamp": when} for value in values]
    Deployment(aws).client("cloudwatch").put_metric_data(Namespace="Plume", MetricData=data)


def test_where_nothing_is(uri: str) -> None:
    lines = told(uri).splitlines()
    assert lines[:2] == [f"no current model at {uri}", "no candidate"]
    assert lines[2].startswith("the service since ")
    assert lines[2].endswith(": no metrics in us-east-1")


def test_both_models_are_told_of_on_lines_that_stay_whole(uri: str, model_file: Path) -> None:
    first, candidate = publish(model_file, uri), publish(OTHER, uri, candidate=True)
    lines = told(uri).splitlines()
    current = current_version(uri)
    assert current is not None
    assert lines[0] == f"current {first}, since {moment(current.modified)}"
    assert lines[1] == f"  {model_file.stat().st_size:,} bytes, SHA-256 {current.sha256}"
    assert lines[2] == "  iris: classification by GradientBoostingClassifier, written as tabulated"
    assert lines[3].startswith("  the same model, proved: no bit differs in any cell of the table; tried on ")
    assert lines[4].startswith(f"candidate {candidate}, since ")
    assert lines[7].startswith("  the same model: labels equal, differences within 1e-09; tried on ")
    assert lines[8].startswith("candidate and current model since ")
    assert lines[8].endswith(": no metrics in us-east-1")


def test_a_candidate_with_the_current_models_bytes(uri: str, model_file: Path) -> None:
    publish(model_file, uri, candidate=True)
    assert "no current model" in told(uri)
    promote(uri)
    text = told(uri)
    assert "  has the bytes of the current model\n" in text
    assert "candidate and current model" not in text


def test_what_was_forced_says_so(uri: str, estimator_file: Path, tmp_path: Path) -> None:
    export(estimator_file, tmp_path / "bare.onnx", name="[red]bare\x1b")
    publish(tmp_path / "bare.onnx", uri, force=True)
    text = told(uri)
    assert "  published by force, without a passing certificate\n" in text
    assert r"  [red]bare\x1b has no certificate: run `python -m convert verify` first" in text


def test_the_numbers_are_those_of_cloudwatch(aws: Emulator, uri: str, model_file: Path) -> None:
    publish(model_file, uri)
    publish(OTHER, uri, candidate=True)
    count(aws, uri, "CandidateFailures", 0)
    assert "no rows compared, 0 calls failed" in told(uri)
    count(aws, uri, "CandidateRows", 1500, 2500)
    count(aws, uri, "CandidateRowsDiffering", 10, 2)
    count(aws, uri, "CandidateLargestDifference", 0.0213, 0.002)
    assert "12 of 4,000 rows differ (0.3 %), largest difference 0.0213, 0 calls failed" in told(uri)
    count(aws, uri, "CandidateFailures", 3)
    count(aws, f"{uri}.another", "CandidateRows", 10**6)
    count(aws, uri, "CandidateRows", 6000, hours_ago=30)
    assert "12 of 4,000 rows differ (0.3 %), largest difference 0.0213, 3 calls failed" in told(uri)
    assert "12 of 10,000 rows differ (0.1 %)" in told(uri, hours=40)
    count(aws, uri, "ModelReloads", 1, 1)
    count(aws, uri, "ModelReloads", 5, hours_ago=30)
    assert told(uri).endswith(": models loaded anew 2\n")
    count(aws, uri, "ModelRejected", 1)
    assert told(uri, hours=40).endswith(": models loaded anew 7, looks that found a model to reject 1\n")


def test_the_two_are_compared_since_the_later_came(uri: str, model_file: Path) -> None:
    publish(OTHER, uri, candidate=True)
    time.sleep(1)  # S3 tells whole seconds
    publish(model_file, uri)
    current = current_version(uri)
    assert current is not None
    assert f"candidate and current model since {moment(current.modified)}: " in told(uri)


def test_metrics_that_cannot_be_read_are_told_of_in_a_line(
    aws: Emulator, uri: str, model_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(model_file, uri)
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:9")
    assert main(["status", uri]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines()[-1].startswith("the service's metrics could not be read: Could not connect")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    assert told(uri).endswith("the service's metrics could not be read: You must specify a region.\n")


@pytest.mark.parametrize("hours", ["0", "361", "-1"])
def test_hours_that_are_none_are_refused(hours: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = said(["status", "s3://bucket/model.onnx", "--since", hours], capsys)
    assert line == f"error: --since is a number of hours, from 1 to 360, not {hours}\n"


def test_what_s3_refuses_is_said_in_a_line(aws: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert "NoSuchBucket" in said(["status", "s3://no-such-bucket-anywhere/model.onnx"], capsys)
    with pytest.raises(ConvertError, match="expected s3://bucket/key"):
        Metrics("bucket/key")
