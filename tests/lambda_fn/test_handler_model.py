"""The model behind the entry point: its card, where it comes from, and what is told of it when there is none."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import Load


def test_model(handler: ModuleType, event: LoadEvent, model_file: Path) -> None:
    import hashlib

    answer = handler.predict(event("model-http-api"), None)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["name"], body["version_id"]) == (200, "iris", None)
    assert body["certificate"]["kind"] == "proved"
    assert body["sha256"] == hashlib.sha256(model_file.read_bytes()).hexdigest()


def test_without_a_model_the_service_says_so_and_recovers(
    load: Load, event: LoadEvent, model_file: Path, tmp_path: Path
) -> None:
    published = tmp_path / "model.onnx"
    handler = load(MODEL_URI=published.as_uri())
    assert handler.predict(event("status-http-api"), None)["statusCode"] == 200
    for name in ("predict-http-api", "model-http-api"):
        answer = handler.predict(event(name), None)
        details = json.loads(answer["body"])
        assert (answer["statusCode"], details["code"]) == (503, "model-not-published")
        assert "python -m convert export" in details["detail"]

    published.write_bytes(model_file.read_bytes()[:-1])
    answer = handler.predict(event("predict-http-api"), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "model-invalid")

    published.write_bytes(model_file.read_bytes())
    assert handler.predict(event("predict-http-api"), None)["body"] == '{"prediction": [2, 1]}'


PLACES = (
    "s3://",
    "file://",
    "bucket-of-secrets",
    "onnxruntime",
    ".cc:",
    "pytest-of",
    str(Path.home()),
    "AKID",
    "hunter2",
)
"""What an answer to anybody must not have in it: where the model is, onnxruntime's sources, credentials."""


def check_says_no_place(answer: Any, code: str) -> str:
    """Check that an answer is a 503 that tells neither places nor credentials; return what it does tell."""
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, code)
    assert not [place for place in PLACES if place in answer["body"]]
    return str(json.loads(answer["body"])["detail"])


@pytest.mark.parametrize("name", ["predict-http-api", "model-http-api", "predict-load-balancer"])
def test_an_error_of_the_service_tells_the_log_where_and_callers_what(
    load: Load,
    event: LoadEvent,
    bucket: str,
    model_file: Path,
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from convert.model_file.publish import publish

    uri = f"s3://{bucket}/bucket-of-secrets/iris.onnx"
    handler = load(MODEL_URI=uri)
    assert "convert publish" in check_says_no_place(handler.predict(event(name), None), "model-not-published")
    assert f"there is no model at {uri}" in caplog.text

    publish(model_file, uri)
    handler = load(MODEL_URI=uri, MAX_MODEL_BYTES="10")
    assert "set MAX_MODEL_BYTES" in check_says_no_place(handler.predict(event(name), None), "model-invalid")
    assert f"{uri}: the model file has" in caplog.text

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    handler = load(MODEL_URI=uri)
    assert "ConnectionRefused" in check_says_no_place(handler.predict(event(name), None), "storage-unavailable")
    assert f"{uri}: " in caplog.text

    odd = tmp_path / "odd.onnx"
    for write in (lambda: odd.write_bytes(b"no model"), lambda: odd.unlink(), lambda: odd.mkdir()):
        write()
        handler = load(MODEL_URI=odd.as_uri())
        answer = handler.predict(event(name), None)
        check_says_no_place(answer, json.loads(answer["body"])["code"])


def test_a_card_tells_no_place(handler: ModuleType, event: LoadEvent) -> None:
    body = handler.predict(event("model-http-api"), None)["body"]
    assert not [place for place in PLACES if place in body]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format_version": 1', '"format_version": NaN'),
        ('"format_version": 1', '"format_version": true'),
        ('"created_at"', '"more": 1e999, "created_at"'),
        ('"type": "float"', '"type": "date"'),
        ('"sepal width (cm)"', '"sepal length (cm)"'),
        ('"labels": [0, 1, 2]', '"labels": [0, 1, 5]'),
        ("{", "["),
    ],
)
def test_a_model_whose_card_is_malformed_leaves_the_service_up(
    load: Load, event: LoadEvent, model_file: Path, tmp_path: Path, old: str, new: str
) -> None:
    import onnx

    from convert.model_file.seal import seal

    model = onnx.load_from_string(model_file.read_bytes())
    [card] = [entry for entry in model.metadata_props if entry.key == "card"]
    assert old in card.value
    card.value = card.value.replace(old, new, 1)
    (tmp_path / "model.onnx").write_bytes(seal(model))
    handler = load(MODEL_URI=(tmp_path / "model.onnx").as_uri())
    assert handler.predict(event("status-http-api"), None)["statusCode"] == 200
    for name in ("predict-http-api", "model-http-api"):
        answer = handler.predict(event(name), None)
        check_says_no_place(answer, "model-invalid")


def test_the_model_is_fetched_once(load: Load, event: LoadEvent, model_file: Path, tmp_path: Path) -> None:
    published = tmp_path / "model.onnx"
    published.write_bytes(model_file.read_bytes())
    handler = load(MODEL_URI=published.as_uri())
    published.unlink()
    assert handler.predict(event("predict-http-api"), None)["statusCode"] == 200


def test_a_model_on_s3_comes_with_its_version_id(load: Load, event: LoadEvent, bucket: str, model_file: Path) -> None:
    from convert.model_file.publish import publish

    uri = f"s3://{bucket}/models/iris.onnx"
    version_id = publish(model_file, uri)
    handler = load(MODEL_URI=uri)
    assert handler.predict(event("predict-http-api"), None)["body"] == '{"prediction": [2, 1]}'
    assert json.loads(handler.predict(event("model-http-api"), None)["body"])["version_id"] == version_id


# Settings


def test_a_function_without_settings_fails_at_init(load: Load) -> None:
    with pytest.raises(ValueError, match="neither MODEL_URI"):
        load()


def test_a_function_without_the_setting_of_a_route_says_which(load: Load, event: LoadEvent, model_file: Path) -> None:
    handler = load(OBJECTS_URI="s3://bucket/objects/")
    assert json.loads(handler.predict(event("predict-http-api"), None)["body"])["detail"] == (
        "MODEL_URI is not set on this function"
    )
    handler = load(MODEL_URI=model_file.as_uri())
    answer = handler.objects(event("objects-get-http-api"), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "not-configured")
