"""Tables with a column of every type, what encodes it, and what the service answers to a client that sends them."""

import datetime
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeClassifier

from convert.export import export
from lambda_fn.codecs import csv_rows, json_document, npy_rows
from lambda_fn.model.card import Card
from lambda_fn.model.model import Model
from lambda_fn.model.rows import Rows
from tests.conftest import TESTS

GENERATOR = np.random.default_rng(1)
N = 120
DECIMALS = [0.1, 0.2, 0.3, 0.7]
SCHEMA = json.loads((TESTS.parent / "docs" / "card.schema.json").read_text())

type Decode = Callable[[Card], Rows]


def column(values: list[Any], dtype: Any) -> Any:
    return pandas.Series([values[place] for place in GENERATOR.integers(0, len(values), N)], dtype=dtype)


COLUMNS = {
    "float64": column(DECIMALS, "float64"),
    "float32": column(DECIMALS, "float32"),
    "float32 with NaN": column([*DECIMALS, None], "float32"),
    "float16": column(DECIMALS, "float16"),
    "Float32": column([*DECIMALS, None], "Float32"),
    "float32 of Arrow": column([*DECIMALS, None], "float[pyarrow]"),
    "category of float32": column(DECIMALS, "float32").astype("category"),
    "objects of float32": column([np.float32(number) for number in DECIMALS], object),
    "long double": column(DECIMALS, np.longdouble),
    "int8": column([1, 2, -3], "int8"),
    "uint8": column([1, 2, 250], "uint8"),
    "Int64": column([1, 2, None], "Int64"),
    "beyond float64": column([2**53 + 1, 5], "int64"),
    "integers with None": column([1, 2, None], object),
    "bool": column([True, False], "bool"),
    "boolean": column([True, False], "boolean"),
    "boolean with NA": column([True, False, None], "boolean"),
    "booleans with None": column([True, False, None], object),
    "booleans with NaN": column([True, False, np.nan], object),
    "booleans and numbers": column([True, 2, 3], object),
    "str": column(["a", "b", None], "str"),
    "string": column(["a", "b", "c"], "string"),
    "category": column(["a", "b", None], "category"),
    "category of booleans": column([True, False], "category"),
    "text with None": column(["a", "b", None], object),
    "text with NaN": column(["a", "b", np.nan], object),
    "text with None and NaN": column(["a", None, np.nan], object),
    "numbers as text": column(["1", "1.0", "007"], "str"),
    "words that mean something": column(["nan", "NA", "null", "true", "None"], "str"),
    "spaces": column(["", " ", " x ", "x"], object),
    "empty and None": column(["", "a", None], object),
    "decimals": column([Decimal("0.5"), Decimal(1)], object),
    "bytes": column([b"a", b"b"], object),
    "dates": column([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)], object),
    "datetime64": pandas.Series(pandas.to_datetime(["2020-01-01", "2021-02-03"] * (N // 2))),
    "timedelta64": pandas.Series(pandas.to_timedelta([1, 2] * (N // 2), unit="D")),
    "intervals": pandas.Series(pandas.cut(np.arange(float(N)), 3)),
    "complex": column([1j, 2.0], complex),
}
ENCODERS: dict[str, Callable[[], Any]] = {
    "one-hot": OneHotEncoder,
    "one-hot, unknown ignored": lambda: OneHotEncoder(handle_unknown="ignore"),
    "ordinal": lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    "target": lambda: TargetEncoder(cv=2),
    "imputed": lambda: make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")),
    "None imputed": lambda: make_pipeline(
        SimpleImputer(missing_values=None, strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    ),
    "NA imputed": lambda: make_pipeline(
        SimpleImputer(missing_values=pandas.NA, strategy="constant", fill_value="b"), OneHotEncoder()
    ),
    "marked": lambda: make_pipeline(SimpleImputer(missing_values=0.1, add_indicator=True), StandardScaler()),
    "scaled": StandardScaler,
    "as it is": lambda: "passthrough",
}


def save(estimator: Any, folder: Path) -> Path:
    joblib.dump(estimator, folder / "model.joblib")
    return folder / "model.joblib"


def sample_of(table: pandas.DataFrame, folder: Path, ending: str) -> Path:
    path = folder / f"sample.{ending}"
    if ending == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    return path


def bodies(table: pandas.DataFrame) -> Iterator[tuple[str, Decode]]:
    """Yield what a client sends of the table, decoded by the service's own codecs."""
    yield "CSV", lambda card: csv_rows.decode(table.to_csv(index=False).encode(), card)
    if not any(str(dtype) in {"float128", "complex128"} for dtype in table.dtypes):  # of which pandas makes no JSON
        records = table.to_json(orient="records")
        yield "records", lambda card: json_document.decode_body(f'{{"data": {records}}}'.encode(), card)
    if all(isinstance(dtype, np.dtype) and dtype.kind in "iuf" and dtype.itemsize <= 8 for dtype in table.dtypes):
        file = io.BytesIO()
        np.save(file, table.to_numpy())
        yield "NPY", lambda card: npy_rows.decode(file.getvalue(), card)


def assert_served(estimator: Any, table: pandas.DataFrame, model: Model, apart: float = 1e-12) -> None:
    expected, probabilities = estimator.predict(table).tolist(), estimator.predict_proba(table)
    for dialect, decode in bodies(table):
        scores = model.score(decode(model.card))
        assert scores.prediction.tolist() == expected, dialect
        assert scores.probabilities is not None
        np.testing.assert_allclose(scores.probabilities, probabilities, rtol=0, atol=apart, err_msg=dialect)


def served(estimator: Any, folder: Path, sample: Path | None = None) -> Model:
    return Model(export(save(estimator, folder), folder / "model.onnx", name="model", sample=sample).data)


def fitted_on(values: pandas.Series, encoder: Any) -> tuple[Any, pandas.DataFrame] | None:
    """Return a tree behind the encoder, and its table; None if scikit-learn does not fit it."""
    table = pandas.DataFrame({"a": values})
    labels = (pandas.factorize(values)[0] % 2 == 0) ^ (GENERATOR.random(N) < 0.1)
    columns = make_column_transformer((encoder, ["a"]))
    try:
        return make_pipeline(columns, DecisionTreeClassifier(random_state=0)).fit(table, labels), table
    except (TypeError, ValueError):  # of which numpy's is one that says that types can't be joined
        return None
