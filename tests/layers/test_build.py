import zipfile
from pathlib import Path

import pytest

from layers import gate, prune
from layers.architecture import ARCHITECTURES, host_architecture
from layers.build import build
from tests.conftest import TESTS


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_layer_may_ship(built_layers: dict[str, Path], name: str) -> None:
    assert gate.check(built_layers[name], ARCHITECTURES[name]) == []


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_module_comes_with_bytecode(built_layers: dict[str, Path], name: str) -> None:
    with zipfile.ZipFile(built_layers[name]) as archive:
        names = set(archive.namelist())
    sources = [Path(path) for path in names if path.endswith(".py")]
    assert len(sources) > 100
    for source in sources:
        assert str(source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc") in names


def test_the_bytes_are_the_same_every_time(built_layers: dict[str, Path], tmp_path: Path) -> None:
    architecture = host_architecture()
    build(architecture, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == built_layers[architecture.name].read_bytes()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_nothing_tells_where_the_layer_was_built(built_layers: dict[str, Path], name: str) -> None:
    with zipfile.ZipFile(built_layers[name]) as archive:
        for entry in archive.infolist():
            assert Path(entry.filename).name not in {"INSTALLER", "RECORD", "REQUESTED"}
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert str(TESTS.parent).encode() not in archive.read(entry), entry.filename


def test_a_pattern_that_fits_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="which these wheels do not hold"):
        prune.prune(tmp_path)
