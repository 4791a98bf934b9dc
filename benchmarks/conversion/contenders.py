"""Those who are compared: each takes a fitted estimator and then scores rows."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
from convert.model_file.companions import MANY_ROWS
from convert.oracle.oracle import Oracle
from convert.proof.parity import BATCH_ROWS, DTYPES
from convert.strategies.many_rows import write_each
from convert.strategies.masks import cost, strategy
from scripts.emulator import ROOT

COMPILERS = ROOT / ".tools" / "compilers" / "bin" / "python"
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
        self.seconds = seconds
        self.size = len(data)
        self._session = _session(data)
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
    """What this project writes and chooses: as the service does, few rows by one graph, many by its companion."""

    def __init__(self, model: Model, folder: Path, strategy: str | None = None) -> None:
        """Export to a file in `folder`."""
        start = time.perf_counter()
        exported = export(model.path, folder / "plume.onnx", name="model", strategy=strategy)
        self.load(exported.data, time.perf_counter() - start)
        self.strategy, many = exported.strategy, exported.many_rows
        self._many, self._from_rows, self._batch_rows = self._session, BATCH_ROWS + 1, BATCH_ROWS
        if many is not None:
            self.strategy = many.strategy
            self._many, self._from_rows = _session(exported.companions[MANY_ROWS]), many.from_rows
            self._batch_rows = many.batch_rows

    def score(self, rows: Rows) -> Any:
        """Return the outputs for float64 `rows`, by the graph that is for so many, batch by batch."""
        if len(rows) < self._from_rows:
            return super().score(rows)
        parts = [
            self._many.run(None, {self._name: rows[start : start + self._batch_rows]})
            for start in range(0, len(rows), self._batch_rows)
        ]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def crossing(self, rows: Rows, count: int) -> float:
        """Return how many times as long as the companion the model file's own graph takes for calls of `count` rows.

        Each call has others than the one before: to the same ones branches get used.
        """
        batches = [np.ascontiguousarray(rows[start : start + count]) for start in range(0, len(rows) - count, count)]
        seconds = dict.fromkeys((self._session, self._many), np.inf)
        for session in [*seconds] * 5:
            began = time.perf_counter()
            for batch in batches:
                session.run(None, {self._name: batch})
            seconds[session] = min(seconds[session], time.perf_counter() - began)
        return seconds[self._session] / seconds[self._many]

    @property
    def from_rows(self) -> int | None:
        """From how many rows on the companion scores them; None where there is none."""
        return None if self._many is self._session else self._from_rows


class TreeOperator(_Onnx):
    """What this project writes for few rows, where it does not tabulate: onnxruntime's own tree operator."""

    def __init__(self, model: Model, folder: Path) -> None:
        """Export to a file in `folder`."""
        start = time.perf_counter()
        data = export(model.path, folder / "trees.onnx", name="model", strategy="float64 trees").data
        self.load(data, time.perf_counter() - start)


class ForManyRows(_Onnx):
    """The graph for many rows by one way, chosen or not."""

    def __init__(self, model: Model, folder: Path, way: str) -> None:
        """Write it; raise NotConvertedError where that way does not."""
        start = time.perf_counter()
        written = {each.name: graph for each, graph in write_each(Oracle(model.estimator), "model")}
        if way not in written:
            raise NotConvertedError("its trees are not made for it")
        self.load(written[way].SerializeToString(), time.perf_counter() - start)

    def score(self, rows: Rows) -> Any:
        """Return the outputs for float64 `rows`, batch by batch."""
        size = cost.BATCH_ROWS
        parts = [super(ForManyRows, self).score(rows[start : start + size]) for start in range(0, len(rows), size)]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _session(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class Compiled:
    """Trees that others compile; in the interpreter of an environment of its own, which also takes the time."""

    def __init__(self, model: Model, folder: Path, by: str, python: Path = COMPILERS) -> None:
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
            built = self._ask(do="build", by=by, model=str(model.path), timeout=COMPILE_SECONDS)
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
            raise NotConvertedError("the interpreter of the compilers has no pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "its interpreter ended"}
        if "error" in answer:
            raise NotConvertedError(answer["error"])
        return answer


TREE_OPERATOR, BIT_MASKS, VOTES = "tree operator", strategy.NAME, strategy.NAME_OF_VOTES

type Maker = Callable[[Model, Path], Contender]
CONTENDERS: dict[str, Maker] = {
    "scikit-learn": ScikitLearn,
    "skl2onnx": Skl2onnx,
    "tl2cgen": partial(Compiled, by="tl2cgen"),
    "lleaves": partial(Compiled, by="lleaves"),
    "YDF": partial(Compiled, by="YDF"),
    TREE_OPERATOR: TreeOperator,
    BIT_MASKS: partial(ForManyRows, way=BIT_MASKS),
    VOTES: partial(ForManyRows, way=VOTES),
    "Plume": Plume,
}
