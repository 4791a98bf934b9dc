"""What the command line answers to whatever an estimator or a file raises: one line, never a trace."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import onnx
import pytest

from convert.model_file.seal import seal
from tests.convert.command import said
from tests.convert.odd import ODD


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
