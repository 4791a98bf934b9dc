"""20,000 inputs that mean harm, as `make fuzz` makes them: nothing is found, and nothing of them is kept in memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import TESTS
from tests.fuzz.targets import NAMES
from tests.fuzz.worker import MOST_KEPT

INPUTS = 20_000


def test_no_input_is_found_that_the_service_does_not_stand(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.worker",
        str(tmp_path),
        "chance",
        ",".join(NAMES),
        "0",
        str(INPUTS),
        "1000000",
    ]
    done = subprocess.run(command, cwd=TESTS.parent, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    [report] = [json.loads(path.read_text()) for path in tmp_path.glob("report.*")]
    assert report["found"] == {}, "\n".join(path.read_text() for path in tmp_path.glob("finds/*.txt"))
    assert sum(report["count"].values()) == INPUTS
    assert {name: most for name, most in MOST_KEPT.items() if report["grown"][name] > most} == {}
