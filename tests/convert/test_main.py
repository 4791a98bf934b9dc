"""The command line: what it does and prints, and which lines and warnings reach the terminal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convert.__main__ import main
from convert.errors import ConvertWarning, one_line
from tests.conftest import TESTS
from tests.convert.command import run, said
from tests.convert.odd import LABELS, ROWS, Odd

FILES = ("train", "export", "verify", "describe")
ON_S3 = ("publish", "status", "promote", "withdraw", "history", "rollback")


def test_train_export_verify(tmp_path: Path) -> None:
    model, onnx_file = str(tmp_path / "model.joblib"), str(tmp_path / "model.onnx")
    assert run("train", "--out", model).returncode == 0
    assert run("export", model, "--out", onnx_file).returncode == 0
    verified = run("verify", model, onnx_file)
    assert verified.returncode == 0, verified.stdout
    assert "the same model" in verified.stdout
    assert verified.stderr == ""


def test_verify_exits_with_1_when_the_models_differ(tmp_path: Path, model_file: Path, estimator_file: Path) -> None:
    estimator = joblib.load(estimator_file)
    estimator.estimators_ = estimator.estimators_[:50]
    joblib.dump(estimator, tmp_path / "model.joblib")
    verified = run("verify", str(tmp_path / "model.joblib"), str(shutil.copy(model_file, tmp_path / "model.onnx")))
    assert verified.returncode == 1
    assert "rows differ" in verified.stdout


@pytest.mark.parametrize("command", [*FILES, *ON_S3])
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


def test_a_trace_is_shown_with_debug_before_or_behind_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    joblib.dump(Odd(RuntimeError("reason")).fit(ROWS, LABELS), tmp_path / "model.joblib")
    export = ["export", str(tmp_path / "model.joblib")]
    for arguments in (["--debug", *export], [*export, "--debug"]):
        assert main(arguments) == 2
        shown = capsys.readouterr().err
        assert "Traceback" in shown
        assert shown.splitlines()[-1].startswith("error: Odd")
    assert "Traceback" not in said(export, capsys)


def test_the_reason_that_counts_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estimator = make_pipeline(StandardScaler(), GaussianProcessRegressor()).fit(ROWS, LABELS)
    joblib.dump(estimator, tmp_path / "model.joblib")
    line = said(["export", str(tmp_path / "model.joblib")], capsys)
    reason = "its kernels are not written: use SVC, SVR or KernelRidge"
    assert line == f"error: GaussianProcessRegressor is not converted: {reason}\n"


def test_warnings_of_libraries_stay_off_the_terminal(tmp_path: Path) -> None:
    rows = np.c_[ROWS[:, :3], np.full(len(ROWS), 1e300)]
    joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS), tmp_path / "model.joblib")
    np.savetxt(tmp_path / "model.csv", rows, delimiter=",", header="a,b,c,d", comments="")
    model, out = str(tmp_path / "model.joblib"), str(tmp_path / "model.onnx")
    for arguments in (["export", model, "--out", out], ["verify", model, out]):
        assert run(*arguments).stderr == ""


def test_our_own_warnings_are_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sklearn.base.__version__", "1.5.0")
    joblib.dump(LogisticRegression().fit(ROWS, LABELS), tmp_path / "old.joblib")
    monkeypatch.undo()
    assert main(["export", str(tmp_path / "old.joblib"), "--out", str(tmp_path / "model.onnx")]) == 0
    warned = capsys.readouterr().err
    assert warned.startswith(f"warning: {tmp_path / 'old.joblib'} was fitted by scikit-learn 1.5.0")
    assert warned.count("\n") == 1
    assert issubclass(ConvertWarning, UserWarning)


def test_a_pipe_that_is_closed_is_no_trace() -> None:
    command = f"{sys.executable} -m convert estimators | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=TESTS.parent)  # noqa: S602
    assert done.stdout == "| estimator | | how |\n"
    assert "Traceback" not in done.stderr


def test_a_long_line_keeps_its_beginning_and_its_end() -> None:
    assert one_line("a\n b ") == "a b"
    line = one_line("begins " + "x" * 1000 + " ends")
    assert line.startswith("begins ")
    assert line.endswith(" ends")
    assert len(f"error: {line}") < 300
