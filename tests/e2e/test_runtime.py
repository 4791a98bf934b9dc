"""The built layer, scoring in an interpreter that can import nothing else, through AWS's own emulator."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.model_file.card import companions_of
from convert.model_file.companions import place
from convert.model_file.disk import read_card
from convert.model_file.function import WITHOUT
from convert.model_file.publish import publish
from convert.model_file.versions import parse_uri
from lambda_fn.model.engine import BATCH_ROWS
from layers.architecture import host_architecture
from layers.prune import MODULES, module_of
from layers.suite.cases import write_cases
from layers.trace import run_suite
from scripts.deployment import Deployment
from scripts.emulator import ROOT, Emulator
from scripts.runtime import PYTHON, Function, Tree, run_python, serving, unpack
from tests.conftest import LoadEvent
from tests.keep import FILES

pytestmark = pytest.mark.e2e

KEPT = {*MODULES.read_text().split(), "numpy._late_import"}
"""What the layer holds: of the wheels, and of our own."""


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


def test_the_layer_passes_the_scoring_suite_and_stays_as_it_is(tree: Tree, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tree.opt.rglob("*")}
    write_cases(tmp_path)
    loaded = run_suite([str(PYTHON)], tree.opt / "python", tree.task, tmp_path)
    assert {module_of(path) for path in loaded} <= KEPT
    assert {path: path.stat().st_mtime_ns for path in tree.opt.rglob("*")} == before


def test_the_layer_for_arm64_passes_the_scoring_suite_emulated(built_layers: dict[str, Path], tmp_path: Path) -> None:
    """QEMU, and Python for arm64, are what `scripts/setup emulation` unpacks on Debian."""
    root = ROOT / ".tools" / "emulation"
    python = [str(root / "usr/bin/qemu-aarch64"), "-L", str(root), str(root / "usr/bin/python3.13")]
    if not Path(python[0]).exists():
        pytest.skip("no emulation of arm64 here: it is set up on Debian on x86_64")
    machine = [*python, "-c", "import platform; print(platform.machine())"]
    assert subprocess.run(machine, capture_output=True, text=True, check=True).stdout == "aarch64\n"
    tree = unpack(built_layers["arm64"], tmp_path)
    write_cases(tmp_path)
    loaded = run_suite(python, tree.opt / "python", tree.task, tmp_path)
    assert {module_of(path) for path in loaded} <= KEPT


def test_docstrings_are_left_out(tree: Tree) -> None:
    code = "import numpy, onnxruntime; print(numpy.pad.__doc__, onnxruntime.InferenceSession.__doc__)"
    assert run_python(tree, code) == "None None\n"


def test_a_case_that_fails_is_told(tree: Tree, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    case = {"model": "none.onnx", "answers": [[{"data": []}, {"prediction": [1]}]], "tolerance": 0.0}
    (tmp_path / "cases.json").write_text(json.dumps([case]))
    with pytest.raises(subprocess.CalledProcessError):
        run_suite([str(PYTHON)], tree.opt / "python", tree.task, tmp_path)
    assert "none.onnx: expected {'prediction': [1]}, found {'type'" in capfd.readouterr().err


@pytest.mark.parametrize("module", ["numpy.random", "numpy.ma", "numpy.testing", "onnxruntime.quantization"])
def test_what_is_not_in_the_layer_says_so(tree: Tree, module: str) -> None:
    code = f"""
try:
    import {module}
