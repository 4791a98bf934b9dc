"""Several models behind one deployment: by name, while memory holds them, each on its own."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from convert.model_file.publish import publish
from lambda_fn.config import Settings
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.serving import catalog as catalog_module
from lambda_fn.serving import memory
from lambda_fn.serving.catalog import Catalog
from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.posts import with_path

type Files = dict[str, Path]


@pytest.fixture
def folder(tmp_path: Path, model_files: Files) -> Path:
    """A folder with the model files by name, one that is broken, and a companion and a candidate, which are none."""
    for name, file in model_files.items():
        (tmp_path / f"{name}.onnx").write_bytes(file.read_bytes())
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    (tmp_path / "tree.onnx.0123456789abcdef").write_bytes(b"a companion")
    (tmp_path / "tree.onnx.candidate").write_bytes(b"a candidate")
    (tmp_path / "notes.txt").write_text("notes")
    return tmp_path


def catalog_of(folder: Path, **environ: str) -> Catalog:
    return Catalog(Settings.from_environ({"MODELS_URI": f"{folder.as_uri()}/", **environ}), None)


def name_of(catalog: Catalog, name: str) -> Any:
    return catalog.named(name).served.current(float).model.card.document["name"]


def loaded(catalog: Catalog) -> set[str]:
    return {each["name"] for each in catalog.names(float) if each["serving"]}


def test_models_are_known_by_name_and_loaded_at_first_use(folder: Path) -> None:
    catalog = catalog_of(folder)
    assert [each["name"] for each in catalog.names(float)] == ["broken", "forest", "slope", "stump", "tree"]
    assert loaded(catalog) == set()
    assert [name_of(catalog, name) for name in ("tree", "stump")] == ["tree", "stump"]
    assert loaded(catalog) == {"tree", "stump"}


def test_a_model_that_is_broken_breaks_no_other(folder: Path) -> None:
    catalog = catalog_of(folder)
    for _ in range(2):
        with pytest.raises(ServiceError, match="no digest"):
            name_of(catalog, "broken")
        assert name_of(catalog, "tree") == "tree"


def test_the_model_used_least_recently_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = catalog_of(folder, AWS_LAMBDA_FUNCTION_MEMORY_SIZE="512")
    room = 2

    def free_bytes(memory_bytes: int) -> int:
        assert memory_bytes == 512 * 2**20
        return (room - len(loaded(catalog))) * 3 * 2**20  # each takes 2 MB and a little

    monkeypatch.setattr(memory, "free_bytes", free_bytes)
    for name in ("tree", "stump", "tree", "forest"):
        assert name_of(catalog, name) == name
    assert loaded(catalog) == {"tree", "forest"}
    assert name_of(catalog, "stump") == "stump"
    assert loaded(catalog) == {"stump", "forest"}
    room = 0
    with pytest.raises(ServiceError, match="no room") as raised:
        name_of(catalog, "tree")
    assert raised.value.problem is Problem.MODEL_TOO_LARGE
    assert loaded(catalog) == {"stump", "forest"}  # to let go of them would not have helped
    with pytest.raises(ServiceError, match="no room") as raised:
        name_of(catalog, "tree")
    assert raised.value.retry_after == 5  # it is not fetched again so soon


def test_the_model_of_the_front_is_loaded_whatever_it_takes_and_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda *_: 0)
    environ = {"MODEL_URI": (folder / "tree.onnx").as_uri(), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}
    catalog = catalog_of(folder, **environ)
    assert catalog.front is not None
    assert catalog.front.served.current(float).model.card.document["name"] == "tree"
    with pytest.raises(ServiceError, match="no room"):
        name_of(catalog, "stump")
    assert catalog.named("tree") is catalog.front
    assert loaded(catalog) == {"tree"}


def test_names_that_are_none_keep_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "MAX_NAMES", 10)
    catalog = catalog_of(folder)
    assert name_of(catalog, "tree") == "tree"
    for number in range(100):
        catalog.named(f"none-{number}")
    assert len(catalog._entries) <= 10
    assert loaded(catalog) == {"tree"}
    for name in ("", "a/b", "..", ".tree", "a" * 129, "tree.onnx?", "ä"):
        with pytest.raises(ServiceError) as raised:
            catalog.named(name)
        assert raised.value.problem is Problem.MODEL_NOT_FOUND


def test_many_threads_load_each_model_once(folder: Path) -> None:
    catalog = catalog_of(folder)
    models: dict[str, set[int]] = {"tree": set(), "stump": set(), "forest": set()}

    def ask() -> None:
        for name, found in models.items():
            found.add(id(catalog.named(name).served.current(float).model))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(found) for found in models.values()] == [1, 1, 1]


# Over HTTP


def test_the_routes_of_models(load: Load, event: LoadEvent, folder: Path) -> None:
    handler = load(MODELS_URI=f"{folder.as_uri()}/")

    def ask(method: str, path: str) -> Any:
        answer = handler.predict(with_path(event("predict-http-api"), method, path), None)
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    status, body, headers = ask("POST", "/models/tree/predict")
    assert (status, body) == (200, {"prediction": [2, 1]})
    status, model, _ = ask("GET", "/models/tree")
    assert (status, model["name"], model["sha256"]) == (200, "tree", headers["x-model-sha256"])
    status, body, _ = ask("GET", "/models")
    assert status == 200
    assert {each["name"]: bool(each["serving"]) for each in body["models"]} == {
        "broken": False,
        "forest": False,
        "slope": False,
        "stump": False,
        "tree": True,
    }
    for path in ("/models/none/predict", "/models/.tree/predict"):
        status, body, _ = ask("POST", path)
        assert (status, body["code"]) == (404, "model-not-found")
    status, body, headers = ask("POST", "/models/broken/predict")
    assert (status, body["code"]) == (503, "model-invalid")
    assert headers["retry-after"] == "5"
    assert ask("POST", "/predict")[1]["code"] == "not-configured"
    for path in ("/models//predict", "/models/%7Bname%7D", "/models//"):
        assert ask("POST", path)[0] == 404 or ask("POST", path)[0] == 405
    assert ask("POST", "/models/{name}/predict")[1]["code"] == "model-not-found"
    assert ask("GET", "/models/tree/predict")[0] == 405
    assert ask("POST", "/models/tree/other")[0] == 404
    assert ask("GET", "/models/none")[1]["code"] == "model-not-found"


def test_without_the_setting_there_are_no_models(load: Load, event: LoadEvent, model_file: Path) -> None:
    handler = load(MODEL_URI=model_file.as_uri())
    for method, path in (("GET", "/models"), ("GET", "/models/tree"), ("POST", "/models/tree/predict")):
        answer = handler.predict(with_path(event("predict-http-api"), method, path), None)
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (503, "not-configured")


def test_models_on_s3(load: Load, event: LoadEvent, bucket: str, model_file: Path) -> None:
    uri = f"s3://{bucket}/models/"
    version_id = publish(model_file, f"{uri}iris.onnx")
    handler = load(MODELS_URI=uri)
    answer = handler.predict(with_path(event("predict-http-api"), "POST", "/models/iris/predict"), None)
    assert (answer["body"], answer["headers"]["x-model-version"]) == ('{"prediction": [2, 1]}', version_id)
    answer = handler.predict(with_path(event("predict-http-api"), "GET", "/models"), None)
    [model] = json.loads(answer["body"])["models"]
    assert (model["name"], model["serving"]["version_id"]) == ("iris", version_id)
    answer = handler.predict(with_path(event("predict-http-api"), "POST", "/models/none/predict"), None)
    assert json.loads(answer["body"])["code"] == "model-not-found"
