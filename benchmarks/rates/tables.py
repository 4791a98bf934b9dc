"""The models, and the tables that are scored."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from sklearn.ensemble import GradientBoostingClassifier

from convert.export import export
from convert.oracle.sample import Sample, beside, write_sample
from convert.train import train

NAMES = tuple(f"x{number}" for number in range(10))
PIECE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A model and a table for it: rows (n, features) under names.

    small: whether scoring costs next to nothing, and numbers have few digits; if not, they have all.
    """

    name: str
    small: bool
    estimator: Path
    names: tuple[str, ...]
    rows: NDArray[np.float64]

    @property
    def model(self) -> Path:
        """The model file."""
        return self.estimator.with_suffix(".onnx")

    def csv(self) -> bytes:
        """Return the table in CSV, under a header."""
        sink = io.BytesIO()
        csv.write_csv(pa.table(dict(zip(self.names, self.rows.T, strict=True))), sink)
        return sink.getvalue()

    def jsonl(self) -> bytes:
        """Return the table in JSON Lines, an object for each row."""
        return pd.DataFrame(self.rows, columns=self.names).to_json(orient="records", lines=True).encode()

    def body(self, kind: str) -> bytes:
        """Return the table in a format of `benchmarks.rates.page.WAYS`."""
        return {"CSV": self.csv, "JSONL": self.jsonl, "NPY": self.npy}[kind]()

    def npy(self) -> bytes:
        """Return the table in NPY."""
        sink = io.BytesIO()
        np.save(sink, self.rows)
        return sink.getvalue()


def cases(folder: Path, count: int) -> Iterator[Case]:
    """Train and export the models; yield each with a table of so many rows."""
    generator = np.random.default_rng(0)
    iris = train(folder / "iris.joblib")[0]
    export(iris, folder / "iris.onnx", name="iris")
    few = np.round(generator.uniform([4.0, 2.0], [8.0, 4.5], (count, 2)), 1)
    names = tuple(beside(iris).read_text().splitlines()[0].split(","))
    yield Case("the demo model, 2 features of few digits", True, iris, names, few)
    boosting, rows = folder / "boosting.joblib", generator.normal(size=(count, len(NAMES)))
    fitted = rows[:1000]
    labels = fitted[:, 0] + fitted[:, 1] * fitted[:, 2] + generator.normal(size=len(fitted)) > 0
    joblib.dump(GradientBoostingClassifier(random_state=0).fit(fitted, labels.astype(int)), boosting)
    write_sample(beside(boosting), Sample(NAMES, fitted))
    export(boosting, folder / "boosting.onnx", name="boosting")
    yield Case("GradientBoosting, 10 features of all digits", False, boosting, NAMES, rows)


def with_refused(table: bytes) -> bytes:
    r"""Return a table in CSV whose every tenth row, the first one among them, has a value that is refused.

    >>> with_refused(b"a,b\n1,2\n3,4\n")
    b'a,b\nx1,2\n3,4\n'
    """
    head, *rows = table.splitlines(keepends=True)
    rows[::10] = [b"x" + row for row in rows[::10]]
    return head + b"".join(rows)


def repeated(table: bytes, size: int) -> Iterator[bytes]:
    r"""Yield a table in CSV of about so many bytes: a header, and rows of another table again and again.

    >>> b"".join(repeated(b"a,b\n1,2\n3,4\n", 20))
    b'a,b\n1,2\n3,4\n1,2\n3,4\n'
    """
    head, _, rows = table.partition(b"\n")
    rows = rows[: rows.rfind(b"\n", 0, PIECE_BYTES) + 1]
    yield head + b"\n"
    yield from [rows] * max(1, (size - len(head) - 1) // len(rows))
