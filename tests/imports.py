"""What the modules of a package import, read from their sources: the circles among them, and the ways up."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

type Imports = Mapping[str, Collection[str]]
"""For each module of a package, by its full name, the full names of what it imports, of other packages as well."""
type Floors = Sequence[tuple[str, ...]]
"""The rooms of a package (its modules and the packages in it), lowest floor first; those of one floor do not meet."""


def imports_of(folder: Path) -> Imports:
    """Return what each module of the package at `folder` imports.

    All imports count, wherever they stand, at the top, in a function, for types alone; and each text that is the name
    of a module, as `import_module` takes it. Whoever imports ``a.b.c`` runs ``a`` and ``a.b``, and imports these.
    """
    paths = {_name(path, folder): path for path in sorted(folder.rglob("*.py"))}
    return {name: _needed(name, _named(ast.parse(path.read_text()), paths)) for name, path in paths.items()}


def _name(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _named(tree: ast.Module, modules: Collection[str]) -> Iterator[str]:
    """Yield what a module names in its imports; of ``from a import b`` that is ``a.b`` if there is such a module."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(str(base), names, 0):
                wholes = [f"{base}.{alias.name}" for alias in names]
                yield from (whole if whole in modules else base for whole in wholes)
            case ast.ImportFrom():
                raise ValueError(f"line {node.lineno}: imports here are absolute")
            case ast.Constant(str(text)) if "." in text and text in modules:
                yield text


def _needed(module: str, named: Iterator[str]) -> set[str]:
    """Return the names with the packages that they are in, and that `module` itself is in."""
    needed = {".".join(parts[:end]) for parts in map(_parts, [module, *named]) for end in range(1, len(parts) + 1)}
    return needed - {module}


def _parts(name: str) -> list[str]:
    return name.split(".")


def circles(imports: Imports) -> list[list[str]]:
    """Return the groups of modules that import each other, straight or by way of others."""
    reached = {name: _reached(name, imports) for name in imports}
    groups = {frozenset(other for other in reached[name] if name in reached.get(other, ())) for name in imports}
    return sorted(sorted(group) for group in groups if group)


def _reached(name: str, imports: Imports) -> set[str]:
    """Return what `name` imports, and what that imports, and so on: `name` itself if there is a way back."""
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        new = set(imports.get(ahead.pop(), ())) - reached
        reached |= new
        ahead += new
    return reached


def climbs(imports: Imports, floors: Floors) -> list[str]:
    """Return the imports from a room into one that is not below it, and the rooms that no floor has, as sentences.

    The package itself is below all floors.
    """
    floor_of = {"": -1} | {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    package = min(imports, key=len)
    found = [f"{name} is on no floor" for name in imports if room_of(name) not in floor_of]
    for name, imported in imports.items():
        for other in sorted(imported):
            here, there = room_of(name), room_of(other)
            if other.split(".")[0] != package or here == there or not {here, there} <= floor_of.keys():
                continue
            if floor_of[there] >= floor_of[here]:
                found.append(f"{name} imports {other}")
    return found


def room_of(name: str) -> str:
    """Return the room that a module is in: what is behind its package's name; empty for the package itself."""
    return [*name.split("."), ""][1]
