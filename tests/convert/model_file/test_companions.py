"""Companions: beside the model file on disk and on S3, certified with it, published first, there after a rollback."""

import json
import shutil
from pathlib import Path

import joblib
import jsonschema
import numpy as np
import onnx
import pytest
from rich.console import Console
from sklearn.ensemble import GradientBoostingClassifier

from convert.describe import describe
from convert.errors import ConvertError, ConvertWarning
from convert.export import export
from convert.model_file.card import companions_of
from convert.model_file.companions import MANY_ROWS, digest, place, read_companions, write_with_companions
from convert.model_file.disk import read_card, sealed
from convert.model_file.publish import publish, rollback
from convert.model_file.versions import history
from convert.oracle.oracle import Oracle
from convert.proof.verify import verify
from convert.strategies.many_rows import write_many_rows
from lambda_fn.model.model import Model
from lambda_fn.storage import store
from scripts.emulator import Emulator
from tests.conftest import TESTS

ROWS = np.random.default_rng(0).normal(size=(3000, 4))
NOISY = ROWS[:300].sum(axis=1) + np.random.default_rng(1).normal(size=300) > 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two estimators of one kind, and the certified model file of the first."""
    made = tmp_path_factory.mktemp("companions")
    for name, trees in (("first", 50), ("second", 60)):
        fitted = GradientBoostingClassifier(n_estimators=trees, random_state=0).fit(ROWS[:300], NOISY)
        joblib.dump(fitted, made / f"{name}.joblib")
    export(made / "first.joblib", made / "first.onnx", name="model")
    assert verify(made / "first.joblib", made / "first.onnx", None, Console(quiet=True), random_rows=3000)
    return made


def companions_in(folder: Path, name: str) -> list[Path]:
    return sorted(folder.glob(f"{name}.*"))


def copied(folder: Path, to: Path) -> Path:
    for path in folder.glob("first.*"):
        shutil.copy(path, to)
    return to / "first.onnx"


def test_the_card_names_what_lies_beside_the_file(folder: Path) -> None:
    card = read_card((folder / "first.onnx").read_bytes())
    [path] = companions_in(folder, "first.onnx")
    member = card["companions"][MANY_ROWS]
    assert member["size"] == path.stat().st_size
    assert member["strategy"] == "bit masks"
    assert path.name == f"first.onnx.{member['sha256'][:16]}"
    assert digest(path.read_bytes()) == member["sha256"] == card["certificate"]["companions"][MANY_ROWS]
    assert card["certificate"]["graphs_differ"] == 0
    onnx.checker.check_model(onnx.load(path))
    jsonschema.validate(card, json.loads((TESTS.parent / "docs" / "card.schema.json").read_text()))


def test_the_same_estimator_gives_the_same_bytes_and_another_takes_its_place(folder: Path, tmp_path: Path) -> None:
    out = copied(folder, tmp_path)
    before = companions_in(tmp_path, out.name)
    (tmp_path / "first.onnx.txt").touch()
    exported = export(folder / "first.joblib", out, name="model")
    assert companions_in(tmp_path, out.name)[: len(before)] == before
    export(folder / "second.joblib", out, name="model")
    after = companions_in(tmp_path, out.name)
    assert len(after) == 2
    assert (tmp_path / "first.onnx.txt") in after
    assert not set(before) & set(after)
    write_with_companions(out, exported.data, ())
    assert companions_in(tmp_path, out.name) == [tmp_path / "first.onnx.txt"]


def test_a_model_file_without_its_companion_is_neither_verified_nor_published(folder: Path, tmp_path: Path) -> None:
    out = copied(folder, tmp_path)
    [path] = companions_in(tmp_path, out.name)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    for attempt in (
        lambda: verify(folder / "first.joblib", out, None, Console(quiet=True)),
        lambda: publish(out, "s3://bucket/model.onnx"),
    ):
        with pytest.raises(ConvertError, match="was altered after its export"):
            attempt()
    path.unlink()
    with pytest.raises(ConvertError, match=r"a companion of .*, is not there .*: keep it beside that, or export again"):
        publish(out, "s3://bucket/model.onnx")


def test_a_companion_that_answers_otherwise_is_not_certified(folder: Path, tmp_path: Path) -> None:
    out = copied(folder, tmp_path)
    card = read_card(out.read_bytes())
    model = onnx.load_from_string(read_companions(out, card)[MANY_ROWS])
    [leaves] = [each for each in model.graph.initializer if tuple(each.dims)[1:] == (256,)]
    values = onnx.numpy_helper.to_array(leaves).copy()
    values[7] = np.nextafter(values[7], np.inf)
    leaves.CopyFrom(onnx.numpy_helper.from_array(values, leaves.name))
    data = model.SerializeToString(deterministic=True)
    card["companions"][MANY_ROWS]["sha256"] = digest(data)
    graph = onnx.load(out)
    write_with_companions(out, sealed(graph, card), [data])
    assert not verify(folder / "first.joblib", out, None, Console(quiet=True), random_rows=3000)
    certificate = read_card(out.read_bytes())["certificate"]
    assert not certificate["passed"]
    assert certificate["graphs_differ"] > 0
    with pytest.raises(ConvertError, match="its certificate did not pass"):
        publish(out, "s3://bucket/model.onnx")


def test_a_certificate_of_another_companion_is_none(folder: Path, tmp_path: Path) -> None:
    out = copied(folder, tmp_path)
    card, graph = read_card(out.read_bytes()), onnx.load(out)
    data = read_companions(out, card)[MANY_ROWS]
    other = onnx.load_from_string(data)
    other.doc_string = "another"
    renamed = other.SerializeToString(deterministic=True)
    card["companions"][MANY_ROWS]["sha256"] = digest(renamed)
    write_with_companions(out, sealed(graph, card), [renamed])
    with pytest.raises(ConvertError, match="is of another graph: run `python -m convert verify` again"):
        publish(out, "s3://bucket/model.onnx")


def test_a_version_on_s3_has_its_own_also_after_a_rollback(
    aws: Emulator, bucket: str, folder: Path, tmp_path: Path
) -> None:
    uri = f"s3://{bucket}/models/many.onnx"
    first = copied(folder, tmp_path)
    publish(first, uri)
    second = tmp_path / "second.onnx"
    export(folder / "second.joblib", second, name="model")
    assert verify(folder / "second.joblib", second, None, Console(quiet=True), random_rows=3000)
    publish(second, uri)
    rollback(uri)
    assert len(history(uri)) == 3
    for path in (first, second):
        [(_, sha256)] = companions_of(read_card(path.read_bytes())).items()
        assert digest(store.fetch(place(uri, sha256), 10**8).data) == sha256
    model = Model(store.fetch(uri, 10**8).data, lambda sha256: store.fetch(store.beside(uri, sha256), 10**8).data)
    expected = joblib.load(folder / "first.joblib").predict(ROWS)
    assert model.score(ROWS).prediction.tolist() == expected.tolist()
    assert model._companion is not None
    assert model._companion.engine() is not None


def test_what_the_service_refuses_is_left_out_and_told_of(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = write_many_rows(Oracle(joblib.load(folder / "first.joblib")), "model")
    assert found is not None
    [limit] = [node.input[1] for node in found.graph.graph.node if node.op_type == "Min"]
    [last] = [each for each in found.graph.graph.initializer if each.name == limit]
    last.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(last) + np.float32(1000), limit))
    monkeypatch.setattr("convert.export.write_many_rows", lambda *_: found)
    with pytest.warns(ConvertWarning, match="without a companion for many rows: .* shown to be within"):
        exported = export(folder / "first.joblib", tmp_path / "model.onnx", name="model")
    assert exported.companions == {}
    assert companions_in(tmp_path, "model.onnx") == []
    assert "companions" not in read_card(exported.data)


def test_describe_tells_of_it(folder: Path, tmp_path: Path) -> None:
    with (tmp_path / "output").open("w") as file:
        describe(str(folder / "first.onnx"), Console(file=file, width=200))
    said = (tmp_path / "output").read_text()
    card = read_card((folder / "first.onnx").read_bytes())
    assert f"{card['companions'][MANY_ROWS]['from_rows']} rows and more at once by bit masks, in a companion of" in said
