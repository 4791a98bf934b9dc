"""What a body makes the process keep outlives no call."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import TESTS


def test_5000_bodies_of_each_dialect_leave_nothing_behind(model_file: Path) -> None:
    environ = os.environ | {"MODEL_URI": model_file.as_uri(), "SCORING_THREADS": "1"}
    command = [sys.executable, "-m", "tests.lambda_fn.hostile", "5000"]
    done = subprocess.run(command, cwd=TESTS.parent, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for kind, grown in json.loads(done.stdout).items():
        assert grown["bytes"] < 3_000_000, (kind, grown)
        assert grown["objects"] < 100, (kind, grown)
