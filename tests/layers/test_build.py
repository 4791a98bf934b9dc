import marshal
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from layers import gate, prune, sbom
from layers.architecture import ARCHITECTURES, host_architecture
from tests.conftest import TESTS


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_layer_may_ship(built_layers: dict[str, Path], name: str) -> None:
    assert gate.check(built_layers[name], ARCHITECTURES[name]) == []


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_bytecode_is_in_the_place_of_sources(built_layers: dict[str, Path], name: str) -> None:
    with zipfile.ZipFile(built_layers[name]) as archive:
        names = archive.namelist()
        modules = {name: archive.read(name) for name in names if name.endswith(".pyc")}
    assert not [path for path in names if path.endswith(".py") or "__pycache__" in path]
    assert len(modules) > 80
    for path, module in modules.items():
        assert module[4:8] == b"\1\0\0\0", "a hash that is not checked"
        assert marshal.loads(module[16:]).co_filename == f"/opt/{path.removesuffix('c')}"  # noqa: S302


def test_both_architectures_hold_the_same_modules(built_layers: dict[str, Path]) -> None:
    modules = set()
    for layer in built_layers.values():
        with zipfile.ZipFile(layer) as archive:
            names = (name.removeprefix("python/") for name in archive.namelist())
            modules.add(frozenset(prune.module_of(name) or name for name in names))
    assert len(modules) == 1


def test_the_bytes_are_the_same_for_whoever_builds_them(built_layers: dict[str, Path], tmp_path: Path) -> None:
    checkout, name = tmp_path / "another checkout", host_architecture().name
    shutil.copytree(TESTS.parent / "layers", checkout / "layers", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("LICENSE", "pyproject.toml", "requirements-runtime.txt"):
        shutil.copyfile(TESTS.parent / file, checkout / file)
    environ = {
        **os.environ,
        "TZ": "Pacific/Auckland",
        "LC_ALL": "tr_TR.UTF-8",
        "PYTHONHASHSEED": "7",
        "USER": "somebody",
    }
    command = [sys.executable, "-m", "layers", "build", name, "--out", f"layer-{name}.zip"]
    subprocess.run(command, cwd=checkout, env=environ, umask=0o077, check=True)
    for path in (built_layers[name], *sbom.beside(built_layers[name])):
        assert (checkout / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_nothing_tells_where_the_layer_was_built(built_layers: dict[str, Path], name: str) -> None:
    with zipfile.ZipFile(built_layers[name]) as archive:
        for entry in archive.infolist():
            assert Path(entry.filename).name not in {"INSTALLER", "RECORD", "REQUESTED"}
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert str(TESTS.parent).encode() not in archive.read(entry), entry.filename


def test_a_module_that_the_wheels_lack_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"keeps numpy, .*numpy/_core/\*\.py, .*which these wheels do not hold"):
        prune.prune(tmp_path)


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("numpy/__init__.py", "numpy"),
        ("numpy/lib/__pycache__/format.cpython-313.pyc", "numpy.lib.format"),
        ("numpy/lib/format.pyc", "numpy.lib.format"),
        ("numpy/_core/_multiarray_umath.cpython-313-aarch64-linux-gnu.so", "numpy._core._multiarray_umath"),
        ("numpy.libs/libscipy_openblas64_-4b78795a.so", "numpy.libs.libscipy_openblas64_"),
        ("numpy/py.typed", None),
    ],
)
def test_files_have_the_same_name_for_both_architectures(path: str, module: str | None) -> None:
    assert prune.module_of(path) == module
