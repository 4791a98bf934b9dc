"""What a body makes the process keep outlives no call."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TESTS


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/x-npy"])
def test_5000_bodies_leave_nothing_behind(model_file: Path, kind: str) -> None:
    environ = os.environ | {"MODEL_URI": model_file.as_uri(), "SCORING_THREADS": "1"}
    command = [sys.executable, "-m", "tests.lambda_fn.hostile", kind, "5000"]
    done = subprocess.run(command, cwd=TESTS.parent, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    grown = json.loads(done.stdout)
    assert grown["bytes"] < 3_000_000
    assert grown["blocks"] < 1000
    assert grown["objects"] < 100
