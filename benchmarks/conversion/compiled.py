"""What tl2cgen's interpreter runs: requests in JSON, one a line, each answered by a line of JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import tl2cgen
import treelite

from benchmarks.conversion.timing import Rows, latency, throughput

FILES = 16
"""Into how many files the C goes; gcc takes longer over fewer, larger ones."""


class Compiled:
    """Trees that are compiled into a library in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Begin with nothing."""
        self._folder = folder
        self._predictor: Any = None

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do as asked."""
        if request["do"] == "build":
            return self.build(Path(request["model"]), request["timeout"])
        rows = np.load(request["rows"])
        if request["do"] == "answer":
            np.save(self._folder / "answer.npy", self.score(rows))
            return {}
        if request["do"] == "latency":
            return {"seconds": latency(self.score, rows)}
        return {"rows": throughput(self.score, rows, request["batch"])}

    def build(self, model: Path, timeout: float) -> dict[str, Any]:
        """Generate C and compile it as `tl2cgen.export_lib` does, which takes no time limit."""
        if shutil.which("gcc") is None:
            return {"error": "there is no gcc"}
        start = time.perf_counter()
        trees = treelite.sklearn.import_model(joblib.load(model))
        sources, library = self._folder / "c", self._folder / "compiled.so"
        shutil.rmtree(sources, ignore_errors=True)
        tl2cgen.generate_c_code(trees, dirpath=sources, params={"parallel_comp": FILES})
        command = ["gcc", "-O3", "-shared", "-fPIC", "-std=c99", "-o", str(library), "-lm"]
        command += [str(source) for source in sorted(sources.glob("*.c"))]
        try:
            subprocess.run(command, check=True, timeout=timeout, capture_output=True)
        except subprocess.TimeoutExpired:
            return {"error": f"gcc took more than {timeout} s"}
        self._predictor = tl2cgen.Predictor(library, nthread=1)
        return {"seconds": time.perf_counter() - start, "size": library.stat().st_size}

    def score(self, rows: Rows) -> Any:
        """Return what the library answers for float64 `rows`."""
        return self._predictor.predict(tl2cgen.DMatrix(rows, dtype="float64"))


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
