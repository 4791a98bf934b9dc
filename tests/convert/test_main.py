"""The command line: what it prints, and what it answers when something is wrong: one line, never a trace."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingRegressor, RandomForestClassifier, VotingClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convert.__main__ import main
from convert.errors import ConvertWarning, one_line
from convert.model_file.seal import seal
from tests.conftest import TESTS

ROWS, LABELS = make_classification(80, 4, random_state=0)


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
    estimator = joblib.load(estimator_file)
    estimator.estimators_ = estimator.estimators_[:50]
    joblib.dump(estimator, tmp_path / "model.joblib")
    verified = run("verify", str(tmp_path / "model.joblib"), str(shutil.copy(model_file, tmp_path / "model.onnx")))
    assert verified.returncode == 1
    assert "rows differ" in verified.stdout


@pytest.mark.parametrize("command", ["train", "export", "verify", "describe", "publish", "history", "rollback"])
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


# Whatever an estimator or a file raises


class Odd(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of one's own, which does what `error` says when it is asked."""

    def __init__(self, error: BaseException | None = None, answer: Any = None) -> None:
        self.error = error
        self.answer = answer

    def fit(self, rows: NDArray[np.float64], labels: NDArray[Any]) -> Odd:
        self.classes_, self.n_features_in_ = np.unique(labels), rows.shape[1]
        return self

    def predict(self, rows: NDArray[np.float64]) -> Any:
        if self.error is not None:
            raise self.error
        return self.answer


class OddProperty(Odd):
    @property
    def feature_names_in_(self) -> Any:
        raise KeyError("a property\nthat raises")


class OddClasses(Odd):
    def fit(self, rows: NDArray[np.float64], labels: NDArray[Any]) -> Odd:
        super().fit(rows, labels)
        del self.classes_
        return self


class OddParameters(Odd):
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        raise RuntimeError("no parameters " * 100)


class OddTags(Odd):
    def __sklearn_tags__(self) -> Any:
        raise ZeroDivisionError


class OddMessageError(Exception):
    def __str__(self) -> str:
        raise ValueError("not even a message")


class OddState:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise state["error"]


class OddTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, rows: Any, labels: Any = None) -> OddTransformer:
        self.n_features_in_ = 4
        return self

    def transform(self, rows: Any) -> Any:
        return rows


class OddRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, rows: Any, labels: Any) -> OddRegressor:
        self.fitted_ = True  # but not how many features it takes
        return self

    def predict(self, rows: Any) -> Any:
        return np.zeros(len(rows))


def broken_forest() -> Any:
    forest = RandomForestClassifier(3, random_state=0).fit(ROWS, LABELS)
    forest.estimators_ = [1, 2, 3]
    return forest


def broken_linear() -> Any:
    linear = LinearRegression().fit(ROWS, ROWS[:, 0])
    linear.coef_ = "none"
    return linear


def itself() -> Any:
    voting = VotingClassifier([("a", LogisticRegression()), ("b", LogisticRegression())]).fit(ROWS, LABELS)
    voting.estimators_ = [voting, voting]
    return voting


ODD: list[Callable[[], Any]] = [
    *(lambda kind=kind: kind().fit(ROWS, LABELS) for kind in (Odd, OddProperty, OddClasses, OddParameters, OddTags)),
    *(
        lambda error=error: Odd(error).fit(ROWS, LABELS)
        for error in (RuntimeError("a\nb"), OddMessageError(), SystemExit(0), KeyboardInterrupt(), MemoryError())
    ),
    *(lambda answer=answer: Odd(answer=answer).fit(ROWS, LABELS) for answer in (3, "yes", [[1, 2]], np.zeros((9, 9)))),
    *(lambda error=error: OddState(error) for error in (SystemExit(0), KeyboardInterrupt(), RecursionError("deep"))),
    lambda: make_pipeline(OddTransformer(), LogisticRegression()).fit(ROWS, LABELS),
    lambda: make_pipeline(StandardScaler(), OddTransformer(), RandomForestClassifier(2)).fit(ROWS, LABELS),
    lambda: OddRegressor().fit(ROWS, LABELS),
    lambda: BaggingRegressor(OddRegressor(), 2).fit(ROWS, LABELS),
    *(broken_forest, broken_linear, itself),
    *(lambda: Odd, lambda: len, lambda: None, lambda: [Odd()], lambda: "a text", lambda: np.zeros(3), lambda: Odd()),
]


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a command ends with which can't be done."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1, captured.err
    assert len(captured.err) < 300, captured.err
    return captured.err


