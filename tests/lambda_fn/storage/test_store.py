import os
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.storage import aws_http, s3
from lambda_fn.storage.store import begin_to_fetch, fetch, fetch_other
from scripts.deployment import Deployment
from scripts.emulator import Emulator


@pytest.fixture(autouse=True)
def fresh_client() -> None:
    s3.client.cache_clear()


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a model.onnx"
    path.write_bytes(b"bytes")
    assert (fetch(path.as_uri(), 5).data, fetch(path.as_uri(), 5).version_id) == (b"bytes", None)


def test_a_file_that_is_not_there_is_not_published(tmp_path: Path) -> None:
    uri = (tmp_path / "none.onnx").as_uri()
    with pytest.raises(ServiceError) as raised:
        fetch(uri, 1000)
    assert raised.value.problem is Problem.MODEL_NOT_PUBLISHED
    detail = "there is no model where MODEL_URI says: write one with `python -m convert export`"
    assert raised.value.detail == detail
    assert raised.value.told == f"there is no model at {uri}"


@pytest.mark.parametrize(("name", "error"), [("", "IsADirectoryError"), ("/a%00b", "ValueError")])
def test_why_a_file_cannot_be_read_is_told_and_where_it_is_logged(tmp_path: Path, name: str, error: str) -> None:
    with pytest.raises(ServiceError) as raised:
        fetch(tmp_path.as_uri() + name, 10**6)
    assert raised.value.problem is Problem.STORAGE_UNAVAILABLE
    assert raised.value.detail == f"the file at MODEL_URI can't be read ({error}): the function's log has the rest"
    assert tmp_path.as_uri() in raised.value.told


