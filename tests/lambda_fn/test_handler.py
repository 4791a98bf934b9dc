"""Whole events against whole responses, through the entry points."""

import base64
import csv
import io
import json
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from lambda_fn.codecs.dialects import CODECS
from tests.conftest import FEATURES, Event, LoadEvent
from tests.lambda_fn.codecs.test_npy_rows import npy_of
from tests.lambda_fn.conftest import Load


@pytest.fixture
def handler(load: Load, model_file: Path) -> ModuleType:
    return load(MODEL_URI=model_file.as_uri())


def post(event: LoadEvent, body: Any, **changes: Any) -> Event:
    """Return an event that posts `body`, as text or as JSON, to /predict."""
    return event("predict-http-api") | {"body": body if isinstance(body, str) else json.dumps(body)} | changes


@pytest.mark.parametrize("name", ["status-http-api", "status-rest-api"])
def test_status(handler: ModuleType, event: LoadEvent, name: str) -> None:
    assert handler.predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"status": "up"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    "name",
    [
        "predict-http-api",
        "predict-http-api-base64",
        "predict-http-api-stage",
        "predict-function-url",
        "predict-http-api-domain",
        "predict-http-api-payload-1",
        "predict-rest-api",
        "predict-rest-api-base64",
    ],
)
def test_predict(handler: ModuleType, event: LoadEvent, name: str) -> None:
    assert handler.predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["predict-http-api-payload-1-domain", "predict-rest-api-domain"])
def test_predict_behind_the_base_path_of_a_custom_domain(
    load: Load, model_file: Path, event: LoadEvent, name: str
) -> None:
    assert load(MODEL_URI=model_file.as_uri()).predict(event(name), None)["statusCode"] == 404
    assert load(MODEL_URI=model_file.as_uri(), BASE_PATH="/v1/").predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }


def test_a_load_balancer_is_answered_as_it_takes_it(handler: ModuleType, event: LoadEvent) -> None:
    assert handler.predict(event("status-load-balancer"), None) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "headers": {"content-type": "application/json"},
        "body": '{"status": "up"}',
        "isBase64Encoded": False,
    }
    assert handler.predict(event("predict-load-balancer"), None) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "headers": {"content-type": "application/json"},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }
    assert handler.predict(event("predict-load-balancer-multi"), None) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "multiValueHeaders": {"content-type": ["application/json"]},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }
    assert handler.predict(event("predict-load-balancer-multi-npy"), None) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "multiValueHeaders": {"content-type": ["application/x-npy"]},
        "body": base64.b64encode(npy_of(np.array([2, 1]))).decode(),
        "isBase64Encoded": True,
    }


def test_an_error_is_answered_as_a_load_balancer_takes_it(handler: ModuleType, event: LoadEvent) -> None:
    answer = handler.predict(event("predict-load-balancer-multi") | {"httpMethod": "GET"}, None)
    assert json.loads(answer.pop("body"))["code"] == "method-not-allowed"
    assert answer == {
        "statusCode": 405,
        "statusDescription": "405 Method Not Allowed",
        "multiValueHeaders": {"content-type": ["application/problem+json"], "allow": ["POST"]},
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["predict-http-api-csv", "predict-rest-api-csv-base64"])
def test_predict_rows_in_csv(handler: ModuleType, event: LoadEvent, name: str) -> None:
    assert handler.predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "text/csv; charset=utf-8"},
        "body": "prediction\n2\n1\n",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["predict-http-api-npy", "predict-function-url-npy", "predict-rest-api-npy"])
def test_predict_rows_in_npy(handler: ModuleType, event: LoadEvent, name: str) -> None:
    assert handler.predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/x-npy"},
        "body": base64.b64encode(npy_of(np.array([2, 1]))).decode(),
        "isBase64Encoded": True,
    }


JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


@pytest.mark.parametrize("name", ["predict-http-api", "predict-http-api-csv", "predict-http-api-npy"])
@pytest.mark.parametrize("probabilities", ["false", "true"])
def test_any_body_is_answered_in_any_dialect_with_the_same_numbers(
    handler: ModuleType, event: LoadEvent, name: str, probabilities: str
) -> None:
    asked = event(name) | {"queryStringParameters": {"probabilities": probabilities}}
    answers = {}
    for accept in (JSON, CSV, NPY):
        asked["headers"]["accept"] = f"{accept}, */*;q=0.1"
        answers[accept] = handler.predict(asked, None)
        assert answers[accept]["statusCode"] == 200
        assert answers[accept]["headers"]["content-type"].partition(";")[0] == accept
    expected = json.loads(answers[JSON]["body"])
    header, *table = csv.reader(io.StringIO(answers[CSV]["body"]))
    array = np.load(io.BytesIO(base64.b64decode(answers[NPY]["body"])), allow_pickle=False)
    assert [int(row[0]) for row in table] == expected["prediction"]
    if probabilities == "false":
        assert (header, array.tolist()) == (["prediction"], expected["prediction"])
        return
    assert header == ["prediction", "0", "1", "2"]
    assert [[float(cell) for cell in row[1:]] for row in table] == expected["probabilities"]
    assert array["prediction"].tolist() == expected["prediction"]
    assert array["probabilities"].tolist() == expected["probabilities"]


