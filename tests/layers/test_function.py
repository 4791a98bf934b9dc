import importlib.util
import marshal
import shutil
from pathlib import Path

import pytest

from layers.function import PACKAGE, compile_function


def test_every_source_has_bytecode_that_is_valid_where_its_time_is_another(tmp_path: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "lambda_fn", ignore=shutil.ignore_patterns("__pycache__"))
    stale = package / "__pycache__" / "gone.cpython-313.pyc"
    stale.parent.mkdir()
    stale.touch()
    compile_function(package)
    assert not stale.exists()
    for source in package.rglob("*.py"):
        bytecode = Path(importlib.util.cache_from_source(source)).read_bytes()
        flags = int.from_bytes(bytecode[4:8], "little")
        assert flags == 0b11  # by hash, and compared
        assert bytecode[8:16] == importlib.util.source_hash(source.read_bytes())


def test_the_bytes_are_the_same_wherever_it_is_compiled(tmp_path: Path) -> None:
    made = []
    for name in ("here", "elsewhere/deeper"):
        package = shutil.copytree(PACKAGE, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        compile_function(package)
        made.append({path.relative_to(package): path.read_bytes() for path in package.rglob("*.pyc")})
    assert made[0] == made[1]
    assert len(made[0]) == len(list(PACKAGE.rglob("*.py")))
    handler = made[0][Path("__pycache__/handler.cpython-313.pyc")]
    assert marshal.loads(handler[16:]).co_filename == "/var/task/lambda_fn/handler.py"  # noqa: S302


def test_what_does_not_compile_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.py").write_text("def")
    with pytest.raises(ValueError, match="does not compile"):
        compile_function(tmp_path)
    assert "SyntaxError" in capfd.readouterr().out
