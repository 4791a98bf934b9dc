"""Keep a model file of each kind as today's version writes it, for tests/test_kept_files.py: `python -m tests.keep`.

Writes into tests/files/ what is not there yet, ``VERSION-NAME.onnx`` and what the service answered of it, and never
writes a file again: one that an old version wrote shows that the service still reads what that wrote.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import joblib
import numpy as np
import pandas
from rich.console import Console
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBRegressor

from convert.export import export
from convert.model_file.card import FORMAT_VERSION
from convert.proof.verify import verify

FILES = Path(__file__).parent / "files"
ROWS = 12


@dataclass(frozen=True, slots=True)
class Kind:
    """A model that is kept: an estimator, not fitted yet, the table to fit it on, its target, how it is written."""

    estimator: Any
    table: pandas.DataFrame
    target: Any
    strategy: str


def iris() -> tuple[pandas.DataFrame, Any]:
    """Return 75 flowers, each a row of two features, and their names."""
    flowers = load_iris(as_frame=True)
    return flowers.data.iloc[::2, :2], flowers.target_names[flowers.target[::2]]


def people() -> tuple[pandas.DataFrame, Any]:
    """Return a table of strings, booleans, numbers in two precisions, missing values, and a column to drop."""
    generator = np.random.default_rng(12)
    table = pandas.DataFrame(
        {
            "customer": [f"c{number}" for number in range(80)],
            "city": generator.choice(["Oslo", "Paris", "São Paulo"], 80),
            "age": generator.integers(18, 80, 80).astype("float32"),
            "income": np.where(generator.random(80) < 0.2, np.nan, generator.lognormal(10, 1, 80).round(2)),
            "active": generator.random(80) < 0.5,
        }
    )
    return table, (table["city"] == "Oslo") ^ (table["age"] > 40) ^ table["active"]


def diabetes() -> tuple[pandas.DataFrame, Any]:
    """Return 60 patients, each a row of three features, and a number for each."""
    patients = load_diabetes(as_frame=True, scaled=False)
    return patients.data[["age", "bmi", "bp"]].iloc[:60], patients.target[:60]


def kinds() -> Mapping[str, Kind]:
    """Return what is kept, by name."""
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        (SimpleImputer(), ["income"]),
        ("passthrough", ["age", "active"]),
    )
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    return {
        "tabulated": Kind(DecisionTreeClassifier(max_depth=3, random_state=0), *iris(), "tabulated"),
        "trees": Kind(RandomForestClassifier(4, max_depth=3, random_state=0), *iris(), "float64 trees"),
        "trees-mixed": Kind(
            make_pipeline(columns, RandomForestClassifier(4, max_depth=3, random_state=0)), *people(), "float64 trees"
        ),
        "trees-value": Kind(
            GradientBoostingRegressor(n_estimators=8, max_depth=2, random_state=0), *diabetes(), "float64 trees"
        ),
        "trees-many": Kind(GradientBoostingRegressor(n_estimators=60, random_state=0), *diabetes(), "float64 trees"),
        "operators": Kind(scaled, *iris(), "float64 operators"),
        "operators-value": Kind(make_pipeline(StandardScaler(), Ridge()), *diabetes(), "float64 operators"),
        "trees-single": Kind(XGBRegressor(n_estimators=6, max_depth=3, n_jobs=1), *diabetes(), "float32 trees"),
        "operators-single": Kind(
            GradientBoostingRegressor(n_estimators=4, init=Ridge(), random_state=0),
            *diabetes(),
            "float64 operators on float32",
        ),
        "skl2onnx": Kind(scaled, *iris(), "skl2onnx"),
    }


def main() -> int:
    """Write what is not there yet."""
    FILES.mkdir(exist_ok=True)
    for name, kind in kinds().items():
        file = FILES / f"{FORMAT_VERSION}-{name}.onnx"
        if not file.exists():
            keep(file, name, kind)
            print(f"wrote {file} ({file.stat().st_size:,} bytes)")
    return 0


def keep(file: Path, name: str, kind: Kind) -> None:
    """Fit the estimator, write and certify its model file, and beside it a request with its answer."""
    estimator = kind.estimator.fit(kind.table, kind.target)
    with tempfile.TemporaryDirectory() as folder:
        fitted, sample = Path(folder, "fitted.joblib"), Path(folder, "sample.parquet")
        joblib.dump(estimator, fitted)
        kind.table.to_parquet(sample)
        export(fitted, file, name=name, sample=sample, strategy=kind.strategy)
        if not verify(fitted, file, sample, Console(quiet=True)):
            raise ValueError(f"{name} is not the model that its estimator is")
    rows = json.loads(kind.table.iloc[:: -(-len(kind.table) // ROWS)].to_json(orient="records", double_precision=15))
    request = {"data": rows, "probabilities": hasattr(estimator, "predict_proba")}
    document = {"request": request, "answer": answer(file, request)}
    file.with_suffix(".json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def answer(file: Path, request: Mapping[str, Any]) -> Any:
    """Return what a new execution environment of the service answers with the model `file`."""
    with started(file) as handler:
        return handler.predict(dict(request), None)


@contextmanager
def started(file: Path, **environ: str) -> Iterator[Any]:
    """Give a new execution environment of the service with the model `file`, and other settings."""
    with patch.dict(os.environ, {"MODEL_URI": file.as_uri(), **environ}), patch.dict(sys.modules):
        sys.modules.pop("lambda_fn.handler", None)
        yield importlib.import_module("lambda_fn.handler")


if __name__ == "__main__":
    sys.exit(main())
