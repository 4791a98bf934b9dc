"""The function `objects`: whole events against whole responses, over the S3 of an emulator."""

import json
from types import ModuleType

import pytest

from lambda_fn.unrequested import UnrequestedError
from scripts.emulator import Emulator
from tests.conftest import Event, LoadEvent
from tests.lambda_fn.conftest import Load


@pytest.fixture
def objects(load: Load, bucket: str) -> ModuleType:
    return load(OBJECTS_URI=f"s3://{bucket}/objects/")


def test_an_object_is_kept_byte_for_byte(objects: ModuleType, event: LoadEvent) -> None:
    stored = objects.objects(event("objects-put-http-api"), None)
    version_id = stored["headers"]["x-amz-version-id"]
    assert stored == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "x-amz-version-id": version_id},
        "body": json.dumps({"key": "note", "size": 18, "version_id": version_id}),
        "isBase64Encoded": False,
    }
    assert objects.objects(event("objects-get-http-api"), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "x-amz-version-id": version_id},
        "body": '{"hello": "world"}',
        "isBase64Encoded": False,
    }


def test_what_was_stored_is_not_lost(objects: ModuleType, event: LoadEvent, bucket: str, aws: Emulator) -> None:
    from scripts.deployment import Deployment

    first = objects.objects(event("objects-put-http-api"), None)["headers"]["x-amz-version-id"]
    objects.objects(event("objects-put-http-api") | {"body": "[]"}, None)
    assert objects.objects(event("objects-get-http-api"), None)["body"] == "[]"
    kept = Deployment(aws).client("s3").get_object(Bucket=bucket, Key="objects/note", VersionId=first)
    assert kept["Body"].read() == b'{"hello": "world"}'


def test_an_object_that_no_answer_holds_is_not_read(
    objects: ModuleType, event: LoadEvent, bucket: str, aws: Emulator
) -> None:
    from scripts.deployment import Deployment

    Deployment(aws).client("s3").put_object(Bucket=bucket, Key="objects/note", Body=b"1" * 6_500_000)
    answer = objects.objects(event("objects-get-http-api"), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (413, "response-too-large")
    assert "the object has 6,500,000 bytes" in answer["body"]


def with_key(event: Event, key: str) -> Event:
    return event | {"rawPath": f"/objects/{key}"}


@pytest.mark.parametrize("key", ["..", ".hidden", "a b", "a%2Fb", "é", "a" * 129, "a\nb", "models\\iris", "a\n", "a:b"])
def test_a_key_that_could_lead_elsewhere_is_refused(objects: ModuleType, event: LoadEvent, key: str) -> None:
    for name in ("objects-get-http-api", "objects-put-http-api"):
        answer = objects.objects(with_key(event(name), key), None)
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "invalid-key")


@pytest.mark.parametrize("path", ["/objects/../models/iris.onnx", "/objects/a/b", "/objects/", "/models/iris.onnx"])
def test_a_path_with_another_slash_is_nowhere(objects: ModuleType, event: LoadEvent, path: str) -> None:
    answer = objects.objects(event("objects-get-http-api") | {"rawPath": path}, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "not-found")


def test_an_object_that_is_not_there(objects: ModuleType, event: LoadEvent) -> None:
    answer = objects.objects(with_key(event("objects-get-http-api"), "none"), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "object-not-found")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"body": "hello"}, 400, "malformed-json"),
        ({"body": ""}, 400, "malformed-json"),
        ({"body": '{"a": NaN}'}, 400, "malformed-json"),
        ({"body": "\ufeff{}"}, 400, "malformed-json"),
        ({"body": '"' + "a" * 1_000_000 + '"'}, 413, "body-too-large"),
        ({"headers": {"Content-Type": "text/plain"}}, 415, "unsupported-media-type"),
    ],
)
def test_a_body_that_is_no_object_is_not_stored(
    objects: ModuleType, event: LoadEvent, changes: Event, status: int, code: str
) -> None:
    answer = objects.objects(event("objects-put-http-api") | changes, None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)
    assert objects.objects(event("objects-get-http-api"), None)["statusCode"] == 404


def test_any_json_value_is_an_object(objects: ModuleType, event: LoadEvent) -> None:
    for body in ("null", "0.10", '"\\ud83d\\ude00"', '"é"', "[1, 2]"):
        assert objects.objects(event("objects-put-http-api") | {"body": body}, None)["statusCode"] == 200
        assert objects.objects(event("objects-get-http-api"), None)["body"] == body


def test_a_direct_invocation_is_answered_with_a_document(objects: ModuleType) -> None:
    assert objects.objects({"data": [[6.2, 3.4]]}, None)["code"] == "not-found"


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, {"key": "note"}])
def test_what_is_no_request_fails(objects: ModuleType, value: object) -> None:
    with pytest.raises(UnrequestedError):
        objects.objects(value, None)
