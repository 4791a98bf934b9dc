"""A table as pandas writes it, scored by the service, against the estimator on the table itself, types and all.

For every type of column behind every encoder: the same answers, or a refusal. scikit-learn is the oracle.
"""

import datetime
import io
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import joblib
import jsonschema
import numpy as np
import pandas
import pyarrow
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.export import export
from convert.model_file.disk import read_card
from convert.proof import rows
from convert.proof.verify import verify
from lambda_fn.codecs import csv_rows, json_document, npy_rows
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.card import Card
from lambda_fn.model.model import Model
from lambda_fn.model.rows import Rows
from tests.conftest import TESTS

pytestmark = pytest.mark.filterwarnings("ignore")

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
TYPED = ["float32", "float16", "Float32", "objects of float32", "Int64", "bool", "boolean with NA", "text with None"]
"""Those whose type a Parquet file tells more of than CSV does."""
NOT_SERVED = {"empty and None", "booleans and numbers", "bytes", "dates", "complex"} | {
    *("datetime64", "timedelta64", "intervals")
}
UNTOLD = ("objects of float32", "marked")
"""scikit-learn makes float64 of the objects, which are not the marker then; nothing but `verify` with Parquet tells."""
AS_TEXT, AS_NUMBERS = ("numbers as text", "decimals"), ("scaled", "as it is", "marked")


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


def outcome_of(name: str, encoder: str, ending: str, folder: Path) -> str:
    """Return what becomes of the column behind the encoder."""
    fitted = fitted_on(COLUMNS[name], ENCODERS[encoder]())
    if fitted is None or (name, encoder) == UNTOLD:
        return "not fitted"
    estimator, table = fitted
    try:
        sample = sample_of(table, folder, ending)
    except (pyarrow.ArrowException, TypeError, NotImplementedError):
        return "no sample"
    try:
        model = served(estimator, folder, sample)
    except ConvertError as error:
        return f"refused: {error}"
    try:
        assert_served(estimator, table, model)
    except ServiceError as error:
        return f"asked for, then refused: {error.problem.code}"
    return "served"


@pytest.mark.parametrize(
    ("name", "ending"), [(name, "csv") for name in COLUMNS] + [(name, "parquet") for name in TYPED]
)
def test_every_type_behind_every_encoder_is_served_right_or_refused(name: str, ending: str, tmp_path: Path) -> None:
    outcomes = {encoder: outcome_of(name, encoder, ending, tmp_path) for encoder in ENCODERS}
    for encoder, outcome in outcomes.items():
        assert "\n" not in outcome
        assert len(outcome) < 400
        if outcome.startswith("asked for"):  # what is written as text, numbers are made of, and CSV does not show
            assert (name, ending, encoder) in {(each, "csv", how) for each in AS_TEXT for how in AS_NUMBERS}
        assert not (name in NOT_SERVED and outcome == "served"), encoder
    assert name in {*NOT_SERVED, *AS_TEXT} or "served" in outcomes.values()


VERIFIED = [
    ("float32", "one-hot, unknown ignored"),
    ("float16", "ordinal"),
    ("Float32", "imputed"),
    ("float32", "marked"),
    ("boolean with NA", "one-hot"),
    ("text with None", "one-hot, unknown ignored"),
    ("text with None", "None imputed"),
    ("category", "NA imputed"),
    ("spaces", "one-hot"),
]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(("name", "encoder"), VERIFIED)
def test_what_is_served_right_is_certified(
    name: str, encoder: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "RANDOM_ROWS", 2_000)
    fitted = fitted_on(COLUMNS[name], ENCODERS[encoder]())
    assert fitted is not None
    estimator, table = fitted
    sample = sample_of(table, tmp_path, ending)
    assert_served(estimator, table, served(estimator, tmp_path, sample))
    with (tmp_path / "output.txt").open("w") as file:
        same = verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(file=file, width=200))
    assert same, (tmp_path / "output.txt").read_text()


def test_the_card_tells_what_a_number_is_rounded_to(tmp_path: Path) -> None:
    estimator, _ = fitted_on(COLUMNS["float32"], OneHotEncoder()) or pytest.fail("it fits")
    model = served(estimator, tmp_path)
    card = read_card((tmp_path / "model.onnx").read_bytes())
    jsonschema.validate(card, SCHEMA)
    assert [feature.get("dtype") for feature in card["features"]] == ["float32"]
    assert card["features"][0]["accepts"]["values"] == [float(np.float32(number)) for number in DECIMALS]
    with pytest.raises(ServiceError, match=r"row 1, column 0 \('a'\) is 0.15, the model takes 0.1000000") as raised:
        model.score(np.array([[0.1], [0.15]]))
    assert raised.value.problem is Problem.UNKNOWN_CATEGORY


