"""The S3 that bulk workers are measured with, asked by boto3."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from benchmarks.rates import s3 as stand_in

DATA = bytes(range(256)) * 10_000


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Any]:
    with stand_in.Server(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        who = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client: Any = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **who)  # type: ignore[call-overload]
        client.create_bucket(Bucket="bucket")
        yield client
        client.close()
        server.shutdown()
        thread.join()


def code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def body(s3: Any, key: str, **asked: str) -> bytes:
    data: bytes = s3.get_object(Bucket="bucket", Key=key, **asked)["Body"].read()
    return data


def test_an_object_comes_back_whole_and_in_ranges(s3: Any) -> None:
    put = s3.put_object(Bucket="bucket", Key="a b/ü.csv", Body=DATA)
    head = s3.head_object(Bucket="bucket", Key="a b/ü.csv")
    assert (head["ContentLength"], head["ETag"]) == (len(DATA), put["ETag"])
    assert body(s3, "a b/ü.csv") == DATA
    assert body(s3, "a b/ü.csv", Range="bytes=5-1000") == DATA[5:1001]
    assert body(s3, "a b/ü.csv", Range="bytes=2559990-") == DATA[-10:]
    assert body(s3, "a b/ü.csv", Range="bytes=0-0", IfMatch=put["ETag"]) == DATA[:1]


def test_what_is_not_there_or_is_another_is_refused(s3: Any) -> None:
    with pytest.raises(ClientError) as missing:
        body(s3, "none")
    with pytest.raises(ClientError) as hidden:
        s3.head_object(Bucket="bucket", Key="none")
    before = s3.put_object(Bucket="bucket", Key="a", Body=b"1")["ETag"]
    s3.put_object(Bucket="bucket", Key="a", Body=b"2")
    with pytest.raises(ClientError) as changed:
        body(s3, "a", IfMatch=before)
    with pytest.raises(ClientError) as beyond:
        body(s3, "a", Range="bytes=1-5")
    codes = [code(each.value) for each in (missing, hidden, changed, beyond)]
    assert codes == ["NoSuchKey", "404", "PreconditionFailed", "InvalidRange"]


def test_of_many_that_write_a_key_once_one_does(s3: Any, tmp_path: Path) -> None:
    def write(number: int) -> bool:
        try:
            s3.put_object(Bucket="bucket", Key="once", Body=b"%d" % number, IfNoneMatch="*")
        except ClientError as error:
            return code(error) != "PreconditionFailed"
        return True

    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(write, range(20)))
    assert wrote.count(True) == 1
    assert body(s3, "once") == b"%d" % wrote.index(True)


def test_parts_are_an_object_in_the_order_of_their_numbers(s3: Any, tmp_path: Path) -> None:
    begun = s3.create_multipart_upload(Bucket="bucket", Key="large")["UploadId"]
    asked = {"Bucket": "bucket", "Key": "large", "UploadId": begun}
    pieces = {3: DATA[2_000_000:], 1: DATA[:1_000_000], 2: DATA[1_000_000:2_000_000]}
    tags = {number: s3.upload_part(**asked, PartNumber=number, Body=piece)["ETag"] for number, piece in pieces.items()}
    parts = [{"PartNumber": number, "ETag": tags[number]} for number in (1, 2, 3)]
    s3.complete_multipart_upload(**asked, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
    assert body(s3, "large") == DATA
    assert body(s3, "large", Range="bytes=999990-2000009") == DATA[999_990:2_000_010]
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.upload_part(**asked, PartNumber=1, Body=b"late")
    s3.delete_object(Bucket="bucket", Key="large")
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_is_given_up_or_lacks_a_part_leaves_nothing(s3: Any, tmp_path: Path) -> None:
    begun = s3.create_multipart_upload(Bucket="bucket", Key="large")["UploadId"]
    asked = {"Bucket": "bucket", "Key": "large", "UploadId": begun}
    tag = s3.upload_part(**asked, PartNumber=1, Body=DATA)["ETag"]
    parts = [{"PartNumber": number, "ETag": tag} for number in (1, 2)]
    with pytest.raises(ClientError, match="InvalidPart"):
        s3.complete_multipart_upload(**asked, MultipartUpload={"Parts": parts})
    s3.abort_multipart_upload(**asked)
    assert s3.list_objects_v2(Bucket="bucket")["KeyCount"] == 0
    assert list(tmp_path.iterdir()) == []


def test_keys_are_listed_in_order_page_by_page(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_in, "PAGE_KEYS", 3)
    keys = [f"in/{number} &.csv" for number in range(8)]
    for key in keys:
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    s3.put_object(Bucket="bucket", Key="other", Body=b"")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="bucket", Prefix="in/"))
    assert [each["Key"] for page in pages for each in page["Contents"]] == keys
    assert [len(page["Contents"]) for page in pages] == [3, 3, 2]
