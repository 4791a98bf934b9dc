import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TESTS


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convert", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent)


def test_train_export_verify(tmp_path: Path) -> None:
    model, onnx_file = str(tmp_path / "model.joblib"), str(tmp_path / "model.onnx")
    assert run("train", "--out", model).returncode == 0
    assert run("export", model, "--out", onnx_file).returncode == 0
    verified = run("verify", model, onnx_file)
    assert verified.returncode == 0, verified.stdout
    assert "the same model" in verified.stdout
    assert verified.stderr == ""


def test_verify_exits_with_1_when_the_models_differ(tmp_path: Path, model_file: Path, estimator_file: Path) -> None:
    import joblib

    estimator = joblib.load(estimator_file)
    estimator.estimators_ = estimator.estimators_[:50]
    joblib.dump(estimator, tmp_path / "model.joblib")
    verified = run("verify", str(tmp_path / "model.joblib"), str(shutil.copy(model_file, tmp_path / "model.onnx")))
    assert verified.returncode == 1
    assert "rows differ" in verified.stdout


@pytest.mark.parametrize("command", ["train", "export", "verify", "publish", "history", "rollback"])
def test_every_command_has_help(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"python -m convert {command}" in done.stdout
    if command in {"export", "verify"}:
        assert "runs whatever code it holds" in " ".join(done.stdout.split())


def test_an_error_is_one_line(tmp_path: Path) -> None:
    done = run("export", str(tmp_path / "none.joblib"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: there is no file {tmp_path / 'none.joblib'}\n"