def test_what_float32_does_not_hold_is_told_of_as_it_was_sent(tmp_path: Path) -> None:
    estimator, _ = fitted_on(COLUMNS["float32"], ENCODERS["one-hot, unknown ignored"]()) or pytest.fail("it fits")
    model = served(estimator, tmp_path)
    for number, problem in ((1e39, Problem.BEYOND_FLOAT32), (-np.inf, Problem.INFINITY)):
        told = re.escape(f"is {number}, the model takes numbers from")
        with pytest.raises(ServiceError, match=told) as raised:
            model.score(np.array([[number]]))
        assert raised.value.problem is problem


def grid(dtype: Any) -> tuple[pandas.DataFrame, NDArray[np.bool_]]:
    """Return numbers of two decimals, so many that thresholds are numbers of the table."""
    numbers = pandas.DataFrame({"a": GENERATOR.integers(0, 600, 900) / 100, "b": GENERATOR.normal(size=900).round(2)})
    return numbers.astype(dtype), (numbers["a"].to_numpy() * 7 % 3 > 1.5) ^ (GENERATOR.random(900) < 0.05)


IN_FLOAT32 = [
    (HistGradientBoostingClassifier(max_iter=8), "csv"),
    (make_pipeline(MinMaxScaler(), RandomForestClassifier(5, max_depth=5, random_state=0)), "csv"),
    (make_pipeline(StandardScaler(), RandomForestClassifier(5, max_depth=5, random_state=0)), "parquet"),
    (make_pipeline(SimpleImputer(), StandardScaler(), HistGradientBoostingClassifier(max_iter=8)), "csv"),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("estimator", "ending"), IN_FLOAT32, ids=range(len(IN_FLOAT32)))
def test_trees_that_were_grown_on_float32_are_asked_in_float32(
    estimator: Any, ending: str, dtype: str, tmp_path: Path
) -> None:
    table, labels = grid(dtype)
    model = served(estimator.fit(table, labels), tmp_path, sample_of(table, tmp_path, ending))
    assert {feature.dtype for feature in model.card.features} == {dtype}
    assert_served(estimator, table, model)


def test_what_is_computed_in_float32_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "RANDOM_ROWS", 2_000)
    table, labels = grid("float32")
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, labels)
    sample = sample_of(table, tmp_path, "parquet")
    assert_served(estimator, table, served(estimator, tmp_path, sample), apart=1e-6)
    with (tmp_path / "output.txt").open("w") as file:
        assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(file=file, width=200))
    assert "the sample's columns make the estimator compute in float32" in (tmp_path / "output.txt").read_text()


def test_a_sample_of_other_types_is_told_of(tmp_path: Path) -> None:
    estimator, table = fitted_on(COLUMNS["float64"], ENCODERS["one-hot, unknown ignored"]()) or pytest.fail("it fits")
    sample = sample_of(table.astype("float32"), tmp_path, "parquet")
    served(estimator, tmp_path, sample)
    with pytest.raises(ConvertError, match=r"row \d+ of the sample as its file has it, float32, otherwise"):
        verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(quiet=True))


DROPPED = pandas.DataFrame(
    {
        "id": np.arange(N),
        "when": pandas.date_range("2020-01-01", periods=N),
        "note": [f"text {number}, more" for number in range(N)],
        "tags": [[1, 2]] * N,
        "city": column(["Oslo", "Paris"], "str"),
        "age": GENERATOR.integers(18, 80, N),
    }
)


@pytest.mark.parametrize("ending", ["csv", "parquet", "csv without them"])
def test_what_is_dropped_need_not_be_sent(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "RANDOM_ROWS", 2_000)
    columns = make_column_transformer((OneHotEncoder(), ["city"]), ("drop", ["id"]), (StandardScaler(), ["age"]))
    estimator = make_pipeline(columns, DecisionTreeClassifier()).fit(DROPPED, DROPPED["age"] > 40)
    kept = DROPPED[["age", "city"]]
    sample = sample_of(kept if ending.endswith("them") else DROPPED, tmp_path, ending.split()[0])
    model = served(estimator, tmp_path, sample)
    assert [feature.name for feature in model.card.features if feature.dropped] == ["id", "when", "note", "tags"]
    assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", sample, Console(quiet=True))
    card = read_card((tmp_path / "model.onnx").read_bytes())
    jsonschema.validate(card, SCHEMA)
    assert card["features"][2] == {
        "name": "note",
        "type": "float",
        "dropped": True,
        "accepts": {"nan": True, "low": None, "high": None},
    }
    expected = estimator.predict(DROPPED).tolist()
    for table in (kept, DROPPED):
        for dialect, decode in bodies(table):
            assert model.score(decode(model.card)).prediction.tolist() == expected, dialect


def test_a_column_that_something_looks_at_is_not_dropped(tmp_path: Path) -> None:
    table = DROPPED[["city", "age", "id"]]
    columns = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    model = served(make_pipeline(columns, DecisionTreeClassifier()).fit(table, table["age"] > 40), tmp_path)
    assert not any(feature.dropped for feature in model.card.features)
