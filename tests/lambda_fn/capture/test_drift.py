"""Calls are scored and kept, and what `drift` says of them: what shifted, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.__main__ import main
from convert.model_file.publish import publish
from lambda_fn import predicting
from scripts.emulator import Emulator
from tests.conftest import FEATURES, LoadEvent
from tests.lambda_fn.capture.captured import CONTEXT, finish, uri_of
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.posts import post


def test_it_finds_the_feature_that_shifted_and_no_other(
    load: Load,
    event: LoadEvent,
    capsys: pytest.CaptureFixture[str],
    model_file: Path,
    training_rows: NDArray[np.float64],
    aws: Emulator,
    bucket: str,
    tmp_path: Path,
    estimator: Any,
) -> None:
    uri = f"s3://{bucket}/models/iris.onnx"
    version = publish(model_file, uri)
    handler = load(MODEL_URI=uri, CAPTURE_URI=uri_of(bucket), CAPTURE_SHARE="1")
    generator = np.random.default_rng(0)
    rows = training_rows[generator.integers(0, len(training_rows), (40, 25))]
    rows[:, :, 1] += 1
    call_all(handler, event, bucket, rows)
    arguments = ["drift", uri_of(bucket), "--fail-above", "0.25", "--report", str(tmp_path / "drift.html"), "--json"]
    status, found = main(arguments), json.loads(capsys.readouterr().out)
    assert {each["name"]: each["word"] for each in found["features"]} == {FEATURES[1]: "large", FEATURES[0]: "stable"}
    assert status == 1
    assert (found["rows"], found["calls"], found["sample_rows"], found["bad_lines"]) == (1000, 40, 150, 0)
    assert [each["version"] for each in found["versions"]] == [version]
    assert [each["compared"] for each in found["versions"]] == [True]
    predicted = estimator.predict(rows.reshape(-1, 2))
    expected = {str(label): (predicted == label).mean() for label in (0, 1, 2)}
    assert found["versions"][0]["labels"] == pytest.approx(expected)
    assert sum(each["rows"] for each in found["days"]) == 1000
    [page] = tmp_path.glob("drift.html")
    text = page.read_text()
    assert "1 of 2 features" in text
    assert not re.search(r'(src|href)="(?!#|data:)', text)


def call_all(handler: ModuleType, event: LoadEvent, bucket: str, calls: Any) -> None:
    """Score the rows of each call, and have what is kept stored."""
    for rows in calls:
        assert handler.predict(post(event, {"data": rows.tolist()}), CONTEXT)["statusCode"] == 200
    predicting._capture(uri_of(bucket), 1.0)._go_on()
    finish(bucket)
    predicting._capture(uri_of(bucket), 1.0)._go_on()
    finish(bucket)
