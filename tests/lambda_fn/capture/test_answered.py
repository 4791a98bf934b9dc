"""Calls that fail once they are scored are not kept: nobody has their answer, and a queue sends its message again."""

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from convert.export import export
from lambda_fn import predicting
from lambda_fn.capture.capture import Capture
from tests.conftest import LoadEvent
from tests.lambda_fn.capture.captured import CONTEXT, uri_of
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.posts import CSV, JSON, post
from tests.lambda_fn.test_unrequested import failures, with_bodies

BUCKET = "answered"
ROWS = {"data": [[1.0, 2.0], [3.0, 4.0]]}


def kept() -> int:
    return len(predicting._capture(uri_of(BUCKET), 1.0)._waiting)


@pytest.fixture(autouse=True)
def _anew() -> None:
    predicting._capture.cache_clear()


def test_a_score_that_is_not_finite_is_not_kept(load: Load, event: LoadEvent, tmp_path: Path) -> None:
    rows = np.arange(40.0).reshape(20, 2)
    joblib.dump(LinearRegression().fit(rows, 1e150 * rows[:, 0]), tmp_path / "m.joblib")
    np.savetxt(tmp_path / "m.csv", rows, delimiter=",", header="a,b", comments="")
    export(tmp_path / "m.joblib", tmp_path / "m.onnx", name="m")
    handler = load(MODEL_URI=(tmp_path / "m.onnx").as_uri(), CAPTURE_URI=uri_of(BUCKET), CAPTURE_SHARE="1")
    answer = handler.predict(post(event, {"data": [[1e200, 1e200]]}), CONTEXT)
    assert json.loads(answer["body"])["code"] == "score-not-finite"
    assert kept() == 0
    assert handler.predict(post(event, ROWS), CONTEXT)["statusCode"] == 200
    assert kept() == 1


def test_an_answer_that_is_too_large_for_a_balancer_is_not_kept(load: Load, event: LoadEvent, model_file: Path) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), CAPTURE_URI=uri_of(BUCKET), CAPTURE_SHARE="1")
    sent = event("predict-load-balancer") | {"headers": {"content-type": CSV, "accept": JSON}}
    answer = handler.predict(sent | {"body": "1,2\n" * 330_000}, CONTEXT)
    assert json.loads(answer["body"])["code"] == "response-too-large"
    assert kept() == 0


def test_a_message_whose_answer_is_not_stored_is_not_kept(
    load: Load, event: LoadEvent, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    asked = with_bodies(event("unrequested/queue-sqs"), json.dumps(ROWS))
    common = {"MODEL_URI": model_file.as_uri(), "CAPTURE_URI": uri_of(BUCKET), "CAPTURE_SHARE": "1"}
    lost = load(**common, RESULTS_URI="s3://nowhere/results/")
    assert failures(lost.predict(asked, CONTEXT)) == ["0"]
    assert kept() == 0
    assert failures(load(**common).predict(asked, CONTEXT)) == []
    assert kept() == 1


def test_what_fails_while_a_call_is_kept_fails_no_answer(
    load: Load, event: LoadEvent, model_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), CAPTURE_URI=uri_of(BUCKET), CAPTURE_SHARE="1")

    def fail(_: Capture) -> float:
        raise MemoryError

    monkeypatch.setattr(Capture, "_next", fail)
    answer = handler.predict(post(event, ROWS), CONTEXT)
    assert (answer["statusCode"], answer["body"]) == (200, '{"prediction": [0, 0]}')
    assert "a call is not kept: MemoryError" in caplog.text
