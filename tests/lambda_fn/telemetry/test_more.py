"""Where the log takes nothing, what LOG_INPUTS adds, and calls where there is a candidate."""

import io
import json
import os
import sys
from base64 import b64decode, b64encode
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambda_fn.telemetry.entries import tell
from tests.conftest import Event, LoadEvent
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.posts import post
from tests.lambda_fn.telemetry.lines import ALL, lines_of, metrics_of
from tests.lambda_fn.test_unrequested import GOOD, with_bodies


@pytest.fixture
def told(load: Load, model_file: Path) -> ModuleType:
    """The function `predict` that tells of everything."""
    return load(MODEL_URI=model_file.as_uri(), **ALL)


class Full(io.StringIO):
    """A log that takes nothing more."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stdout", [Full(), None])
def test_a_log_that_takes_nothing_fails_no_call(
    told: ModuleType, event: LoadEvent, monkeypatch: pytest.MonkeyPatch, stdout: Any
) -> None:
    monkeypatch.setattr(sys, "stdout", stdout)
    assert told.predict(event("predict-http-api"), None)["statusCode"] == 200
    assert told.predict(post(event, "{"), None)["statusCode"] == 400
    tell("INFO", "a line of no call", {})


def test_what_is_printed_before_is_in_front_and_a_line_is_whole(
    told: ModuleType, event: LoadEvent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write = os.write
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stdout", log)
        monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:100]))
        print("printed before")
        told.predict(event("predict-http-api"), None)
        monkeypatch.undo()
    first, line = (tmp_path / "log").read_text().splitlines()
    assert first == "printed before"
    assert json.loads(line)["status"] == 200


def test_a_call_that_can_not_be_told_of_is_answered(
    told: ModuleType, event: LoadEvent, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        @property
        def aws_request_id(self) -> str:
            raise RuntimeError("secret")

    assert told.predict(event("predict-http-api"), Broken())["statusCode"] == 200
    assert told.predict(with_bodies(event("unrequested/queue-sqs"), GOOD), Broken()) == {"batchItemFailures": []}
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        "a call is not told of: RuntimeError",
        "a message is not told of: RuntimeError",
    ]
    assert "secret" not in caplog.text


def test_each_line_has_its_moment(
    told: ModuleType, event: LoadEvent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for moment in (1_795_794_444.9375, 1_795_794_445.0625):
        monkeypatch.setattr("lambda_fn.calls.time", lambda moment=moment: moment)
        told.predict(event("predict-http-api"), None)
    found = [(line["timestamp"], line["_aws"]["Timestamp"]) for line in lines_of(capsys)]
    assert found == [("2026-11-27T15:47:24.937Z", 1_795_794_444_937), ("2026-11-27T15:47:25.062Z", 1_795_794_445_062)]


def inputs_of(load: Load, model_file: Path, sent: Event, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    load(MODEL_URI=model_file.as_uri(), **ALL, LOG_INPUTS="true").predict(sent, None)
    [line] = lines_of(capsys)
    return {name: line[name] for name in ("body", "body_base64", "body_cut", "detail") if name in line}


def test_what_was_sent_is_logged_if_that_is_asked_for(
    load: Load, model_file: Path, event: LoadEvent, capsys: pytest.CaptureFixture[str]
) -> None:
    body = '{"data": [[1, "é\\n"]]}'
    told = inputs_of(load, model_file, post(event, body), capsys)
    assert told["body"] == body
    assert told["body_cut"] is False
    assert "row 0, column 1" in told["detail"]
    npy = event("predict-http-api-npy")
    assert inputs_of(load, model_file, npy, capsys) == {"body_base64": npy["body"], "body_cut": False}
    told = inputs_of(load, model_file, post(event, {"data": [[6.2, 3.4]] * 2000}), capsys)
    assert len(told["body"]) == 4096
    assert told["body_cut"] is True
    many = event("predict-http-api-npy") | {"body": b64encode(b"\x93NUMPY" + bytes(range(256)) * 20).decode()}
    told = inputs_of(load, model_file, many, capsys)
    assert (b64decode(told["body_base64"]), told["body_cut"]) == (b64decode(many["body"])[:4096], True)
    cut_within = inputs_of(load, model_file, post(event, "x" + "é" * 3000), capsys)
    assert cut_within["body"] == "x" + "é" * 2047


@pytest.mark.parametrize("mode", ["answer", "shadow"])
def test_of_a_candidate_it_has_the_version_that_answered(
    load: Load,
    tmp_path: Path,
    model_files: dict[str, Path],
    event: LoadEvent,
    capsys: pytest.CaptureFixture[str],
    mode: str,
) -> None:
    uri = tmp_path / "model.onnx"
    uri.write_bytes(model_files["tree"].read_bytes())
    uri.with_name("model.onnx.candidate").write_bytes(model_files["stump"].read_bytes())
    told = load(MODEL_URI=uri.as_uri(), CANDIDATE_SHARE="1", CANDIDATE_MODE=mode, **ALL)
    for _ in range(100):  # until it is loaded, beside a call
        answer = told.predict(event("predict-http-api"), None)
        line = [line for line in lines_of(capsys) if "message" in line][-1]
        assert line["model_version"] == answer["headers"]["x-model-version"]
        if line["model"] == "stump" or "compare_ms" in line:
            break
    assert (line["model"], "compare_ms" in line) == (("stump", False) if mode == "answer" else ("tree", True))
    assert (
        line["total_ms"] >= sum(line.get(f"{part}_ms", 0.0) for part in ("parse", "score", "encode", "compare")) - 0.01
    )
    assert "compare_ms" not in metrics_of(line)
