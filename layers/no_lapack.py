"""Stands in the layer for numpy's extension module of this name, which needs LAPACK: most of OpenBLAS.

numpy imports it when it is imported itself, so it is there, and says what is missing only where that is called.
"""

from __future__ import annotations

from typing import NoReturn


def __getattr__(name: str) -> NoReturn:
    if name.startswith("__"):  # the import system asks whether these are there
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise NotImplementedError(f"numpy.linalg needs LAPACK for {name!r}, and this layer carries none")
