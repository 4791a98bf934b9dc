"""numpy in the layer, whose imports are put off, beside numpy as the wheel has it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from layers.architecture import host_architecture
from layers.build import install
from layers.late import put_off_imports
from layers.prune import MODULES, prune
from layers.suite.cases import write_cases
from scripts.runtime import Tree, run_python, unpack

DESCRIBE = """
import json, sys
import numpy.lib

def described(package, name):
    try:
        value = getattr(sys.modules[package], name)
    except ImportError as error:
        return str(error)
    if name == "__all__":
        return sorted(value)
    wraps = type(getattr(value, "__wrapped__", None)).__name__
    return [type(value).__name__, wraps, *(str(getattr(value, each, None)) for each in ("__module__", "__qualname__"))]

names = {names!r} or [(package, name) for package in ("numpy", "numpy.lib") for name in dir(sys.modules[package])]
print(json.dumps([(package, name, described(package, name)) for package, name in names]))"""
NAMES = """
import json, numpy
dir(numpy)
from numpy import lib, matrixlib
print(json.dumps([name for name in dir(numpy) if name not in numpy.__numpy_submodules__]))"""
OF_FILES = {"__doc__", "__loader__"}
"""Names that tell whether a module is source or bytecode."""
PUT_OFF = ("ast", "ctypes", "inspect", "numpy.linalg", "numpy.matrixlib", "numpy.typing", "pickle")


@pytest.fixture(scope="module")
def tree(built_layers: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return unpack(built_layers[host_architecture().name], tmp_path_factory.mktemp("lambda"))


def run_wheel(code: str) -> str:
    """Run `code` in an interpreter that has numpy as it is published; return what it printed."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_every_name_is_what_it_was_or_says_that_its_module_is_not_in_the_layer(tree: Tree) -> None:
    wheel = json.loads(run_wheel(DESCRIBE.format(names=None)))
    names = [(package, name) for package, name, _ in wheel if name not in OF_FILES]
    layer = json.loads(run_python(tree, DESCRIBE.format(names=names)))
    assert len(layer) > 500
    differing = [each for each in layer if each not in wheel]
    kept = MODULES.read_text().split()
    pruned = sorted(name for name in numpy.__numpy_submodules__ - {"test"} if f"numpy.{name}" not in kept)
    assert differing == [["numpy", name, f"No module named 'numpy.{name}'"] for name in pruned]


def test_who_asks_for_all_names_gets_them(tree: Tree) -> None:
    found = {name for name in json.loads(run_python(tree, NAMES)) if not name.startswith("_late")}
    assert found == set(json.loads(run_wheel(NAMES)))


def test_a_signature_is_known_when_it_is_asked_for(tree: Tree) -> None:
    code = "import inspect, numpy; print(*inspect.signature(numpy.concatenate).parameters)"
    assert run_python(tree, code) == "arrays axis out dtype casting\n"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    write_cases(folder)
    return folder


@pytest.mark.parametrize("name", ["tabulated", "trees", "operators", "plain", "table"])
def test_scoring_json_asks_for_nothing_that_is_put_off(tree: Tree, cases: Path, name: str) -> None:
    [case] = [case for case in json.loads((cases / "cases.json").read_text()) if case["model"] == f"{name}.onnx"]
    code = f"""
import os, sys
os.environ["MODEL_URI"] = {(cases / case["model"]).as_uri()!r}
from lambda_fn import handler
assert handler.predict({case["answers"][1][0]!r}, None)["statusCode"] == 200
print(*{{*{PUT_OFF!r}, *(each for each in sys.modules if each.startswith("numpy.lib._"))}} & sys.modules.keys())"""
    assert run_python(tree, code) == "numpy.lib._version\n", "which onnxruntime asks for"


def test_wheels_that_import_otherwise_are_an_error(tmp_path: Path) -> None:
    install(host_architecture(), tmp_path)
    prune(tmp_path)
    put_off_imports(tmp_path)
    numpy_init, core = tmp_path / "numpy" / "__init__.py", tmp_path / "numpy" / "_core" / "_internal.py"
    assert "ast = LateModule('ast')" in core.read_text()
    with pytest.raises(ValueError, match=r"numpy/__init__.py was expected to import \('lib', 'matrixlib'\)"):
        put_off_imports(tmp_path)
    for package in (numpy_init, tmp_path / "numpy" / "lib" / "__init__.py"):
        package.write_text("from . import lib\ndef __getattr__(attr): ...\n")
    with pytest.raises(ValueError, match=r"_internal\.py was expected to have a line `import ast` once, it has 0"):
        put_off_imports(tmp_path)