@pytest.mark.parametrize("strategy", [None, "float64 operators", "skl2onnx"])
@pytest.mark.parametrize("make", ODD, ids=range(len(ODD)))
def test_whatever_an_estimator_raises_is_a_line(
    make: Callable[[], Any], strategy: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    joblib.dump(make(), tmp_path / "model.joblib")
    arguments = ["export", str(tmp_path / "model.joblib"), "--out", str(tmp_path / "model.onnx")]
    said(arguments + (["--strategy", strategy] if strategy else []), capsys)
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize("make", ODD, ids=range(len(ODD)))
def test_whatever_it_raises_when_it_is_verified_is_a_line(
    make: Callable[[], Any], model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    joblib.dump(make(), tmp_path / "model.joblib")
    shutil.copy(model_file, tmp_path / "model.onnx")
    said(["verify", str(tmp_path / "model.joblib"), str(tmp_path / "model.onnx")], capsys)


FILES: dict[str, bytes] = {
    "empty": b"",
    "text": b"not a pickle\n" * 1000,
    "binary": bytes(range(256)) * 40,
    "zeros": bytes(100_000),
    "zip": b"PK\x03\x04" + bytes(100),
    "lacks": b"cno_such_module\nNoSuchClass\n.",
    "gzip": b"\x1f\x8b\x08" + bytes(20),
    "lines": b"\xff\xfe\n\n,,,\n",
}


@pytest.mark.parametrize("suffix", [".joblib", ".pkl", ".skops", ".onnx", ".csv", ""])
@pytest.mark.parametrize("name", FILES)
def test_whatever_a_file_holds_is_a_line(
    name: str, suffix: str, estimator_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / f"odd{suffix}"
    odd.write_bytes(FILES[name])
    assert str(odd) in said(["export", str(odd)], capsys)
    assert str(odd) in said(["verify", str(estimator_file), str(odd)], capsys)
    assert str(odd) in said(["publish", str(odd), "s3://bucket/key"], capsys)
    if suffix != ".csv" or name not in {"text", "lacks"}:  # which are tables of one column
        out = str(tmp_path / "model.onnx")
        assert str(odd) in said(["export", str(estimator_file), "--sample", str(odd), "--out", out], capsys)


def test_a_folder_in_the_place_of_a_file_is_a_line(
    estimator_file: Path, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path)
    for arguments in (
        ["export", folder],
        ["export", str(estimator_file), "--out", folder],
        ["export", str(estimator_file), "--sample", folder],
        ["export", str(estimator_file), "--out", f"{estimator_file}/model.onnx"],
        ["verify", str(estimator_file), folder],
        ["verify", folder, str(model_file)],
        ["publish", folder, "s3://bucket/key"],
        ["train", "--out", f"{estimator_file}/model.joblib"],
    ):
        line = said(arguments, capsys)
        assert any(reason in line for reason in ("directory", "File exists", "is none of")), line


@pytest.mark.parametrize(
    ("command", "uri"),
    [(command, uri) for command in ("history", "rollback") for uri in ("", "s3://", "s3://x", "file:///x", "s3:// /k")],
)
def test_an_address_that_is_none_is_a_line(command: str, uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    said([command, uri], capsys)


@pytest.mark.parametrize("card", [None, "", "{", "[]", '"text"', "{}", '{"strategy": []}', '{"strategy": "tabulated"}'])
def test_a_sealed_file_without_a_sound_card_is_a_line(
    card: str | None, estimator_file: Path, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = onnx.load(model_file)
    del model.metadata_props[:]
    if card is not None:
        onnx.helper.set_model_props(model, {"card": card})
    (tmp_path / "odd.onnx").write_bytes(seal(model))
    said(["verify", str(estimator_file), str(tmp_path / "odd.onnx")], capsys)
    said(["publish", str(tmp_path / "odd.onnx"), "s3://bucket/key"], capsys)


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
