"""TensorFlow Serving's REST API, and KServe's first protocol."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.conftest import FEATURES, LoadEvent
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.posts import request

LENGTH, WIDTH = FEATURES
PREDICT = "/v1/models/iris:predict"


def post(handler: ModuleType, event: LoadEvent, body: Any, path: str = PREDICT) -> tuple[int, Any]:
    answer = handler.predict(request(event, "POST", path, json.dumps(body)), None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"instances": [[6.2, 3.4], [6.2, 1]]}, "predictions"),
        ({"instances": [{LENGTH: 6.2, WIDTH: 3.4}, {WIDTH: [1], LENGTH: [6.2]}]}, "predictions"),
        ({"signature_name": "serving_default", "instances": [[6.2, 3.4], [6.2, 1]]}, "predictions"),
        ({"inputs": [[6.2, 3.4], [6.2, 1]]}, "outputs"),
        ({"inputs": {LENGTH: [6.2, 6.2], WIDTH: [[3.4], [1]]}}, "outputs"),
    ],
)
def test_rows_and_columns_are_scored(handler: ModuleType, event: LoadEvent, body: Any, member: str) -> None:
    assert post(handler, event, body) == (200, {member: [2, 1]})


def test_a_signature_answers_with_probabilities(handler: ModuleType, event: LoadEvent, estimator: Any) -> None:
    body = {"signature_name": "predict_proba", "instances": [[6.2, 3.4], [6.2, 1]]}
    _, answer = post(handler, event, body)
    assert np.abs(np.array(answer["predictions"]) - estimator.predict_proba(body["instances"])).max() <= 1e-15


def test_a_status_tells_the_version(handler: ModuleType, event: LoadEvent, whose: dict[str, str]) -> None:
    version = whose["x-model-version"]
    state = {"version": version, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("/v1/models/iris", f"/v1/models/iris/versions/{version}"):
        answer = handler.predict(request(event, "GET", path), None)
        assert json.loads(answer["body"]) == {"model_version_status": [state], "name": "iris", "ready": True}
    other = handler.predict(request(event, "GET", "/v1/models/iris/versions/0"), None)
    assert (other["statusCode"], json.loads(other["body"]).keys()) == (404, {"error"})
    path = f"/v1/models/iris/versions/{version}:predict"
    assert post(handler, event, {"instances": [[6.2, 3.4]]}, path) == (200, {"predictions": [2]})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([], "the body is a list, expected an object"),
        ({}, "the body has none of instances or inputs, expected one"),
        (
            {"instances": [[1, 2]], "inputs": [[1, 2]]},
            "the body has 'instances', 'inputs' of instances or inputs, expected one",
        ),
        ({"instances": [[1, 2]], "more": 1}, "the body has 'more', taken are 'instances', 'inputs', 'signature_name'"),
        ({"instances": [[1, 2]], "signature_name": "x"}, "expected to be one of 'serving_default', 'predict_proba'"),
        ({"instances": [[1, 2], [1]]}, "row 1 has 1 value, the model takes 2"),
        ({"instances": [7]}, "row 0 is a number, expected a list of 2 values or an object"),
        ({"inputs": {LENGTH: [1], WIDTH: [[1, 2]]}}, "row 0, column 1 ('sepal width (cm)') is a list, expected a num"),
    ],
)
def test_what_is_wrong_is_a_text(handler: ModuleType, event: LoadEvent, body: Any, text: str) -> None:
    status, answer = post(handler, event, body)
    assert (status, answer.keys()) == (400, {"error"})
    assert text in answer["error"]


def test_names_that_are_not_there(handler: ModuleType, event: LoadEvent) -> None:
    assert post(handler, event, {"instances": [[1, 2]]}, "/v1/models/nobody:predict")[0] == 404
    assert post(handler, event, {"instances": [[1, 2]]}, "/v1/models/iris/versions/0:predict")[0] == 404
    assert post(handler, event, {"instances": [[1, 2]]}, "/v1/models/iris:classify")[0] == 404


def test_each_of_several_models_has_its_name(
    load: Load, event: LoadEvent, model_file: Path, model_files: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("tree", "stump"):
        (tmp_path / f"{name}.onnx").write_bytes(model_files[name].read_bytes())
    handler = load(MODEL_URI=model_file.as_uri(), MODELS_URI=f"{tmp_path.as_uri()}/")
    names = {
        name: post(handler, event, {"instances": [[6.2, 3.4]]}, f"/v1/models/{name}:predict")[0]
        for name in ("iris", "tree", "stump", "forest", "..")
    }
    assert names == {"iris": 200, "tree": 200, "stump": 200, "forest": 404, "..": 404}
    ready = handler.predict(request(event, "GET", "/v2/models/tree/ready"), None)
    assert json.loads(ready["body"]) == {"name": "tree", "ready": True}


def test_a_name_is_the_same_model_on_every_path(
    load: Load, event: LoadEvent, model_file: Path, model_files: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("iris", "model"):
        (tmp_path / f"{name}.onnx").write_bytes(model_files["stump"].read_bytes())
    front = tmp_path / "front" / "model.onnx"
    front.parent.mkdir()
    front.write_bytes(model_file.read_bytes())
    handler = load(MODEL_URI=front.as_uri(), MODELS_URI=f"{tmp_path.as_uri()}/")

    def digest(path: str, body: Any) -> str:
        answer = handler.predict(request(event, "POST", path, json.dumps(body)), None)
        assert answer["statusCode"] == 200
        return str(answer["headers"]["x-model-sha256"])

    for name in ("iris", "model"):
        stump = digest(f"/models/{name}/predict", {"data": [[6.2, 3.4]]})
        assert digest(f"/v1/models/{name}:predict", {"instances": [[6.2, 3.4]]}) == stump
    assert digest("/predict", {"data": [[6.2, 3.4]]}) != stump
    (tmp_path / "iris.onnx").write_bytes(b"no model")
    fresh = load(MODEL_URI=front.as_uri(), MODELS_URI=f"{tmp_path.as_uri()}/")
    rows = json.dumps({"data": [[6.2, 3.4]], "instances": [[6.2, 3.4]]})
    for path in ("/models/iris/predict", "/v1/models/iris:predict"):
        sent = request(event, "POST", path, rows)
        assert (fresh.predict(sent, None)["statusCode"], path) == (503, path)
    (tmp_path / "iris.onnx").unlink()
    fresh = load(MODEL_URI=front.as_uri(), MODELS_URI=f"{tmp_path.as_uri()}/", MODEL_TTL="0.001")
    sent = request(event, "GET", "/v2/models/iris/ready")
    assert [fresh.predict(sent, None)["statusCode"] for _ in range(2)] == [200, 200]
    (tmp_path / "iris.onnx").mkdir()  # the storage fails: what was seen counts, and who saw nothing does not guess
    assert fresh.predict(sent, None)["statusCode"] == 200
    fresh = load(MODEL_URI=front.as_uri(), MODELS_URI=f"{tmp_path.as_uri()}/")
    assert "can't be read" in json.loads(fresh.predict(sent, None)["body"])["error"]
