"""What both functions make of answers that are not S3's, or not as they should be: never a failure of their own."""

import json
from collections.abc import Iterator

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.storage.store import fetch
from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.storage.test_aws_http import Server, answer

BUCKET = "bucket-of-secrets"


def plain(status: str, *headers: str, body: bytes = b"hi") -> bytes:
    """Return an answer with just these headers."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1") + body


ODD = {
    "nothing": b"",
    "garbage": b"\0\xff garbage\r\n\r\n",
    "no length": plain("200 OK"),
    "in chunks": plain("200 OK", "Transfer-Encoding: chunked", body=b"2\r\nhi\r\n0\r\n\r\n"),
    "in broken chunks": plain("200 OK", "Transfer-Encoding: chunked", body=b"zz\r\nhi\r\n"),
    "a length of 5,000 digits": plain("200 OK", f"Content-Length: {'9' * 5000}"),
    "a length of 99 GB": plain("200 OK", "Content-Length: 99999999999"),
    "a length below zero": plain("200 OK", "Content-Length: -5"),
    "a length in words": plain("200 OK", "Content-Length: two"),
    "less than its length": plain("200 OK", "Content-Length: 10"),
    "a checksum in Latin-1": answer("200 OK", b"hi", "x-amz-checksum-sha256: e!").replace(b"e!", b"\xe9!"),
    "a checksum that is no base64": answer("200 OK", b"hi", "x-amz-checksum-sha256: abc"),
    "a date in words": answer("200 OK", b"hi", "Last-Modified: yesterday"),
    "numbers in words": answer("200 OK", b"hi", "x-amz-missing-meta: few", "x-amz-mp-parts-count: many"),
    "refused without a word": answer("403 Forbidden", b""),
    "refused in XML that is none": answer("403 Forbidden", b"<xml>"),
    "refused without a code": answer("403 Forbidden", f"<Error><BucketName>{BUCKET}</BucketName></Error>".encode()),
    "refused in UTF-16": answer("403 Forbidden", b"\xff\xfe\0<"),
    "not found, in HTML": answer("404 Not Found", b"<html></html>"),
    "moved to nowhere": answer("301 Moved Permanently", b"", "Location: http://127.0.0.1:1/"),
    "partial": answer("206 Partial Content", b"hi"),
    "a status of six digits": answer("999999 Odd", b""),
    "300 headers": answer("200 OK", b"hi", *["X-Odd: a"] * 300),
}


@pytest.fixture(params=ODD)
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Storage that answers everything with the same bytes; its name."""
    server = Server(ODD[request.param])
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield str(request.param)
    server.close()


def test_the_model_comes_or_the_error_is_the_storages(storage: str) -> None:
    data, problem, detail = b"", None, ""
    try:
        data = fetch(f"s3://{BUCKET}/models/a.onnx", 1000).data
    except ServiceError as error:
        problem, detail = error.problem, error.detail
    assert data in {b"hi", b""}, storage
    assert problem in {None, Problem.STORAGE_UNAVAILABLE, Problem.MODEL_NOT_PUBLISHED, Problem.MODEL_INVALID}
    assert BUCKET not in detail


def test_the_function_objects_answers_with_an_error_of_the_storage(storage: str, load: Load, event: LoadEvent) -> None:
    objects = load(OBJECTS_URI=f"s3://{BUCKET}/objects/")
    for name in ("objects-get-http-api", "objects-put-http-api"):
        answered = objects.objects(event(name), None)
        assert BUCKET not in answered["body"]
        if answered["statusCode"] != 200:
            assert json.loads(answered["body"])["code"] in {
                "storage-unavailable",
                "object-not-found",
                "response-too-large",
            }
