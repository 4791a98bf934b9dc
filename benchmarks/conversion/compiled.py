"""What the interpreter of the compilers runs: requests in JSON, one a line, each answered by a line of JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from benchmarks.conversion.timing import Rows, latency, throughput

FILES = 16
"""Into how many files the C goes; gcc takes longer over fewer, larger ones."""

type Score = Callable[[Rows], Any]


class Compiled:
    """Trees that are compiled, or laid out anew, in `folder`, by one of `COMPILERS`."""

    def __init__(self, folder: Path) -> None:
        """Begin with nothing."""
        self._folder = folder
        self._score: Score = lambda rows: None

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do as asked."""
        if request["do"] == "build":
            start = time.perf_counter()
            estimator = joblib.load(request["model"])
            self._score, size = COMPILERS[request["by"]](estimator, self._folder, request["timeout"])
            return {"seconds": time.perf_counter() - start, "size": size}
        rows = np.load(request["rows"])
        if request["do"] == "answer":
            np.save(self._folder / "answer.npy", self._score(rows))
            return {}
        if request["do"] == "latency":
            return {"seconds": latency(self._score, rows)}
        return {"rows": throughput(self._score, rows, request["batch"])}


def by_tl2cgen(estimator: Any, folder: Path, timeout: float) -> tuple[Score, int]:
    """Generate C and compile it as `tl2cgen.export_lib` does, which takes no time limit."""
    import tl2cgen
    import treelite

    if shutil.which("gcc") is None:
        raise RuntimeError("there is no gcc")
    if hasattr(estimator, "booster_"):
        trees = treelite.frontend.from_lightgbm(estimator.booster_)
    else:
        trees = treelite.sklearn.import_model(estimator)
    sources, library = folder / "c", folder / "compiled.so"
    shutil.rmtree(sources, ignore_errors=True)
    tl2cgen.generate_c_code(trees, dirpath=sources, params={"parallel_comp": FILES})
    command = ["gcc", "-O3", "-shared", "-fPIC", "-std=c99", "-o", str(library), "-lm"]
    command += [str(source) for source in sorted(sources.glob("*.c"))]
    try:
        subprocess.run(command, check=True, timeout=timeout, capture_output=True)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"gcc took more than {timeout} s") from error
    predictor = tl2cgen.Predictor(library, nthread=1)
    return lambda rows: predictor.predict(tl2cgen.DMatrix(rows, dtype="float64")), library.stat().st_size


def by_lleaves(estimator: Any, folder: Path, timeout: float) -> tuple[Score, int]:
    """Let LLVM compile a model of LightGBM."""
    import lleaves

    if not hasattr(estimator, "booster_"):
        raise RuntimeError("it takes LightGBM's models")
    text, library = folder / "model.txt", folder / "compiled.o"
    estimator.booster_.save_model(text)
    library.unlink(missing_ok=True)
    model = lleaves.Model(model_file=str(text))
    model.compile(cache=str(library))
    return lambda rows: model.predict(rows, n_jobs=1), library.stat().st_size


def by_ydf(estimator: Any, folder: Path, timeout: float) -> tuple[Score, int]:
    """Let YDF lay the trees out; it takes rows as float32."""
    import ydf

    model = ydf.from_sklearn(estimator)
    size = len(model.serialize())
    return lambda rows: model.predict({"features": rows.astype(np.float32)}, num_threads=1), size


COMPILERS = {"tl2cgen": by_tl2cgen, "lleaves": by_lleaves, "YDF": by_ydf}


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the libraries write to stdout
    compiled = Compiled(Path(sys.argv[1]))
    for line in sys.stdin:
        try:
            answer = compiled.handle(json.loads(line))
        except Exception as error:  # the libraries raise what they like
            answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:80]}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
