"""Stands in the layer as `numpy._late_import`: imports, when it is asked for, what numpy had imported at once.

layers/late.py writes what calls it.
"""

import sys
from importlib import import_module


class LateModule:
    """Stands for a module until something in it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        return getattr(import_module(self._name), attribute)


def late_attribute(package: str, late: dict[str, tuple[str, str]], attribute: str) -> object:
    """Return an attribute of `package`; `late` has its module and its name there, empty for the module itself."""
    module, name = late[attribute]
    value = getattr(import_module(module), name) if name else import_module(module)
    setattr(sys.modules[package], attribute, value)
    return value
