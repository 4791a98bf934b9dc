"""Estimators fitted on tables of strings, booleans and numbers: from the sample's file to the service's answer."""

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
import pytest
from rich.console import Console
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.export import export
from convert.model_file.disk import read_card
from convert.proof.verify import verify
from lambda_fn.codecs.json_document import decode
from lambda_fn.model.model import Model

GENERATOR = np.random.default_rng(8)
N = 400
TABLE = pandas.DataFrame(
    {
        "customer": [f"c{number}" for number in range(N)],
        "city": GENERATOR.choice(["Paris", "Oslo", "São Paulo", "NA"], N),
        "age": GENERATOR.integers(18, 80, N),
        "income": np.where(GENERATOR.random(N) < 0.1, np.nan, GENERATOR.lognormal(10, 1, N)),
        "plan": pandas.Series(GENERATOR.choice(["basic", "gold", ""], N), dtype=object).replace("", np.nan),
        "active": GENERATOR.random(N) < 0.5,
        "level": GENERATOR.integers(1, 5, N),
    }
)
LABELS = np.where((TABLE["city"] == "Oslo") ^ (TABLE["age"] > 40) ^ TABLE["active"], "churn", "stay")

SCALED = make_pipeline(SimpleImputer(), StandardScaler())
COLUMNS = [
    make_column_transformer(
        (OneHotEncoder(), ["city", "level"]),
        (SCALED, ["age", "income"]),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OrdinalEncoder()), ["plan"]),
        ("passthrough", ["active"]),
    ),
    make_column_transformer(
        (OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=90), ["city", "plan"]),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["plan", "active"]),
        (SCALED, ["income", "age"]),
    ),
    make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), OneHotEncoder()), ["plan", "city"]),
        (TargetEncoder(random_state=0), ["city"]),
        ("passthrough", ["age", "income"]),
    ),
]
ESTIMATORS = [
    make_pipeline(COLUMNS[0], GradientBoostingClassifier(n_estimators=30, random_state=0)),
    make_pipeline(COLUMNS[1], RandomForestClassifier(10, random_state=0)),
    make_pipeline(COLUMNS[2], RandomForestClassifier(10, max_depth=3, random_state=0)),
]


def save(estimator: Any, folder: Path) -> Path:
    joblib.dump(estimator, folder / "churn.joblib")
    TABLE.assign(label=LABELS).to_csv(folder / "churn.csv", index=False)
    return folder / "churn.joblib"


def rows_of(table: pandas.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return rows


def check_scored(estimator: Any, model: Path, strategy: str | None = None) -> str:
    """Check that the service scores the table as the estimator does, and `verify` all else; return the strategy."""
    out = model.with_suffix(".onnx")
    exported = export(model, out, name="churn", strategy=strategy)
    with model.with_name("output.txt").open("w") as file:
        assert verify(model, out, None, Console(file=file, width=200)), file.name
    served = Model(exported.data)
    scores = served.score(decode({"data": rows_of(TABLE)}, served.card))
    assert scores.prediction.tolist() == estimator.predict(TABLE).tolist()
    assert scores.probabilities is not None
    np.testing.assert_allclose(scores.probabilities, estimator.predict_proba(TABLE), rtol=0, atol=1e-15)
    return exported.strategy


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=range(len(ESTIMATORS)))
def test_a_table_is_scored_as_scikit_learn_scores_it(estimator: Any, tmp_path: Path) -> None:
    model = save(estimator.fit(TABLE, LABELS), tmp_path)
    if check_scored(estimator, model) != "float64 trees":  # or else it is the same file
        assert check_scored(estimator, model, "float64 trees") == "float64 trees"


def test_the_card_names_types_and_categories(tmp_path: Path) -> None:
    model = save(ESTIMATORS[0].fit(TABLE, LABELS), tmp_path)
    export(model, tmp_path / "churn.onnx", name="churn")
    features = {feature["name"]: feature for feature in read_card((tmp_path / "churn.onnx").read_bytes())["features"]}
    assert list(features) == list(TABLE.columns)
    assert {name: feature["type"] for name, feature in features.items()} == {
        **dict.fromkeys(("city", "plan"), "str"),
        **dict.fromkeys(("customer", "age", "income", "level"), "float"),
        "active": "bool",
    }
    assert features["city"]["categories"] == ["NA", "Oslo", "Paris", "São Paulo"]
    assert features["city"]["accepts"] == {"nan": False, "low": 0.0, "high": 3.0}
    assert features["plan"]["accepts"] == {"nan": True, "low": 0.0, "high": 1.0}
    assert features["level"]["accepts"] == {"nan": False, "low": 1.0, "high": 4.0, "values": [1.0, 2.0, 3.0, 4.0]}
    assert features["customer"] == {
        "name": "customer",
        "type": "float",
        "dropped": True,
        "accepts": {"nan": True, "low": None, "high": None},
    }


