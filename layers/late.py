"""Imports that numpy makes at once and scoring does without, put off until something asks for what they bring.

Of the 35 ms that the import of numpy takes they are 23: numpy.lib, with it numpy.linalg, and of the standard library
inspect, ast, pickle and ctypes. Every name stays where it was, as tests/layers/test_late.py sees to.
"""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

HELPER = Path(__file__).with_name("late_import.py")
ATTRIBUTES = {"numpy": ("lib", "matrixlib"), "numpy.lib": ("",)}
"""Packages, and what the names of those modules of theirs begin with whose imports are put off."""
MODULES = {
    "numpy/_core/_internal.py": ("ast", "ctypes"),
    "numpy/_core/_methods.py": ("pickle",),
    "numpy/_core/function_base.py": ("inspect",),
    "numpy/_core/overrides.py": ("inspect",),
}
"""Files, and the modules of the standard library that their functions seldom use."""
LINES = {
    # inspect.signature, too, calls it when it is asked
    "numpy/_core/overrides.py": (
        "public_api.__signature__ = inspect.signature(dispatcher)",
        "public_api.__signature__ = lambda: inspect.signature(dispatcher)",
    ),
    # warns of distributions of Linux that it does not know: 1.8 ms, most of them for the import of tokenize
    "onnxruntime/__init__.py": ("onnxruntime_validation.check_distro_info()", "pass"),
}
"""Files, and a line that takes time at once, with what stands in its place."""


def put_off_imports(root: Path) -> None:
    """Rewrite numpy and onnxruntime in the folder `root`; raise ValueError where they have not what is put off."""
    shutil.copyfile(HELPER, root / "numpy" / "_late_import.py")
    for package, beginnings in ATTRIBUTES.items():
        rewrite = PutOff(package, beginnings)
        path = root / package.replace(".", "/") / "__init__.py"
        tree = rewrite.visit(ast.parse(path.read_text()))
        if not rewrite.late or not rewrite.hooked:
            raise ValueError(f"{path.relative_to(root)} was expected to import {beginnings} and to have __getattr__")
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)))
    for name, modules in MODULES.items():
        for module in modules:
            late = f"from numpy._late_import import LateModule; {module} = LateModule({module!r})"
            _replace(root / name, f"import {module}", late)
    for name, (line, instead) in LINES.items():
        _replace(root / name, line, instead)


def _replace(path: Path, line: str, instead: str) -> None:
    """Replace a whole line, its indentation aside, that is there once."""
    source, count = re.subn(rf"^( *){re.escape(line)}$", rf"\1{instead}", path.read_text(), flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"{path} was expected to have a line `{line}` once, it has {count}")
    path.write_text(source)


class PutOff(ast.NodeTransformer):
    """Takes relative imports out of a package's `__init__.py`, and lets its `__getattr__` and `__dir__` make them.

    late: what was imported, by its name in the package: the module, and the name there, empty for the module itself.
    hooked: whether there was a `__getattr__`.
    """

    def __init__(self, package: str, beginnings: tuple[str, ...]) -> None:
        self._package, self._beginnings = package, beginnings
        self.late: dict[str, tuple[str, str]] = {}
        self.hooked = False

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """Keep what is imported for later, unless it is of another package or begins otherwise."""
        if node.level != 1 or not (node.module or node.names[0].name).startswith(self._beginnings):
            return node
        for alias in node.names:
            if node.module:
                self.late[alias.asname or alias.name] = (f"{self._package}.{node.module}", alias.name)
            else:  # a module is an attribute of its package under its own name, whatever else it is called
                self.late[alias.asname or alias.name] = self.late[alias.name] = (f"{self._package}.{alias.name}", "")
        return None

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Replace the `__all__` of a module that is not imported any more by what was imported of it."""
        first, *rest = ast.unparse(node).split(".")
        if rest[-1] != "__all__" or first not in self.late:
            return node
        module = ".".join([self.late[first][0], *rest[:-1]])
        return ast.parse(repr([name for name, late in self.late.items() if late == (module, name)]), mode="eval").body

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | list[ast.stmt]:
        """Let `__getattr__` look among what is late first, and `__dir__`, who asks for all names, import all of it."""
        if node.name == "__getattr__":
            self.hooked = True
            hook = f"""
if attr in _late:
    from numpy._late_import import late_attribute
    return late_attribute({self._package!r}, _late, attr)"""
            node.body[:0] = ast.parse(hook).body
            return [*ast.parse(f"_late = {self.late!r}").body, node]
        if node.name == "__dir__":
            node.body[:0] = ast.parse("for name in _late: __getattr__(name)").body
        return node
