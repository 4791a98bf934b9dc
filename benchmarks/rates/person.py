"""A process of what a person would write: read a table from S3, score it with scikit-learn, write the answers to S3."""

from __future__ import annotations

import io
import json
import sys
import time
import warnings
from typing import Any

import boto3
import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv


def with_pandas(body: bytes, estimator: Any) -> bytes:
    """Return the answers to a table in CSV."""
    rows = pd.read_csv(io.BytesIO(body)).to_numpy()
    labels, probabilities = scored(estimator, rows)
    table = pd.DataFrame(probabilities, columns=estimator.classes_)
    table.insert(0, "prediction", labels)
    return table.to_csv(index=False).encode()


def with_pyarrow(body: bytes, estimator: Any) -> bytes:
    """Return the same, read and written by pyarrow."""
    rows = np.column_stack(csv.read_csv(io.BytesIO(body)).columns)
    labels, probabilities = scored(estimator, rows)
    columns = dict(zip(map(str, estimator.classes_), probabilities.T, strict=True))
    sink = io.BytesIO()
    csv.write_csv(pa.table({"prediction": labels, **columns}), sink)
    return sink.getvalue()


def with_read_json(body: bytes, estimator: Any) -> bytes:
    """Return the answers to a table in JSON Lines, in as many digits as pandas writes."""
    rows = pd.read_json(io.BytesIO(body), lines=True).to_numpy()
    labels, probabilities = scored(estimator, rows)
    table = pd.DataFrame(probabilities, columns=estimator.classes_)
    table.insert(0, "prediction", labels)
    return table.to_json(orient="records", lines=True, double_precision=15).encode()


def with_numpy(body: bytes, estimator: Any) -> bytes:
    """Return the answers to an array in NPY: (n, 1 + classes), the label first."""
    answers, sink = np.column_stack(scored(estimator, np.load(io.BytesIO(body)))), io.BytesIO()
    np.save(sink, answers)
    return sink.getvalue()


def scored(estimator: Any, rows: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return labels (n,) and probabilities (n, classes) of rows; no more is asked of scikit-learn than it takes."""
    probabilities = estimator.predict_proba(rows)
    return estimator.classes_[probabilities.argmax(axis=1)], probabilities


def main(way: str, bucket: str, key: str, out: str, estimator_file: str, runs: int) -> dict[str, Any]:
    """Read, score and write `runs` times over; return the seconds of the best run."""
    warnings.simplefilter("ignore")
    client, estimator, taken = boto3.client("s3"), joblib.load(estimator_file), []
    for _ in range(runs):
        start = time.perf_counter()
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        client.put_object(Bucket=bucket, Key=out, Body=WAYS[way](body, estimator))
        taken.append(time.perf_counter() - start)
    return {"seconds": min(taken), "outputs": [out]}


WAYS = {"pandas": with_pandas, "pyarrow": with_pyarrow, "read_json": with_read_json, "numpy": with_numpy}

if __name__ == "__main__":
    print(json.dumps(main(*map(json.loads, sys.argv[1:]))))