@pytest.mark.parametrize("format_name", ["csv", "parquet"])
def test_samples_are_read_in_any_format(format_name: str, tmp_path: Path) -> None:
    model = save(ESTIMATORS[0].fit(TABLE, LABELS), tmp_path)
    sample = tmp_path / f"rows.{format_name}"
    if format_name == "csv":
        TABLE[TABLE.columns[::-1]].to_csv(sample, index=False)
    else:
        TABLE[TABLE.columns[::-1]].astype({"city": "category"}).to_parquet(sample)
    export(model, tmp_path / "churn.onnx", name="churn", sample=sample)
    assert verify(model, tmp_path / "churn.onnx", sample, Console(quiet=True))
    assert read_card((tmp_path / "churn.onnx").read_bytes())["certificate"]["rows"]["training rows"] == N


def test_a_sample_of_numbers_alone_has_no_names(tmp_path: Path) -> None:
    rows = GENERATOR.normal(size=(60, 3))
    joblib.dump(HistGradientBoostingRegressor(max_iter=5).fit(rows, rows[:, 0]), tmp_path / "model.joblib")
    np.save(tmp_path / "rows.npy", rows)
    export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model", sample=tmp_path / "rows.npy")
    assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", tmp_path / "rows.npy", Console(quiet=True))
    card = read_card((tmp_path / "model.onnx").read_bytes())
    assert [feature["name"] for feature in card["features"]] == ["x0", "x1", "x2"]
    assert card["certificate"]["rows"]["training rows"] == 60


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.xlsx", b"", "is none of .csv, .parquet, .npy"),
        ("rows.npy", b"\x93NUMPY", "is not an NPY file of numbers"),
        ("rows.npy", b"\x93NUMPY\x01\x00\x12\x00{'descr': (((('<f8'", "is not an NPY file of numbers"),
        ("rows.parquet", b"PAR", "is not a Parquet file"),
        ("rows.csv", "city,age\n".encode("utf-16"), "is not a CSV file in UTF-8"),
        ("rows.csv", b"city,city,age,income,plan,active,level\na,a,3,1,b,true,1\n", "each of them once"),
        ("rows.csv", b"city,age\n" + b"x" * 200_000 + b",1\n", "field larger than field limit"),
        ("rows.csv", b"city,age\nOslo,3\n", "the sample has city, age, the model takes city, age, income"),
        ("rows.csv", b"customer,city,age,income,plan,active,level\nc,Oslo,x,1,basic,true,1\n", "expected a number for"),
        (
            "rows.csv",
            b"customer,city,age,income,plan,active,level\nc,Oslo,3,1,basic,true,?\n",
            "expected a number for 'level'",
        ),
    ],
)
def test_a_sample_that_is_none_is_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    model = save(ESTIMATORS[0].fit(TABLE, LABELS), tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConvertError, match=message):
        export(model, tmp_path / "churn.onnx", name="churn", sample=tmp_path / name)


FILLED = SimpleImputer(missing_values=None, strategy="constant", fill_value="a")
MARKED = SimpleImputer(missing_values="?", strategy="most_frequent")
NONE = [
    (["a", "b", "?"], make_pipeline(MARKED, OneHotEncoder())),
    ([1, 2, -1], make_pipeline(SimpleImputer(missing_values=-1, strategy="most_frequent"), OneHotEncoder())),
    (["a", "b", "a"], make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), OrdinalEncoder())),
    (["a", "b", None], OneHotEncoder()),
    (["a", "b", None], make_pipeline(FILLED, OneHotEncoder())),
    ([True, False, None], OneHotEncoder(handle_unknown="ignore")),
    ([True, False, None], OrdinalEncoder(encoded_missing_value=-1)),
    ([1, 2, None], OneHotEncoder()),
    ([1, 2, None], TargetEncoder(cv=2)),
]


@pytest.mark.parametrize(("values", "encoder"), NONE, ids=range(len(NONE)))
def test_what_stands_for_a_missing_value_is_what_the_estimator_knows(
    values: list[Any], encoder: Any, tmp_path: Path
) -> None:
    table = pandas.DataFrame({"a": pandas.Series(values * 10, dtype=object)})
    estimator = make_pipeline(encoder, DecisionTreeClassifier()).fit(table, [0, 1, 2] * 10)
    joblib.dump(estimator, tmp_path / "model.joblib")
    data = export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model").data
    model = Model(data)
    rows = [[value] for value in values]
    assert verify(tmp_path / "model.joblib", tmp_path / "model.onnx", None, Console(quiet=True))
    assert model.score(decode({"data": rows}, model.card)).prediction.tolist() == estimator.predict(table[:3]).tolist()


