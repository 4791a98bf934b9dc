"""The built layer, scoring in an interpreter that can import nothing else, through AWS's own emulator."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.publish import publish
from layers.architecture import host_architecture
from scripts.emulator import Emulator
from scripts.runtime import Function, Tree, run_python, serving, unpack
from tests.conftest import LoadEvent

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def tree(built_layers: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return unpack(built_layers[host_architecture().name], tmp_path_factory.mktemp("lambda"))


@pytest.fixture(scope="module")
def function(tree: Tree, model_file: Path) -> Iterator[Function]:
    with serving(tree, "lambda_fn.handler.predict", {"MODEL_URI": model_file.as_uri()}) as served:
        yield served


def test_nothing_but_the_runtime_and_the_layer_is_importable(tree: Tree) -> None:
    code = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    runtime = (
        "awslambdaric boto3 botocore jmespath python-dateutil s3transfer simplejson six snapshot-restore-py urllib3"
    )
    assert run_python(tree, code).split() == sorted([*runtime.split(), "numpy", "onnxruntime"])


def test_numpy_and_onnxruntime_come_from_the_layer(tree: Tree) -> None:
    code = "import numpy, onnxruntime; print(numpy.__file__, onnxruntime.__file__, sep='\\n')"
    for path in run_python(tree, code).splitlines():
        assert path.startswith(str(tree.opt))


def test_importing_the_layer_reads_bytecode_only(tree: Tree) -> None:
    code = """
import importlib.machinery as machinery
compiled = []
original = machinery.SourceFileLoader.source_to_code
def source_to_code(self, data, path, **options):
    compiled.append(path)
    return original(self, data, path, **options)
machinery.SourceFileLoader.source_to_code = source_to_code
import numpy, onnxruntime, lambda_fn.errors
print(*compiled, sep='\\n')
"""
    compiled = run_python(tree, code).splitlines()
    assert str(tree.task / "lambda_fn" / "errors.py") in compiled, "what has no bytecode is seen to be compiled"
    assert [path for path in compiled if path.startswith(str(tree.opt))] == []


@pytest.mark.parametrize(
    "name", ["predict-http-api", "predict-http-api-base64", "predict-rest-api", "predict-function-url"]
)
def test_whole_events(function: Function, event: LoadEvent, name: str) -> None:
    assert function.invoke(event(name)) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }


def test_status_model_and_direct_invocation(function: Function, event: LoadEvent) -> None:
    assert function.invoke(event("status-http-api"))["body"] == '{"status": "up"}'
    assert json.loads(function.invoke(event("model-http-api"))["body"])["name"] == "iris"
    assert function.invoke(event("predict-direct")) == {"prediction": [2, 1]}


def test_scores_are_the_estimators(function: Function, estimator: Any, training_rows: NDArray[np.float64]) -> None:
    answer = function.invoke({"data": training_rows.tolist(), "probabilities": True})
    assert answer["prediction"] == estimator.predict(training_rows).tolist()
    np.testing.assert_allclose(answer["probabilities"], estimator.predict_proba(training_rows), rtol=0, atol=1e-6)


def test_bad_input_is_no_crash(function: Function) -> None:
    bodies: list[Any] = [{"\ud800": 1}, {"data": [[1, None]]}, {"data": [[1]]}, {}, [], None, "text"]
    for body in bodies:
        assert function.invoke(body)["status"] == 400


def test_a_function_without_settings_fails_at_init_and_says_which(tree: Tree) -> None:
    with serving(tree, "lambda_fn.handler.predict", {}) as served:
        assert "neither MODEL_URI" in served.invoke({})["errorMessage"]


def test_a_model_on_s3_and_objects(
    tree: Tree, emulator: Emulator, aws: Emulator, bucket: str, model_file: Path, event: LoadEvent
) -> None:
    environ = emulator.aws_environ()
    uri = f"s3://{bucket}/models/{uuid.uuid4().hex}.onnx"
    with serving(tree, "lambda_fn.handler.predict", {**environ, "MODEL_URI": uri}) as served:
        assert json.loads(served.invoke(event("predict-http-api"))["body"])["code"] == "model-not-published"
        version_id = publish(model_file, uri)
        assert served.invoke(event("predict-http-api"))["body"] == '{"prediction": [2, 1]}'
        assert json.loads(served.invoke(event("model-http-api"))["body"])["version_id"] == version_id
    with serving(tree, "lambda_fn.handler.objects", {**environ, "OBJECTS_URI": f"s3://{bucket}/objects/"}) as served:
        assert served.invoke(event("objects-put-http-api"))["statusCode"] == 200
        assert served.invoke(event("objects-get-http-api"))["body"] == '{"hello": "world"}'


def test_nothing_outlives_the_context(tree: Tree, model_file: Path) -> None:
    with serving(tree, "lambda_fn.handler.predict", {"MODEL_URI": model_file.as_uri()}) as served:
        assert served.children() == []
        served.invoke({"data": [[1, 2]]})
        [pid] = served.children()
    status = Path(f"/proc/{pid}/stat")
    assert not status.exists() or ") Z " in status.read_text()
