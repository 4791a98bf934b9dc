import base64
import hashlib
from pathlib import Path

import joblib
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.ensemble import GradientBoostingClassifier

from convert.errors import ConvertError
from convert.export import export
from convert.model_file.disk import read_card, write_model
from convert.model_file.publish import publish, rollback
from convert.model_file.versions import history, parse_uri
from convert.proof.verify import verify
from scripts.deployment import Deployment
from scripts.emulator import Emulator


@pytest.fixture
def uri(bucket: str) -> str:
    return f"s3://{bucket}/models/iris.onnx"


@pytest.fixture
def other_file(estimator_file: Path, tmp_path: Path) -> Path:
    export(estimator_file, tmp_path / "other.onnx", name="other")
    verify(estimator_file, tmp_path / "other.onnx", None, Console(quiet=True))
    return tmp_path / "other.onnx"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_publish_leaves_the_bytes_and_their_checksum(aws: Emulator, uri: str, model_file: Path) -> None:
    version_id = publish(model_file, uri)
    bucket, key = parse_uri(uri)
    answer = Deployment(aws).client("s3").get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert answer["VersionId"] == version_id
    assert answer["Body"].read() == model_file.read_bytes()
    assert base64.b64decode(answer["ChecksumSHA256"]).hex() == sha256(model_file)


def test_without_a_passing_certificate_only_force_publishes(
    aws: Emulator, uri: str, estimator_file: Path, training_rows: NDArray[np.float64], tmp_path: Path
) -> None:
    bare = tmp_path / "bare.onnx"
    export(estimator_file, bare, name="bare")
    with pytest.raises(ConvertError, match="has no certificate: run `python -m convert verify` first"):
        publish(bare, uri)

    other = GradientBoostingClassifier(n_estimators=2).fit(training_rows, np.repeat([0, 1, 2], 50))
    joblib.dump(other, tmp_path / "other.joblib")
    export(tmp_path / "other.joblib", bare, name="other")
    certified = read_card(bare.read_bytes())
    export(estimator_file, bare, name="iris")
    assert verify(estimator_file, bare, None, Console(quiet=True))
    assert not verify(tmp_path / "other.joblib", bare, None, Console(quiet=True))
    with pytest.raises(ConvertError, match="its certificate did not pass"):
        publish(bare, uri)

    graph = onnx.load(bare)
    passed = {**read_card(bare.read_bytes())["certificate"], "passed": True, "graph_sha256": "0" * 64}
    write_model(bare, graph, {**certified, "certificate": passed})
    with pytest.raises(ConvertError, match="is of another graph"):
        publish(bare, uri)
    with pytest.raises(ConvertError, match="nothing was ever published"):
        history(uri)

    publish(bare, uri, force=True)
    assert read_card(bare.read_bytes())["forced"] is True
    assert history(uri)[0].sha256 == sha256(bare)


def test_an_altered_file_is_not_published(uri: str, model_file: Path, tmp_path: Path) -> None:
    data = bytearray(model_file.read_bytes())
    data[-1] ^= 1
    (tmp_path / "altered.onnx").write_bytes(data)
    with pytest.raises(ConvertError, match="was altered after its export"):
        publish(tmp_path / "altered.onnx", uri)
    with pytest.raises(ConvertError, match="nothing was ever published"):
        history(uri)


def test_a_file_that_export_did_not_write_is_not_published(uri: str, tmp_path: Path) -> None:
    (tmp_path / "plain.onnx").write_bytes(b"\x08\x0a")
    with pytest.raises(ConvertError, match="carries no digest"):
        publish(tmp_path / "plain.onnx", uri)
    with pytest.raises(ConvertError, match="No such file"):
        publish(tmp_path / "none.onnx", uri)


def test_history_and_rollback(aws: Emulator, uri: str, model_file: Path, other_file: Path) -> None:
    first, second = publish(model_file, uri), publish(other_file, uri)
    versions = history(uri)
    assert [(version.id, version.current) for version in versions] == [(second, True), (first, False)]
    assert [version.sha256 for version in versions] == [sha256(other_file), sha256(model_file)]

    target, third = rollback(uri)
    assert target.id == first
    current, *earlier = history(uri)
    assert (current.id, current.sha256) == (third, sha256(model_file))
    assert [version.id for version in earlier] == [second, first], "nothing is deleted"

    target, _ = rollback(uri, second)
    assert target.id == second
    assert history(uri)[0].sha256 == sha256(other_file)


def test_a_deleted_model_is_rolled_back_to(aws: Emulator, uri: str, model_file: Path) -> None:
    first = publish(model_file, uri)
    bucket, key = parse_uri(uri)
    Deployment(aws).client("s3").delete_object(Bucket=bucket, Key=key)
    assert history(uri)[0].deletion
    assert rollback(uri)[0].id == first
    assert history(uri)[0].sha256 == sha256(model_file)


def test_a_neighbouring_key_is_not_in_the_history(uri: str, model_file: Path) -> None:
    first = publish(model_file, uri)
    publish(model_file, f"{uri}.old")
    assert [version.id for version in history(uri)] == [first]


def test_rollback_needs_an_earlier_version_that_differs(uri: str, model_file: Path) -> None:
    publish(model_file, uri)
    publish(model_file, uri)
    with pytest.raises(ConvertError, match="no earlier version that differs"):
        rollback(uri)
    with pytest.raises(ConvertError, match="has no version nonsense"):
        rollback(uri, "nonsense")


def test_versions_without_a_checksum_are_told_apart_too(aws: Emulator, uri: str) -> None:
    bucket, key = parse_uri(uri)
    client = Deployment(aws).client("s3")
    first, second = (
        client.put_object(Bucket=bucket, Key=key, Body=body, ChecksumAlgorithm="CRC32")["VersionId"]
        for body in (b"first", b"second")
    )
    assert [(version.id, version.sha256) for version in history(uri)] == [(second, None), (first, None)]
    assert rollback(uri)[0].id == first


def test_a_bucket_without_versions_is_told_of(aws: Emulator, model_file: Path) -> None:
    Deployment(aws).client("s3").create_bucket(Bucket="unversioned-bucket")
    with pytest.raises(ConvertError, match="keeps no versions"):
        publish(model_file, "s3://unversioned-bucket/iris.onnx")


@pytest.mark.parametrize("uri", ["bucket/key", "s3://bucket", "s3://bucket/", "s3:///key", "https://bucket/key"])
def test_a_uri_is_bucket_and_key(uri: str) -> None:
    with pytest.raises(ConvertError, match="expected s3://bucket/key"):
        parse_uri(uri)


def test_what_s3_refuses_is_said_in_a_line(aws: Emulator, model_file: Path) -> None:
    with pytest.raises(ConvertError, match="NoSuchBucket"):
        publish(model_file, "s3://no-such-bucket-anywhere/iris.onnx")
    with pytest.raises(ConvertError, match="NoSuchBucket"):
        history("s3://no-such-bucket-anywhere/iris.onnx")
