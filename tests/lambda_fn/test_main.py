import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import TESTS, LoadEvent


def test_events_are_answered_line_by_line(event: LoadEvent, model_file: Path) -> None:
    events = [event("status-http-api"), {"data": [[6.2, 3.4]]}, event("predict-http-api"), {}]
    done = subprocess.run(
        [sys.executable, "-m", "lambda_fn"],
        input="".join(f"{json.dumps(each)}\n" for each in events),
        env={**os.environ, "MODEL_URI": model_file.as_uri()},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    status, direct, predicted, refused = map(json.loads, done.stdout.splitlines())
    assert json.loads(status["body"]) == {"status": "up"}
    assert direct == {"prediction": [2]}
    assert predicted["statusCode"] == 200
    assert refused.keys() == {"errorType", "errorMessage"}
    assert "an object with no members, expected a request" in refused["errorMessage"]
    assert done.stderr == ""


def test_the_log_is_no_answer(event: LoadEvent, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lambda_fn"],
        input=json.dumps(event("model-http-api")),
        env={**os.environ, "MODEL_URI": (tmp_path / "none.onnx").as_uri()},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["statusCode"] == 503
    assert "no model at init" in done.stderr
