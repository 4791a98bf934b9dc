"""What scoring never loads. tests/e2e/test_runtime.py proves that the rest is enough."""

from __future__ import annotations

import shutil
from pathlib import Path

UNUSED = (
    # the engine a second time, for programs in C; Python loads onnxruntime_pybind11_state
    "onnxruntime/capi/libonnxruntime.so*",
    # tools for training and converting models
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # numpy for those who compile against it
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/_pyinstaller",
    "numpy/f2py",
    "numpy/**/*.pxd",
    "numpy/**/*.pyi",
    "numpy/**/py.typed",
    # numpy's own tests
    "numpy/**/tests",
    "numpy/conftest.py",
    "numpy/_core/_simd.*.so",
    "numpy/_core/*_tests.*.so",
    # command line entry points, and the installer's notes: they hold the path of the interpreter that installed
    "bin",
    "*.dist-info/INSTALLER",
    "*.dist-info/RECORD",
    "*.dist-info/REQUESTED",
)
"""Paths in the layer's python/ folder, as glob patterns."""


def prune(root: Path) -> None:
    """Delete from the folder `root` what scoring never loads; raise ValueError for a pattern that fits nothing."""
    for pattern in UNUSED:
        found = list(root.glob(pattern))
        if not found:
            raise ValueError(f"layers/prune.py names {pattern}, which these wheels do not hold")
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