FILLS_NAN = SimpleImputer(strategy="most_frequent")


@pytest.mark.parametrize(
    ("values", "encoder"),
    [
        (["a", None, np.nan], OneHotEncoder()),
        (["a", None, np.nan], make_pipeline(FILLS_NAN, OneHotEncoder())),
        (["a", "b", None], make_pipeline(FILLS_NAN, OneHotEncoder())),
        ([1, 2, None], make_pipeline(FILLS_NAN, OrdinalEncoder())),
        ([None, None, "a"], make_pipeline(FILLS_NAN, OneHotEncoder())),
    ],
    ids=range(5),
)
def test_none_and_nan_apart_are_refused(values: list[Any], encoder: Any, tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": pandas.Series(values * 10, dtype=object)})
    estimator = make_pipeline(encoder, DecisionTreeClassifier()).fit(table, [0, 1, 2] * 10)
    joblib.dump(estimator, tmp_path / "model.joblib")
    with pytest.raises(ConvertError, match="tell None from NaN, JSON has null for both"):
        export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model")


def test_objects_that_are_numbers_and_none_are_refused_behind_an_imputer(tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": pandas.Series([1, 1, None, 2, 1, None] * 5, dtype=object)})
    estimator = make_pipeline(FILLS_NAN, DecisionTreeClassifier()).fit(table, [0, 1, 2] * 10)
    joblib.dump(estimator, tmp_path / "model.joblib")
    with pytest.raises(ConvertError, match="was fitted on 'a' as objects, in which it fills NaN and leaves None"):
        export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model")


@pytest.mark.parametrize("kind", ["float64", "int64"])
def test_large_whole_numbers_are_taken_for_no_float32(kind: Any, tmp_path: Path) -> None:
    table = pandas.DataFrame({"a": np.array([2**34, 2**40, 5] * 10).astype(kind)})
    estimator = make_pipeline(OneHotEncoder(), DecisionTreeClassifier()).fit(table, [0, 1, 2] * 10)
    joblib.dump(estimator, tmp_path / "model.joblib")
    assert (
        Model(export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="m").data).card.features[0].dtype
        == "float64"
    )


def test_messages_stay_short_whatever_the_model(tmp_path: Path) -> None:
    rows = GENERATOR.normal(size=(60, 50))
    joblib.dump(GradientBoostingClassifier(n_estimators=2).fit(rows, rows[:, 0] > 0), tmp_path / "model.joblib")
    names = [f"a feature with quite a long name, number {number}" for number in range(51)]
    for columns in (names, names[:49], ["1.5"] * 50, ["same"] * 50):
        pandas.DataFrame(np.zeros((3, len(columns))), columns=columns).to_csv(tmp_path / "rows.csv", index=False)
        with pytest.raises(ConvertError) as raised:
            export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="m", sample=tmp_path / "rows.csv")
        assert len(str(raised.value)) < 800
        assert "\n" not in str(raised.value)


def test_what_is_no_number_in_a_file_is_refused(tmp_path: Path) -> None:
    rows = GENERATOR.normal(size=(60, 2))
    joblib.dump(GradientBoostingClassifier(n_estimators=2).fit(rows, rows[:, 0] > 0), tmp_path / "model.joblib")
    np.save(tmp_path / "rows.npy", rows.astype(complex))
    with pytest.raises(ConvertError, match="holds complex128, expected numbers, booleans or strings"):
        export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="m", sample=tmp_path / "rows.npy")
    pandas.DataFrame({"a": [[1.0], [2.0]], "b": [1.0, 2.0]}).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(ConvertError, match=r"row 0: expected a number for 'a', got '\[1.0\]'"):
        export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="m", sample=tmp_path / "rows.parquet")


def test_a_label_that_is_half_a_character_is_refused(tmp_path: Path) -> None:
    rows = GENERATOR.normal(size=(60, 2))
    labels = np.array(["a\nb", "\ud800"], dtype=object)[(rows[:, 0] > 0).astype(int)]
    joblib.dump(DecisionTreeClassifier().fit(rows, labels), tmp_path / "model.joblib")
    with pytest.raises(ConvertError, match="class labels are booleans, numbers or strings"):
        export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="m")