@pytest.mark.parametrize(
    ("kind", "body", "status", "code", "row", "column"),
    [
        (CSV, b"", 400, "empty-data", None, None),
        (CSV, b"6.2,3.4\n6.2", 400, "ragged-rows", 1, None),
        (CSV, b"6.2,3.4\n6.2,inf", 400, "infinity", 1, 1),
        (CSV, b"6.2,3.4\n" * 5000 + b"6.2,nan", 400, "nan", 5000, 1),
        (CSV, b"6.2,3.4\n" * 5000 + b"6.2,", 400, "not-a-number", 5000, 1),
        (CSV, b"6.2,\xff", 400, "malformed-csv", None, None),
        (f"{CSV}; charset=utf-16", b"6.2,3.4", 415, "unsupported-media-type", None, None),
        (CSV, b"1,2\n" * 1_500_001, 413, "body-too-large", None, None),
        (NPY, b"", 400, "malformed-npy", None, None),
        (NPY, b"\x93NUMPY\x01\x00v\x00{", 400, "malformed-npy", None, None),
    ],
)
def test_a_bad_body_of_another_dialect_is_answered_with_problem_details(
    handler: ModuleType,
    event: LoadEvent,
    kind: str,
    body: bytes,
    status: int,
    code: str,
    row: int | None,
    column: int | None,
) -> None:
    asked = post(event, base64.b64encode(body).decode(), headers={"Content-Type": kind}, isBase64Encoded=True)
    answer = handler.predict(asked, None)
    details = json.loads(answer["body"])
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert (answer["statusCode"], details["code"], details.get("row"), details.get("column")) == (
        status,
        code,
        row,
        column,
    )