@pytest.fixture(params=["sockets", "boto3"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How S3 is asked: sockets alone, and never boto3; or boto3, as sockets leave it to."""

    def never() -> None:
        raise AssertionError("boto3 was asked")

    if request.param == "boto3":
        monkeypatch.setattr(aws_http, "get_object", lambda *_: None)
    else:
        monkeypatch.setattr(s3, "client", never)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_an_object_comes_with_its_version(aws: Emulator, bucket: str) -> None:
    client = Deployment(aws).client("s3")
    version_id = client.put_object(Bucket=bucket, Key="models/a.onnx", Body=b"bytes")["VersionId"]
    uri = f"s3://{bucket}/models/a.onnx"
    blob = fetch(uri, 5)
    assert (blob.data, blob.version_id) == (b"bytes", version_id)
    assert fetch_other(uri, 5, blob.etag) is None
    client.put_object(Bucket=bucket, Key="models/a.onnx", Body=b"other")
    other = fetch_other(uri, 5, blob.etag)
    assert other is not None
    assert other.data == b"other"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    path.touch()
    os.truncate(path, 10**11)  # a hole on the disk, more than memory holds
    with pytest.raises(ServiceError, match="has 100,000,000,000 bytes, at most 5 are read: set MAX") as raised:
        fetch(path.as_uri(), 5)
    assert raised.value.problem is Problem.MODEL_INVALID


@pytest.mark.usefixtures("way")
def test_an_object_that_is_too_large_is_not_read(aws: Emulator, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Deployment(aws).client("s3").put_object(Bucket=bucket, Key="large.onnx", Body=b"bytes!")
    monkeypatch.delattr(StreamingBody, "read")
    with pytest.raises(ServiceError, match="has 6 bytes, at most 5 are read") as raised:
        fetch(f"s3://{bucket}/large.onnx", 5)
    assert raised.value.problem is Problem.MODEL_INVALID


def test_an_object_that_is_not_what_was_published_is_not_taken(
    aws: Emulator, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Deployment(aws).client("s3").put_object(Bucket=bucket, Key="a.onnx", Body=b"bytes", ChecksumAlgorithm="SHA256")
    assert fetch(f"s3://{bucket}/a.onnx", 5).data == b"bytes"
    monkeypatch.setattr(aws_http, "_read_body", lambda *_: b"other")
    with pytest.raises(ServiceError, match="BrokenAnswerError"):
        fetch(f"s3://{bucket}/a.onnx", 5)
    monkeypatch.setattr(aws_http, "get_object", lambda *_: None)
    monkeypatch.setattr(StreamingBody, "read", lambda self, amt=None: b"other")
    with pytest.raises(ServiceError, match="FlexibleChecksumError"):
        fetch(f"s3://{bucket}/a.onnx", 5)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["{bucket}/models/none.onnx", "no-such-bucket-anywhere/models/a.onnx"])
def test_an_object_that_is_not_there_is_not_published(bucket: str, name: str) -> None:
    uri = f"s3://{name.format(bucket=bucket)}"
    with pytest.raises(ServiceError) as raised:
        fetch(uri, 1000)
    assert raised.value.problem is Problem.MODEL_NOT_PUBLISHED
    detail = "there is no model where MODEL_URI says: publish one with `python -m convert publish`"
    assert raised.value.detail == detail
    assert raised.value.told == f"there is no model at {uri}"


def test_storage_out_of_reach_is_named(monkeypatch: pytest.MonkeyPatch, aws: Emulator) -> None:
    from scripts.emulator import free_port

    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ServiceError) as raised:
        fetch("s3://bucket/key", 1000)
    assert raised.value.problem is Problem.STORAGE_UNAVAILABLE
    assert raised.value.detail == "S3 is out of reach (ConnectionRefusedError): the function's log has the rest"
    assert raised.value.told.startswith("s3://bucket/key: ")
    monkeypatch.setattr(aws_http, "get_object", lambda *_: None)
    with pytest.raises(ServiceError, match="S3 answered EndpointConnectionError: the function's log has the rest"):
        fetch("s3://bucket/key", 1000)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "https://.example.com", "http://127.0.0.1:0", "no url"])
def test_an_endpoint_that_is_none_is_storage_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, aws: Emulator, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(ServiceError) as raised:
        fetch("s3://bucket/key", 1000)
    assert raised.value.problem is Problem.STORAGE_UNAVAILABLE


def test_where_a_bucket_is_elsewhere_boto3_finds_the_way(
    monkeypatch: pytest.MonkeyPatch, aws: Emulator, bucket: str
) -> None:
    monkeypatch.setattr(aws_http, "get_object", lambda *_: aws_http.Answer(301, {"content-length": "0"}, b""))
    Deployment(aws).client("s3").put_object(Bucket=bucket, Key="a.onnx", Body=b"bytes")
    assert fetch(f"s3://{bucket}/a.onnx", 5).data == b"bytes"


@pytest.mark.parametrize(
    ("body", "told"),
    [(b"<Error><Code>SlowDown</Code></Error>", "SlowDown"), (b"<html>", "503"), (b"<Code>a secret</Code>", "503")],
)
def test_what_s3_refuses_is_told_by_its_code(monkeypatch: pytest.MonkeyPatch, body: bytes, told: str) -> None:
    asked = []

    def refuse(*_: object) -> aws_http.Answer:
        asked.append(_)
        return aws_http.Answer(503, {"content-length": str(len(body))}, body)

    monkeypatch.setattr(aws_http, "get_object", refuse)
    with pytest.raises(ServiceError) as raised:
        fetch("s3://bucket/key", 5)
    assert raised.value.detail == f"S3 answered {told}: the function's log has the rest"
    assert raised.value.told.startswith("s3://bucket/key: S3 answered 503")
    assert "<" not in raised.value.told  # what else it says may quote the request
    assert len(asked) == 3  # it may answer otherwise a moment later


def test_what_passes_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [aws_http.Answer(500, {}, b""), None, aws_http.Answer(200, {"content-length": "2", "etag": "a"}, b"hi")]

    def answer(*_: object) -> aws_http.Answer:
        following = answers.pop(0)
        if following is None:
            raise ConnectionResetError
        return following

    monkeypatch.setattr(aws_http, "get_object", answer)
    assert fetch("s3://bucket/key", 5).data == b"hi"


def test_a_fetch_ahead_has_the_outcome_of_a_fetch(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(ServiceError, match="there is no model"):
        begin_to_fetch(path.as_uri(), 5).result(10)
    path.write_bytes(b"bytes")
    assert begin_to_fetch(path.as_uri(), 5).result(10).data == b"bytes"


def test_the_words_of_s3_go_to_the_log_only() -> None:
    answer = {
        "Error": {"Code": "AccessDenied", "Message": "arn:aws:sts::123456789012:assumed-role/a is not authorized"}
    }
    error = s3.unavailable("s3://bucket/key", ClientError(answer, "GetObject"))  # type: ignore[arg-type]
    assert error.detail == "S3 answered AccessDenied: the function's log has the rest"
    assert error.told.startswith("s3://bucket/key: ")
    assert "123456789012" in error.told
