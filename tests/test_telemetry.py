"""onnxruntime tells nobody of the models that it loads: by default it keeps a device id and events at home to send."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TESTS

CODE = """
import sys
import {package}
import onnxruntime
onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])"""


@pytest.mark.parametrize("package", ["lambda_fn", "convert"])
def test_a_process_that_loads_a_model_leaves_nothing_at_home(package: str, model_file: Path, tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if name not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    places = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", CODE.format(package=package), str(model_file)]
    subprocess.run(command, env=inherited | places, cwd=TESTS.parent, check=True)
    assert list(tmp_path.iterdir()) == []
