import re
import zipfile
from pathlib import Path

import pytest

from layers import gate
from layers.__main__ import main
from layers.architecture import ARCHITECTURES

X86_64, ARM64 = ARCHITECTURES["x86_64"], ARCHITECTURES["arm64"]


@pytest.fixture
def small_layer(built_layers: dict[str, Path], tmp_path: Path) -> Path:
    """The smallest layer that has each package, with a real library that needs no other."""
    out = tmp_path / "layer-x86_64.zip"
    with zipfile.ZipFile(built_layers["x86_64"]) as whole, zipfile.ZipFile(out, "w") as archive:
        [library] = [name for name in whole.namelist() if "providers_shared" in name]
        archive.writestr(library, whole.read(library))
        archive.writestr("python/numpy.libs/LICENSE", b"MIT License")
        archive.writestr("python/numpy/__init__.pyc", b"")
    return out


def add(layer: Path, name: str, data: bytes) -> Path:
    with zipfile.ZipFile(layer, "a") as archive:
        archive.writestr(name, data)
    return layer


def test_a_layer_that_keeps_to_it_passes(small_layer: Path) -> None:
    assert gate.check(small_layer, X86_64) == []


def test_another_package_is_a_fault(small_layer: Path) -> None:
    faults = gate.check(add(small_layer, "python/scipy/__init__.py", b""), X86_64)
    assert faults == ["holds numpy, numpy.libs, onnxruntime, scipy, expected numpy, numpy.libs, onnxruntime"]


def test_a_file_outside_is_a_fault(small_layer: Path) -> None:
    [fault] = gate.check(add(small_layer, "readme.txt", b""), X86_64)
    assert fault == "holds readme.txt outside of python/, where Lambda does not look"


def test_another_architecture_is_a_fault(small_layer: Path) -> None:
    [fault] = gate.check(small_layer, ARM64)
    assert "is for EM_X86_64, expected EM_AARCH64" in fault


@pytest.mark.parametrize("data", [b"text", b"\x7fELF", b"\x7fELF\x02\x01"])
def test_a_library_that_is_none_is_a_fault(small_layer: Path, data: bytes) -> None:
    [fault] = gate.check(add(small_layer, "python/numpy/broken.so", data), X86_64)
    assert fault.startswith("python/numpy/broken.so is not an ELF library: ")


def test_a_library_that_is_not_there_is_a_fault(small_layer: Path, built_layers: dict[str, Path]) -> None:
    with zipfile.ZipFile(built_layers["x86_64"]) as whole:
        [name] = [name for name in whole.namelist() if "_multiarray_umath" in name]
        faults = gate.check(add(small_layer, name, whole.read(name)), X86_64)
    assert len(faults) == 2
    assert re.fullmatch(rf"{name} needs libscipy_openblas64_-.*\.so, which is neither in the layer .*", faults[0])
    assert f"{name} needs scipy_cblas_" in faults[1]
    assert "which nothing in the layer defines" in faults[1]


def test_a_newer_glibc_is_a_fault(small_layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "GLIBC", (2, 2))
    assert any("needs glibc" in fault for fault in gate.check(small_layer, X86_64))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ZIPPED_BUDGET", 10, "zipped, the budget is 10"),
        ("UNZIPPED_BUDGET", 10, "unzipped, the budget is 10"),
        ("ZIPPED_LIMIT", 10, "zipped, Lambda takes 10"),
        ("UNZIPPED_LIMIT", 10, "unzipped, Lambda takes 10"),
    ],
)
def test_too_much_is_a_fault(
    small_layer: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int, message: str
) -> None:
    monkeypatch.setattr(gate, name, value)
    [fault] = gate.check(small_layer, X86_64)
    assert message in fault


def test_over_budget_the_largest_files_are_listed(
    small_layer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from layers.__main__ import report

    monkeypatch.setattr(gate, "UNZIPPED_BUDGET", 10)
    assert not report(small_layer, "x86_64")
    assert "providers_shared" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("layer.zip", b"", "expected layer-x86_64.zip or layer-arm64.zip, got "),
        ("layer-arm64.zip", None, "there is no file "),
        ("layer-arm64.zip", b"text", "expected a zip, "),
    ],
)
def test_what_is_no_layer_is_told(
    name: str, data: bytes | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SystemExit, match="2"):
        main(["check", str(tmp_path / name)])
    assert message in capsys.readouterr().err
