"""One process of the function: call it with large bodies, print what that took as JSON. Imports nothing that trains."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lambda_fn.codecs import npy_rows
from lambda_fn.model.engine import BATCH_ROWS
from lambda_fn.model.model import Model
from lambda_fn.storage.store import beside

BODY_BYTES = 4_500_000
"""What the base64 of Lambda's 6 MB leaves."""
EVENT = Path(__file__).parents[2] / "tests" / "events" / "predict-http-api.json"
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
PAIRS = [(JSON, JSON), (CSV, CSV), (CSV, JSON), (NPY, NPY), (NPY, JSON)]
"""What goes in, and what comes out."""


def random_rows(features: int) -> NDArray[np.float64]:
    """Return as many rows as an NPY body holds: (n, features), with all their digits."""
    return np.random.default_rng(0).uniform(0.1, 7.9, (BODY_BYTES // 8 // features - 10, features))


def body_of(rows: NDArray[np.float64], kind: str) -> bytes:
    """Return rows in a dialect."""
    if kind == JSON:
        return json.dumps({"data": rows.tolist()}).encode()
    if kind == CSV:
        return "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()).encode()
    file = io.BytesIO()
    np.save(file, rows)
    return file.getvalue()


def event_of(rows: NDArray[np.float64], kind: str, accept: str, **query: str) -> tuple[Any, int, int]:
    """Return an event whose body is at most `BODY_BYTES`, how many of the rows it has, and the size of its body."""
    count = len(rows)
    while len(body := body_of(rows[:count], kind)) > BODY_BYTES:
        count = count * BODY_BYTES // len(body) - 1
    event = json.loads(EVENT.read_text()) | {"queryStringParameters": query, "isBase64Encoded": kind == NPY}
    event["headers"] |= {"content-type": kind, "accept": accept}
    event["body"] = base64.b64encode(body).decode() if kind == NPY else body.decode()
    return event, count, len(body)


def labels_of(answer: Any) -> list[Any]:
    """Return the predictions in an answer, whatever its dialect."""
    if answer["statusCode"] != 200:
        raise RuntimeError(f"answered {answer['statusCode']}: {answer['body'][:500]}")
    body, kind = answer["body"], answer["headers"]["content-type"].partition(";")[0]
    if kind == JSON:
        return list(json.loads(body)["prediction"])
    if kind == CSV:
        return [int(row[0]) for row in list(csv.reader(io.StringIO(body)))[1:]]
    return list(np.load(io.BytesIO(base64.b64decode(body))).tolist())


def speed(predict: Any, features: int, repetitions: int) -> dict[str, Any]:
    """Return the best rows a second for each of `PAIRS` and of the engine, whether answers agree, and their digest."""
    rows = random_rows(features)
    events = [event_of(rows, *pair) for pair in PAIRS]
    answers = [labels_of(predict(event, None)) for event, _, _ in events]
    seconds: list[list[float]] = [[] for _ in PAIRS]
    for _ in range(repetitions):
        for (event, _, _), taken in zip(events, seconds, strict=True):
            start = time.perf_counter()
            predict(event, None)
            taken.append(time.perf_counter() - start)
    event, _, _ = event_of(rows[:50_000], NPY, NPY, probabilities="true")
    return {
        "engine": engine(rows, repetitions),
        "body": body(rows, repetitions),
        "rates": [count / min(taken) for (_, count, _), taken in zip(events, seconds, strict=True)],
        "agree": all(len(answer) == count for answer, (_, count, _) in zip(answers, events, strict=True))
        and all(answer == max(answers, key=len)[: len(answer)] for answer in answers),
        "digest": hashlib.sha256(predict(event, None)["body"].encode()).hexdigest(),
    }


def engine(rows: NDArray[np.float64], repetitions: int) -> float:
    """Return the best rows a second of `session.run` alone, with one thread, in the service's graph and batches."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path, size = url2pathname(urlsplit(os.environ["MODEL_URI"]).path), BATCH_ROWS
    many = scored_model().card.many_rows
    if many is not None:
        path, size = beside(path, many.sha256), many.batch_rows
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    label, name = session.get_outputs()[0].name, session.get_inputs()[0].name
    taken = []
    for _ in range(repetitions):
        start = time.perf_counter()
        for first in range(0, len(rows), size):
            session.run([label], {name: rows[first : first + size]})
        taken.append(time.perf_counter() - start)
    return len(rows) / min(taken)


def body(rows: NDArray[np.float64], repetitions: int) -> float:
    """Return the best rows a second from the bytes of an NPY body to those of its answer, with one thread."""
    model, sent, taken = scored_model(), body_of(rows, NPY), []
    for _ in range(repetitions):
        start = time.perf_counter()
        npy_rows.encode(model.score(npy_rows.decode(sent, model.card), 1, probabilities=False).prediction)
        taken.append(time.perf_counter() - start)
    return len(rows) / min(taken)


def scored_model() -> Model:
    """Return the model that the function has loaded."""
    from lambda_fn.handler import scoring

    front = scoring().catalog.front
    if front is None:
        raise AssertionError("MODEL_URI is set")
    return front.served.current(float).model


def memory(predict: Any, features: int, pair: int) -> dict[str, float]:
    """Return the peak of one call beyond what was there with its event, in bodies: of the process, and of Python."""
    event, _, size = event_of(random_rows(features), *PAIRS[pair])
    scored_model()._engine_for_many()  # the companion is loaded by the first such call, and stays
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
    before = _status("VmRSS")
    predict(event, None)
    resident = _status("VmHWM") - before
    tracemalloc.start()
    predict(event, None)
    return {"resident": resident / size, "traced": tracemalloc.get_traced_memory()[1] / size}


def _status(name: str) -> int:
    """Return a figure of this process in bytes."""
    fields = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    return int(fields[name].split()[0]) * 1024


if __name__ == "__main__":
    from lambda_fn.handler import predict

    WHAT = {"speed": speed, "memory": memory}
    print(json.dumps(WHAT[sys.argv[1]](predict, int(sys.argv[2]), int(sys.argv[3]))))
