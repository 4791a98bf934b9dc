"""What is loaded behind the wall, where Lambda is; test_rooms.py has who may import whom."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.proxy import certificate, latency
from convert.model_file.publish import publish
from scripts.emulator import Emulator
from tests.conftest import TESTS

ROOT = TESTS.parent
TRAINING = {"convert", "joblib", "onnx", "pandas", "scipy", "skl2onnx", "sklearn"}


def test_lambda_fn_takes_no_matrix_products() -> None:
    """The layer has a slow BLAS and no LAPACK (layers/linear_algebra.py): products are for the engine to compute."""
    products = {"dot", "vdot", "inner", "matmul", "einsum", "tensordot", "linalg", "correlate", "convolve", "cov"}
    for path in (ROOT / "lambda_fn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.MatMult), path
            assert not (isinstance(node, ast.Attribute) and node.attr in products), (path, node.lineno)


def loaded_after(code: str, **environ: str) -> set[str]:
    """Return the top-level packages that a new interpreter has loaded after `code`."""
    code += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(done.stdout.split())


def test_scoring_loads_no_training_package(model_file: Path) -> None:
    code = "from lambda_fn import handler; assert handler.predict({'data': [[6.2, 3.4]]}, None) == {'prediction': [2]}"
    loaded = loaded_after(code, MODEL_URI=model_file.as_uri())
    assert {"numpy", "onnxruntime"} <= loaded
    assert not loaded & (TRAINING | {"boto3"})


def test_a_model_from_s3_loads_neither_boto3_nor_a_codec_for_names_of_hosts(
    aws: Emulator, bucket: str, model_file: Path, tmp_path: Path
) -> None:
    uri = f"s3://{bucket}/models/model.onnx"
    publish(model_file, uri)
    code = "from lambda_fn import handler; assert handler.predict({'data': [[6.2, 3.4]]}, None) == {'prediction': [2]}"
    assert not loaded_after(code, MODEL_URI=uri) & {"boto3", "stringprep"}
    with latency(aws.port, 0, certificate(tmp_path / "authority.pem")) as port:
        tls = {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}", "SSL_CERT_FILE": str(tmp_path / "authority.pem")}
        loaded = loaded_after(code, MODEL_URI=uri, **tls)
    assert "ssl" in loaded
    assert not loaded & {"boto3", "stringprep"}


def test_scoring_json_loads_nothing_that_other_dialects_and_threads_need(model_file: Path) -> None:
    code = "from lambda_fn import handler; assert handler.predict({'data': [[6.2, 3.4]]}, None) == {'prediction': [2]}"
    assert not loaded_after(code, MODEL_URI=model_file.as_uri()) & {"csv", "queue", "_hashlib"}


def test_what_init_made_is_never_looked_through_for_garbage(model_file: Path) -> None:
    code = "import gc; from lambda_fn import handler; assert gc.isenabled(); assert gc.get_freeze_count() > 10_000"
    loaded_after(code, MODEL_URI=model_file.as_uri())


@pytest.mark.parametrize("name", ["get", "put"])
def test_objects_load_neither_numpy_nor_onnxruntime(name: str) -> None:
    code = f"""
import json
from lambda_fn import handler
event = json.load(open('tests/events/objects-{name}-http-api.json')) | {{'rawPath': '/objects/..'}}
assert handler.objects(event, None)['statusCode'] == 400"""
    loaded = loaded_after(code, OBJECTS_URI="s3://bucket/objects/")
    assert "boto3" in loaded
    assert not loaded & (TRAINING | {"numpy", "onnxruntime"})