def test_bodies_of_four_and_a_half_megabytes_come_in_and_go_out(
    handler: ModuleType, event: LoadEvent, estimator: Any, training_rows: NDArray[np.float64]
) -> None:
    low, high = training_rows.min(0), training_rows.max(0)
    rows = np.random.default_rng(7).uniform(low, high, (4_499_872 // 16, 2))
    body = npy_of(rows)
    asked = post(event, base64.b64encode(body).decode(), headers={"Content-Type": NPY}, isBase64Encoded=True)
    answer = handler.predict(asked, None)
    assert len(body) == 4_500_000
    predicted = np.load(io.BytesIO(base64.b64decode(answer["body"])), allow_pickle=False)
    np.testing.assert_array_equal(predicted, estimator.predict(rows))

    asked |= {
        "queryStringParameters": {"probabilities": "true"},
        "body": base64.b64encode(npy_of(rows[:140_000])).decode(),
    }
    answer = handler.predict(asked, None)
    assert 4_400_000 < len(base64.b64decode(answer["body"])) < 4_500_000
    assert len(answer["body"]) < 6 * 1024 * 1024


@pytest.mark.parametrize(("kind", "accept"), [(CSV, CSV), (CSV, JSON), (NPY, NPY), (NPY, JSON)])
def test_a_large_body_takes_at_most_four_times_its_size(
    handler: ModuleType, event: LoadEvent, kind: str, accept: str
) -> None:
    rows = np.random.default_rng(7).uniform(0.1, 7.9, (100_000, 2)).round(1)
    body = npy_of(rows) if kind == NPY else "".join(f"{left},{right}\n" for left, right in rows.tolist()).encode()
    headers = {"content-type": kind, "accept": accept}
    asked = post(event, base64.b64encode(body).decode(), headers=headers, isBase64Encoded=True)
    tracemalloc.start()
    try:
        assert handler.predict(asked, None)["statusCode"] == 200
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()


def test_predict_by_a_direct_invocation(handler: ModuleType, event: LoadEvent) -> None:
    assert handler.predict(event("predict-direct"), None) == {"prediction": [2, 1]}
    assert handler.predict({"data": []}, None)["code"] == "empty-data"
    assert handler.predict({}, None)["code"] == "missing-data"


def test_all_members_of_a_direct_invocation_count(handler: ModuleType) -> None:
    answer = handler.predict({"data": [[6.2, 3.4]], "probabilities": True}, None)
    assert answer.keys() == {"prediction", "probabilities", "classes"}
    assert handler.predict({"data": [[6.2, 3.4]], "probabilities": False}, None) == {"prediction": [2]}
    assert handler.predict({"data": [[6.2, 3.4]], "text": "yes"}, None)["code"] == "unknown-member"
    assert handler.predict({"data": [[6.2, 3.4]], "probabilities": "yes"}, None)["code"] == "invalid-member"


@pytest.mark.parametrize(
    ("query", "wanted", "status", "scored"),
    [
        (None, True, 200, True),
        (None, False, 200, False),
        ("true", True, 200, True),
        ("false", False, 200, False),
        ("true", False, 400, None),
        ("false", True, 400, None),
    ],
)
def test_probabilities_are_asked_for_in_the_body_or_in_the_query(
    handler: ModuleType, event: LoadEvent, query: str | None, wanted: bool, status: int, scored: bool | None
) -> None:
    asked = post(event, {"data": [[6.2, 3.4]], "probabilities": wanted})
    answer = handler.predict(asked | {"queryStringParameters": {"probabilities": query} if query else None}, None)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body.get("code")) == (status, None if status == 200 else "invalid-query")
    assert scored is None or ("probabilities" in body) is scored


def test_a_table_in_another_order_is_scored_by_name(
    handler: ModuleType, event: LoadEvent, estimator: Any, training_rows: NDArray[np.float64]
) -> None:
    table = pd.DataFrame(training_rows, columns=list(FEATURES))[list(reversed(FEATURES))]
    answer = handler.predict(post(event, table.to_json(orient="split")), None)
    assert json.loads(answer["body"])["prediction"] == estimator.predict(training_rows).tolist()


@pytest.mark.parametrize(
    "name",
    [
        "predict-http-api-probabilities",
        "predict-http-api-payload-1-probabilities",
        "predict-rest-api-probabilities",
        "predict-load-balancer-probabilities",
        "predict-load-balancer-multi-probabilities",
    ],
)
def test_predict_with_probabilities(handler: ModuleType, event: LoadEvent, estimator: Any, name: str) -> None:
    body = json.loads(handler.predict(event(name), None)["body"])
    assert body.keys() == {"prediction", "probabilities", "classes"}
    assert (body["prediction"], body["classes"]) == ([2, 1], [0, 1, 2])
    expected = estimator.predict_proba([[6.2, 3.4], [6.2, 1]])
    np.testing.assert_allclose(body["probabilities"], expected, rtol=0, atol=1e-6)


def test_predict_a_thousand_rows(
    handler: ModuleType, event: LoadEvent, estimator: Any, training_rows: NDArray[np.float64]
) -> None:
    rows = np.random.default_rng(7).uniform(training_rows.min(0), training_rows.max(0), (1000, 2))
    answer = handler.predict(post(event, {"data": rows.tolist()}), None)
    assert json.loads(answer["body"])["prediction"] == estimator.predict(rows).tolist()


def test_rows_keyed_by_feature_name(handler: ModuleType, event: LoadEvent) -> None:
    rows = [{"sepal width (cm)": 3.4, "sepal length (cm)": 6.2}, {"sepal length (cm)": 6.2, "sepal width (cm)": 1}]
    assert handler.predict(post(event, {"data": rows}), None)["body"] == '{"prediction": [2, 1]}'


def test_model(handler: ModuleType, event: LoadEvent, model_file: Path) -> None:
    import hashlib

    answer = handler.predict(event("model-http-api"), None)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["name"], body["version_id"]) == (200, "iris", None)
    assert body["certificate"]["kind"] == "proved"
    assert body["sha256"] == hashlib.sha256(model_file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("body", "status", "code", "row", "column"),
    [
        ("", 400, "malformed-json", None, None),
        ('{"data": [[6.2, 3.4]', 400, "malformed-json", None, None),
        ('{"data": [[6.2, 3.4]], "data": [[1, 2]]}', 400, "duplicate-member", None, None),
        ('{"data": [[6.2, 3.4]], "more": 1}', 400, "unknown-member", None, None),
        ('{"data": [' + "[6.2,3.4},{6.2,3.4]," * 1000 + "[6.2,3.4]]}", 400, "malformed-json", None, None),
        ('{"data": [' + "[6.2,3.4}," * 1000 + "[6.2,3.4]]}", 400, "malformed-json", None, None),
        ("[" * 100_000, 400, "malformed-json", None, None),
        ("\ud800", 400, "malformed-json", None, None),
        ("{}", 400, "missing-data", None, None),
        ('{"data": []}', 400, "empty-data", None, None),
        ('{"data": [6.2, 3.4]}', 400, "invalid-row", 0, None),
        ('{"data": [[6.2, 3.4], [6.2]]}', 400, "ragged-rows", 1, None),
        ('{"data": [[6.2]]}', 400, "wrong-width", 0, None),
        ('{"data": [{"sepal length": 6.2, "sepal width (cm)": 1}]}', 400, "unknown-feature", 0, None),
        ('{"data": [{"\\ud800": 6.2}]}', 400, "unknown-feature", 0, None),
        ('{"\\ud800": 1}', 400, "missing-data", None, None),
        ('{"data": [{"sepal length (cm)": 6.2}]}', 400, "missing-feature", 0, 1),
        ('{"data": [["6.2", 3.4]]}', 400, "not-a-number", 0, 0),
        ('{"data": [[6.2, null]]}', 400, "not-a-number", 0, 1),
        ('{"data": [[6.2, true]]}', 400, "not-a-number", 0, 1),
        ('{"data": [[6.2, NaN]]}', 400, "nan", 0, 1),
        ('{"data": [[6.2, 3.4], [-Infinity, 1]]}', 400, "infinity", 1, 0),
        ('{"data": [[6.2, 1e999]]}', 400, "infinity", 0, 1),
        ('{"data": [[6.2, 1e39]]}', 400, "beyond-float32", 0, 1),
        ('{"data": [[6.2, 1' + "0" * 400 + "]]}", 400, "beyond-float32", 0, 1),
        ('{"data": [[6.2, 1' + "0" * 5000 + "]]}", 400, "malformed-json", None, None),
        ('{"data": ' + " " * 6_000_000 + "}", 413, "body-too-large", None, None),
    ],
)
def test_a_bad_body_is_answered_with_problem_details(
    handler: ModuleType, event: LoadEvent, body: str, status: int, code: str, row: int | None, column: int | None
) -> None:
    answer = handler.predict(post(event, body), None)
    details = json.loads(answer["body"])
    assert answer["statusCode"] == details["status"] == status
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert (details["code"], details.get("row"), details.get("column")) == (code, row, column)
    assert len(answer["body"]) < 1000


