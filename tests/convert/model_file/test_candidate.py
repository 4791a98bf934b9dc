"""A candidate: beside the current model, promoted by a copy, withdrawn; its companions are where they are asked for."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn.ensemble import GradientBoostingClassifier

from convert.errors import ConvertError
from convert.export import export
from convert.model_file.card import companions_of
from convert.model_file.companions import digest, place
from convert.model_file.disk import read_card
from convert.model_file.publish import candidate_of, fetch, promote, publish, rollback, withdraw
from convert.model_file.versions import current_version, get, history
from convert.proof.verify import verify
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.conftest import TESTS
from tests.convert.graph.test_transforms import save

OTHER = TESTS / "files" / "1-operators.onnx"


@pytest.fixture
def uri(bucket: str) -> str:
    return f"s3://{bucket}/models/model.onnx"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_candidate_leaves_the_current_model(uri: str, model_file: Path) -> None:
    current, candidate = publish(model_file, uri), publish(OTHER, uri, candidate=True)
    assert [(version.id, version.sha256) for version in history(uri)] == [(current, sha256(model_file))]
    assert [(version.id, version.sha256) for version in history(f"{uri}.candidate")] == [(candidate, sha256(OTHER))]


def test_it_is_promoted_by_a_copy_and_rolled_back(uri: str, model_file: Path) -> None:
    first, candidate = publish(model_file, uri), publish(OTHER, uri, candidate=True)
    promoted, second = promote(uri)
    assert (promoted.id, promoted.sha256) == (candidate, sha256(OTHER))
    assert [(version.id, version.sha256) for version in history(uri)] == [
        (second, sha256(OTHER)),
        (first, sha256(model_file)),
    ]
    assert [version.id for version in history(candidate_of(uri))] == [candidate], "it stays"
    with pytest.raises(ConvertError, match=f"the bytes of the current model of {uri} already, version {second}"):
        promote(uri)
    assert rollback(uri)[0].id == first
    assert rollback(uri)[0].id == second, "the newest that differs"
    assert rollback(uri)[0].sha256 == sha256(model_file)
    assert promote(uri)[0].id == candidate


def test_the_first_model_may_be_promoted(uri: str, model_file: Path) -> None:
    publish(model_file, uri, candidate=True)
    assert current_version(uri) is None
    promote(uri)
    assert fetch(uri) == model_file.read_bytes()


def test_it_is_withdrawn_and_its_versions_stay(uri: str, model_file: Path) -> None:
    publish(model_file, uri)
    candidate = publish(OTHER, uri, candidate=True)
    assert withdraw(uri).id == candidate
    for attempt in (withdraw, promote):
        with pytest.raises(ConvertError, match=f"{uri} has no candidate: `publish --candidate` puts one beside it"):
            attempt(uri)
    marker, version = history(candidate_of(uri))
    assert (marker.deletion, version.id, version.sha256) == (True, candidate, sha256(OTHER))
    rollback(candidate_of(uri))
    assert promote(uri)[0].sha256 == sha256(OTHER)


def test_checks_are_those_of_publish(uri: str, estimator_file: Path, tmp_path: Path) -> None:
    export(estimator_file, tmp_path / "bare.onnx", name="bare")
    with pytest.raises(ConvertError, match="has no certificate: run `python -m convert verify` first"):
        publish(tmp_path / "bare.onnx", uri, candidate=True)
    publish(tmp_path / "bare.onnx", uri, candidate=True, force=True)
    assert read_card(fetch(candidate_of(uri)))["forced"] is True


@pytest.mark.parametrize("candidate", [False, True])
def test_a_candidate_has_none_itself(candidate: bool, uri: str, model_file: Path) -> None:
    with pytest.raises(ConvertError, match=f"is where a candidate is: give the current model's, {uri}$"):
        publish(model_file, f"{uri}.candidate", candidate=candidate)


def test_its_companions_are_beside_the_current_models(uri: str, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 4))
    noisy = rows.sum(axis=1) + np.random.default_rng(1).normal(size=300) > 0
    model = save(GradientBoostingClassifier(n_estimators=50, random_state=0).fit(rows, noisy), rows, tmp_path)
    out = tmp_path / "model.onnx"
    export(model, out, name="model")
    assert verify(model, out, None, Console(quiet=True), random_rows=3000)
    publish(out, uri, candidate=True)
    [sha256] = companions_of(read_card(out.read_bytes())).values()
    assert digest(get(place(uri, sha256))) == sha256
    promote(uri)
    assert fetch(uri) == out.read_bytes()


def test_nothing_is_lost_where_no_versions_are_kept(aws: Emulator, model_file: Path) -> None:
    client, uri = Deployment(aws).client("s3"), "s3://no-versions/model.onnx"
    client.create_bucket(Bucket="no-versions")
    for key in ("model.onnx", "model.onnx.candidate"):
        client.put_object(Bucket="no-versions", Key=key, Body=key.encode())
    for attempt in (promote, withdraw):
        with pytest.raises(ConvertError, match=f"the bucket of {uri} keeps no versions"):
            attempt(uri)
    assert (get(uri), get(candidate_of(uri))) == (b"model.onnx", b"model.onnx.candidate")
    with pytest.raises(ConvertError, match="NoSuchBucket"):
        promote("s3://no-such-bucket-anywhere/model.onnx")


def test_the_same_bytes_are_told_by_their_checksum_where_there_is_one(uri: str, model_file: Path) -> None:
    publish(model_file, uri)
    [listed], current = history(uri), current_version(uri)
    assert current is not None
    assert (current.id, current.size, current.sha256) == (listed.id, listed.size, listed.sha256)
    encrypted = replace(listed, etag="of what S3 made of the bytes")
    assert listed.has_bytes_of(encrypted)
    assert not listed.has_bytes_of(replace(encrypted, sha256=None))
    assert listed.has_bytes_of(replace(listed, sha256=None))
    assert not listed.has_bytes_of(replace(listed, sha256="0" * 64))