except ModuleNotFoundError as error:
    print(error)"""
    assert run_python(tree, code) == f"No module named '{module}'\n"


PRODUCTS = """
import itertools, json, zlib
import numpy as np
found = []
for kind in (np.float32, np.float64, np.complex64, np.complex128):
    a, b = np.arange(-20, 20).reshape(5, 8).astype(kind), np.arange(48).reshape(8, 6).astype(kind)
    if kind in (np.complex64, np.complex128):
        a, b = a * (1 + 2j), b * (3 - 1j)
    vector, stack = b[:, 0].copy(), np.stack([b, b + 1])
    found += [a @ b, a.T @ a, a @ a.T, a @ vector, vector @ b, b[:, ::2].T @ b[::-1], a @ stack]
    found += [a @ np.asfortranarray(b), np.asfortranarray(a).T @ a[::-1]]
    found += [vector @ vector, vector[::-1] @ vector, np.vdot(vector, vector), np.dot(a[1], b), np.inner(a, b.T)]
    found += [np.linalg.matmul(a, b), np.linalg.matrix_power(a[:, :5], 2), np.einsum('ij,jk', a, b), np.outer(a, b)]
    found += [np.tensordot(a, b, 1), np.correlate(vector, vector), np.convolve(vector, vector), a[:, :0] @ b[:0]]
print(json.dumps([[each.dtype.str, each.shape, zlib.crc32(np.ascontiguousarray(each + 0))] for each in found]))"""


def test_products_are_those_of_whole_numpy(tree: Tree) -> None:
    whole = subprocess.run([sys.executable, "-c", PRODUCTS], capture_output=True, text=True, check=True).stdout
    assert len(json.loads(whole)) == 4 * 22
    assert json.loads(run_python(tree, PRODUCTS)) == json.loads(whole)


@pytest.mark.parametrize("function", ["inv", "det", "svd", "eigh", "cholesky", "qr", "pinv"])
def test_what_needs_lapack_raises(tree: Tree, function: str) -> None:
    code = f"""
import numpy as np
try:
    np.linalg.{function}(np.eye(2))
except NotImplementedError as error:
    print(error)"""
    assert "numpy.linalg needs LAPACK for '" in run_python(tree, code)


@pytest.mark.parametrize(
    "name", ["predict-http-api", "predict-http-api-base64", "predict-rest-api", "predict-function-url"]
)
def test_whole_events(function: Function, event: LoadEvent, whose: dict[str, str], name: str) -> None:
    assert function.invoke(event(name)) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", **whose},
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
    bodies: list[Any] = [{"data": [], "\ud800": 1}, {"data": [[1, None]]}, {"data": [[1]]}, {"data": {}}]
    for body in bodies:
        assert function.invoke(body)["status"] == 400
    others: list[Any] = [{"\ud800": 1}, {}, [], None, "text"]
    for other in others:
        assert function.invoke(other)["errorType"] == "UnrequestedError"
    assert function.invoke({"data": [[6.2, 3.4]]}) == {"prediction": [2]}


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


def test_a_companion_on_s3_scores_many_rows_and_nothing_is_lost_without_it(
    tree: Tree, emulator: Emulator, aws: Emulator, bucket: str
) -> None:
    file, log = FILES / "1-trees-many.onnx", tree.opt.parent / "rie.log"
    kept = json.loads(file.with_suffix(".json").read_text())
    uri = f"s3://{bucket}/models/{uuid.uuid4().hex}.onnx"
    publish(file, uri)
    environ, event = {**emulator.aws_environ(), "MODEL_URI": uri}, {"data": kept["request"]["data"] * 100}
    for said in (0, 1):
        before = log.read_text().count(WITHOUT) if log.exists() else 0
        with serving(tree, "lambda_fn.handler.predict", environ) as served:
            assert served.invoke(kept["request"])["prediction"] == kept["answer"]["prediction"]
            found = served.invoke(event)["prediction"]
        assert found == kept["answer"]["prediction"] * 100
        assert len(found) > BATCH_ROWS
        assert log.read_text().count(WITHOUT) - before == said
        [sha256] = companions_of(read_card(file.read_bytes())).values()
        where, key = parse_uri(place(uri, sha256))
        Deployment(aws).client("s3").delete_object(Bucket=where, Key=key)


def test_nothing_outlives_the_context(tree: Tree, model_file: Path) -> None:
    with serving(tree, "lambda_fn.handler.predict", {"MODEL_URI": model_file.as_uri()}) as served:
        assert served.children() == []
        served.invoke({"data": [[1, 2]]})
        [pid] = served.children()
    status = Path(f"/proc/{pid}/stat")
    assert not status.exists() or ") Z " in status.read_text()
