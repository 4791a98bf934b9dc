"""A BLAS of three loops, and no LAPACK, in the place of OpenBLAS: a third of the layer, which scoring never calls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from layers.architecture import Architecture

SOURCES = Path(__file__).parent / "blas"
NO_LAPACK = Path(__file__).with_name("no_lapack.py")
LICENCE = Path(__file__).parent.parent / "LICENSE"
FLAGS = (
    *("-std=c11", "-O2", "-g0", "-shared", "-fPIC", "-fvisibility=hidden"),
    # nothing from outside: no C library, no runtime of the compiler's
    *("-ffreestanding", "-nostdlib", "-fno-sanitize=all"),
    # the same numbers on both architectures, and complex products as BLAS has them
    *("-ffp-contract=off", "-fcx-limited-range"),
    # the same bytes everywhere
    *("-Wl,--build-id=none", "-Wl,-s"),
)


def replace_openblas(root: Path, architecture: Architecture) -> None:
    """Put blas/ and no_lapack.py where the wheels in the folder `root` have OpenBLAS and what calls its LAPACK.

    The products `a @ b`, `dot`, `inner`, … stay right; they are slow for large matrices. What numpy.linalg computes by
    LAPACK raises NotImplementedError.
    """
    [openblas] = root.glob("numpy.libs/libscipy_openblas64_*.so")
    [lapack] = root.glob("numpy/linalg/_umath_linalg.*.so")
    compile_blas(architecture, openblas)
    openblas.with_name("LICENSE").write_text(f"{openblas.name} is Plume's, not OpenBLAS.\n\n{LICENCE.read_text()}")
    lapack.unlink()
    shutil.copyfile(NO_LAPACK, lapack.with_name("_umath_linalg.py"))


def compile_blas(architecture: Architecture, out: Path) -> None:
    """Compile blas/ into the shared library `out`, which has its file's name as its own."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{architecture.cpu}-linux-gnu.2.28", *FLAGS]
    command += [f"-Wl,-soname,{out.name}", "-o", str(out.resolve()), "blas.c"]
    with tempfile.TemporaryDirectory() as cache:
        environ = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        subprocess.run(command, cwd=SOURCES, env=environ, check=True)
