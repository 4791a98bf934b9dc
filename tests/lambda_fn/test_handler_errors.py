"""What the entry point answers when a request is wrong, its answer too large, or something fails."""

import base64
import json
from types import ModuleType

import pytest

from lambda_fn.codecs.dialects import CODECS
from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import model_of
from tests.lambda_fn.posts import CSV, NPY, post, with_method


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


def test_an_answer_too_large_for_lambda_is_an_error_of_its_own(handler: ModuleType, event: LoadEvent) -> None:
    body = '{"data": [' + ",".join(["[1,2]"] * 100_000) + "]}"
    answer = handler.predict(post(event, body, queryStringParameters={"probabilities": "true"}), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (413, "response-too-large")


def test_a_failure_of_the_service_shows_no_traceback(
    handler: ModuleType, event: LoadEvent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(model_of(handler), "score", fail)
    answer = handler.predict(event("predict-http-api"), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "internal-error")
    assert "secret" not in answer["body"]
    assert "secret" not in caplog.text  # it may quote what somebody sent
    assert "RuntimeError" in caplog.text
    assert "in fail" in caplog.text