def with_method(event: Event, method: str) -> Event:
    event["requestContext"]["http"]["method"] = method
    return event


def test_a_wrong_media_type_method_path_and_query(handler: ModuleType, event: LoadEvent) -> None:
    html = handler.predict(post(event, "<p>", headers={"Content-Type": "text/html"}), None)
    assert (html["statusCode"], json.loads(html["body"])["code"]) == (415, "unsupported-media-type")
    assert json.loads(html["body"])["detail"] == f"this path takes {', '.join(CODECS)}, not text/html"

    accept = handler.predict(post(event, {"data": [[1, 2]]}, headers={"Accept": "text/html"}), None)
    assert (accept["statusCode"], json.loads(accept["body"])["code"]) == (406, "not-acceptable")
    assert accept["headers"] == {"content-type": "application/problem+json"}

    get = handler.predict(with_method(event("predict-http-api"), "GET"), None)
    assert (get["statusCode"], get["headers"]["allow"]) == (405, "POST")

    delete = handler.predict(with_method(event("objects-get-http-api"), "DELETE"), None)
    assert (delete["statusCode"], delete["headers"]["allow"]) == (405, "GET, PUT")

    unknown = handler.predict(event("status-http-api") | {"rawPath": "/nowhere"}, None)
    assert (unknown["statusCode"], json.loads(unknown["body"])["code"]) == (404, "not-found")

    query = handler.predict(post(event, {"data": [[1, 2]]}, queryStringParameters={"probabilities": "maybe"}), None)
    assert (query["statusCode"], json.loads(query["body"])["code"]) == (400, "invalid-query")


def test_the_function_predict_does_not_answer_for_objects(handler: ModuleType, event: LoadEvent) -> None:
    assert handler.predict(event("objects-get-http-api"), None)["statusCode"] == 404


def test_an_answer_too_large_for_lambda_is_an_error_of_its_own(handler: ModuleType, event: LoadEvent) -> None:
    body = '{"data": [' + ",".join(["[1,2]"] * 100_000) + "]}"
    answer = handler.predict(post(event, body, queryStringParameters={"probabilities": "true"}), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (413, "response-too-large")


def test_a_failure_of_the_service_shows_no_traceback(
    handler: ModuleType, event: LoadEvent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(handler.scoring(), "_load", fail)
    answer = handler.predict(event("predict-http-api"), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "internal-error")
    assert "secret" not in answer["body"]
    assert "secret" in caplog.text


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


def test_a_preflight_is_answered(handler: ModuleType, event: LoadEvent) -> None:
    answer = handler.predict(with_method(event("predict-http-api"), "OPTIONS"), None)
    assert (answer["statusCode"], answer["headers"]["allow"]) == (204, "POST")


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
