"""Those who are compared: each takes a fitted estimator and then scores rows."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import is_classifier

from benchmarks.conversion.models import Model
from benchmarks.conversion.timing import Rows, latency, throughput
from convert.estimator.fitted import width_of
from convert.export import export
from convert.proof.parity import BATCH_ROWS, DTYPES
from scripts.emulator import ROOT

TL2CGEN = ROOT / ".tools" / "tl2cgen" / "bin" / "python"
COMPILE_SECONDS = 60
"""When a compiler is given up: a run is to end within minutes, and the slowest of today's models takes 17 to 26 s."""


class NotConvertedError(RuntimeError):
    """Raised when a contender does not convert a model; says why."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The labels (n,), or none for a regression, and the probabilities or values, (n, any)."""

    labels: NDArray[Any] | None
    numbers: NDArray[Any]


class Contender(Protocol):
    """A model, converted; `seconds` and `size` are what that took and the bytes that it made."""

    seconds: float | None
    size: int

    def answer(self, rows: Rows) -> Answers:
        """Return what is answered for `rows`."""

    def latency(self, rows: Rows) -> float:
        """Return the median seconds of a call with 2 rows."""

    def throughput(self, rows: Rows) -> float:
        """Return the rows that are scored in a second."""

    def close(self) -> None:
        """End what runs."""


class _InProcess:
    seconds: float | None = None
    size: int

    def answer(self, rows: Rows) -> Answers:
        raise NotImplementedError

    def score(self, rows: Rows) -> Any:
        raise NotImplementedError

    def latency(self, rows: Rows) -> float:
        return latency(self.score, rows)

    def throughput(self, rows: Rows) -> float:
        return throughput(self.score, rows, BATCH_ROWS)

    def close(self) -> None:
        """Nothing runs."""


class ScikitLearn(_InProcess):
    """The estimator itself: probabilities, from which the label is at hand, or values."""

    def __init__(self, model: Model, folder: Path) -> None:
        """Take the estimator as it is."""
        self._estimator = model.estimator
        self.size = model.path.stat().st_size

    def score(self, rows: Rows) -> Any:
        """Return the probabilities or the values."""
        return self._estimator.predict_proba(rows) if is_classifier(self._estimator) else self._estimator.predict(rows)

    def answer(self, rows: Rows) -> Answers:
        """Return scikit-learn's answer, the one that counts."""
        if is_classifier(self._estimator):
            return Answers(self._estimator.predict(rows), self._estimator.predict_proba(rows))
        return Answers(None, self._estimator.predict(rows)[:, np.newaxis])


class _Onnx(_InProcess):
    """A file in onnxruntime on one thread; labels and probabilities, or values, come of one call."""

    def load(self, data: bytes, seconds: float) -> None:
        """Load the bytes of a model file."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.seconds = seconds
        self.size = len(data)
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        [rows] = self._session.get_inputs()
        self._name, self._dtype = rows.name, DTYPES[rows.type]

    def score(self, rows: Rows) -> Any:
        """Return the outputs for float64 `rows`."""
        return self._session.run(None, {self._name: rows.astype(self._dtype, copy=False)})

    def answer(self, rows: Rows) -> Answers:
        """Return the outputs as answers."""
        *labels, numbers = self.score(rows)
        return Answers(labels[0] if labels else None, numbers)


class Skl2onnx(_Onnx):
    """Plain skl2onnx: float32, without ZipMap."""

    def __init__(self, model: Model, folder: Path) -> None:
        """Convert; raise NotConvertedError if skl2onnx does not."""
        types = [("X", FloatTensorType([None, width_of(model.estimator)]))]
        options = {"zipmap": False} if is_classifier(model.estimator) else None
        start = time.perf_counter()
        try:
            data = skl2onnx.to_onnx(model.estimator, initial_types=types, options=options).SerializeToString()
        except Exception as error:  # converters raise what they like
            raise NotConvertedError(f"{type(error).__name__}") from error
        self.load(data, time.perf_counter() - start)


class Plume(_Onnx):
    """What this project writes, by the strategy that it chooses itself, or another one."""

    def __init__(self, model: Model, folder: Path, strategy: str | None = None) -> None:
        """Export to a file in `folder`."""
        out = folder / "plume.onnx"
        start = time.perf_counter()
        self.strategy = export(model.path, out, name="model", strategy=strategy).strategy
        self.load(out.read_bytes(), time.perf_counter() - start)


class Float64Trees(Plume):
    """What this project writes where it does not tabulate."""

    def __init__(self, model: Model, folder: Path) -> None:
        """Export to a file in `folder`."""
        super().__init__(model, folder, "float64 trees")


class Tl2cgen:
    """The trees as C, compiled by gcc; in the interpreter of an environment of its own, which also takes the time."""

    def __init__(self, model: Model, folder: Path, python: Path = TL2CGEN) -> None:
        """Start the interpreter and let it compile; raise NotConvertedError if it does not."""
        if not python.exists():
            raise NotConvertedError(f"there is no {python}: `make bench` makes it")
        self._classes = getattr(model.estimator, "classes_", None)
        self._folder = folder
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.conversion.compiled", folder],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            built = self._ask(do="build", model=str(model.path), timeout=COMPILE_SECONDS)
        except BaseException:
            self.close()
            raise
        self.seconds: float | None = built["seconds"]
        self.size: int = built["size"]

    def answer(self, rows: Rows) -> Answers:
        """Return probabilities, and the labels of the largest ones, or values."""
        self._ask(do="answer", rows=self._written(rows))
        numbers = np.load(self._folder / "answer.npy")
        numbers = numbers.reshape(len(rows), -1)
        if self._classes is None:
            return Answers(None, numbers)
        if numbers.shape[1] == 1:
            numbers = np.hstack([1 - numbers, numbers])
        return Answers(self._classes[numbers.argmax(axis=1)], numbers)

    def latency(self, rows: Rows) -> float:
        """Return what `timing.latency` finds in the other interpreter."""
        return float(self._ask(do="latency", rows=self._written(rows))["seconds"])

    def throughput(self, rows: Rows) -> float:
        """Return what `timing.throughput` finds in the other interpreter."""
        return float(self._ask(do="throughput", rows=self._written(rows), batch=BATCH_ROWS)["rows"])

    def close(self) -> None:
        """End the interpreter and the compiler that it may have started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, 9)
        self._process.communicate()

    def _written(self, rows: Rows) -> str:
        path = self._folder / "rows.npy"
        np.save(path, rows)
        return str(path)

    def _ask(self, **request: Any) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise NotConvertedError("the interpreter of tl2cgen has no pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "its interpreter ended"}
        if "error" in answer:
            raise NotConvertedError(answer["error"])
        return answer


type Maker = Callable[[Model, Path], Contender]
CONTENDERS: dict[str, Maker] = {
    "scikit-learn": ScikitLearn,
    "skl2onnx": Skl2onnx,
    "tl2cgen": Tl2cgen,
    "float64 trees": Float64Trees,
    "Plume": Plume,
}
