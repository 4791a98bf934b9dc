"""Local files on their way to S3: what is uploaded, what Parquet becomes, what is refused."""

from __future__ import annotations

import datetime
import decimal
import io
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from rich.console import Console
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from convert.bulk.uploads import uploaded
from convert.errors import ConvertError
from convert.export import export
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.lambda_fn.bulk.grounds import Bulk

MOMENT = datetime.datetime(2026, 1, 1, 1, 2, 3, 4)


def test_parquet_is_uploaded_as_the_float64_that_it_holds_and_once(bucket: str, aws: Emulator, tmp_path: Path) -> None:
    values = np.array([0.1, 1 / 3, 16777217.0, np.float32(1e-30)], np.float32)
    table = pa.table({"a": values, "city": ["Oslo", "a,b", 'say "x"', None]})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    console = Console(file=io.StringIO(), width=200)
    uri = uploaded(str(tmp_path / "t.parquet"), f"s3://{bucket}/bulk/uploads/", console)
    key = uri.removeprefix(f"s3://{bucket}/")
    data = Deployment(aws).client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    header, *lines = data.splitlines()
    assert (header, uri.endswith("/t.parquet.csv")) == ('"a","city"', True)
    assert [float(line.partition(",")[0]) for line in lines] == values.astype(np.float64).tolist()
    assert uploaded(str(tmp_path / "t.parquet"), f"s3://{bucket}/bulk/uploads/", console) == uri
    assert f"{uri} is there already" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_folder_is_uploaded_under_a_prefix_of_its_own_without_what_is_hidden(bulk: Bulk, tmp_path: Path) -> None:
    for name in ("a.csv", "b.jsonl", "day=1/_a.b/c.npy", "day=1/c.npy", ".ipynb_checkpoints/a.csv", "_tmp/notes", "_x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    parquet.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    prefix = uploaded(str(tmp_path), f"s3://{bulk.bucket}/uploads/", Console(quiet=True))
    assert prefix.endswith("/")
    assert [f"s3://{bulk.bucket}/{each}" for each in bulk.keys("uploads/")] == [
        f"{prefix}{name}" for name in ("a.csv", "a.parquet.csv", "b.jsonl", "day=1/c.npy")
    ]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("a.csv", "b/c.csv", "b/d.txt"), "b/d.txt ends with none of"),
        (("a.parquet.csv", "a.parquet"), "holds two files that would be a.parquet.csv"),
        (("_a.csv", ".b/c.csv"), "holds no file whose path"),
    ],
)
def test_a_folder_is_checked_before_any_file_is_uploaded(
    bulk: Bulk, tmp_path: Path, names: tuple[str, ...], told: str
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("6.2,3.4\n")
    with pytest.raises(ConvertError, match=told):
        uploaded(str(tmp_path), f"s3://{bulk.bucket}/uploads/", Console(quiet=True))
    assert bulk.keys("uploads/") == []


@pytest.mark.parametrize("terminal", [True, False])
def test_an_upload_has_a_bar_on_a_terminal_alone(bulk: Bulk, tmp_path: Path, terminal: bool) -> None:
    (tmp_path / "t.csv").write_bytes(b"6.2,3.4\n" * 10_000)
    console = Console(file=io.StringIO(), width=200, force_terminal=terminal, highlight=False)
    uri = uploaded(str(tmp_path / "t.csv"), f"s3://{bulk.bucket}/uploads/", console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert ("100%" in text, f"uploading {tmp_path / 't.csv'} to {uri}\n" in text) == (terminal, True)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("s3://b/t.parquet", "workers read no Parquet"),
        ("/nowhere.csv", "neither s3://…, nor a file or a folder here"),
        (sys.executable, "ends with none of .csv"),
    ],
)
def test_an_input_that_workers_do_not_read_is_refused(source: str, told: str) -> None:
    with pytest.raises(ConvertError, match=told):
        uploaded(source, "s3://b/bulk/uploads/", Console(quiet=True))


def csv_of(bulk: Bulk, table: pa.Table, folder: Path) -> str:
    """Upload a table as Parquet; return the key of what it becomes."""
    parquet.write_table(table, folder / "t.parquet", row_group_size=2)
    uri = uploaded(str(folder / "t.parquet"), f"s3://{bulk.bucket}/in/", Console(quiet=True))
    return uri.removeprefix(f"s3://{bulk.bucket}/")


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        (pa.array(["x", None, "x"]).dictionary_encode(), ['"x"', "", '"x"']),
        (pa.array(np.array([0.1, 2], np.float32)).dictionary_encode(), ["0.10000000149011612", "2"]),
        (pa.array([0.1, float("nan"), None]), ["0.1", "nan", ""]),
        (pa.array([1e23, 5e-324, float("-inf")]), ["1e+23", "5e-324", "-inf"]),
        (pa.array([2**63 - 1, None, -(2**63)]), ["9223372036854775807", "", "-9223372036854775808"]),
        (pa.array([2**64 - 1, 0, None], pa.uint64()), ["18446744073709551615", "0", ""]),
        (pa.array([True, None, False]), ["true", "", "false"]),
        (pa.array([decimal.Decimal(text) for text in ("1.10", "-3", "0")]), ["1.10", "-3.00", "0.00"]),
        (pa.array([decimal.Decimal("1e-10")], pa.decimal128(20, 12)), ["1.00E-10"]),
        (pa.array([MOMENT]), ["2026-01-01 01:02:03.000004"]),
        (pa.array([MOMENT], pa.timestamp("us", "Europe/Oslo")), ["2026-01-01 02:02:03.000004+0100"]),
        (pa.array([MOMENT.date()]), ["2026-01-01"]),
        (pa.array(["", None, 'a "b",c'], pa.string_view()), ['""', "", '"a ""b"",c"']),
        (pa.array([b"a", None], pa.binary()), ['"a"', ""]),
        (pa.nulls(2), ["", ""]),
    ],
    ids=lambda each: str(each.type) if isinstance(each, pa.Array) else "",
)
def test_what_a_cell_of_parquet_is_in_csv(bulk: Bulk, tmp_path: Path, values: pa.Array, cells: list[str]) -> None:
    table = pa.table({"a": values, "b": range(len(values))})
    lines = bulk.get(csv_of(bulk, table, tmp_path)).decode().splitlines()
    assert lines == ['"a","b"', *(f"{cell},{place}" for place, cell in enumerate(cells))]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (pa.array([[1]]), "the column 'odd' is list"),
        (pa.array([{"x": 1}]), "the column 'odd' is struct"),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), "the column 'odd' is map"),
        (pa.array([b"\xff"]), "the column 'odd': Invalid UTF8"),
        (pa.array([b"\xff"], pa.binary(1)), "the column 'odd': Invalid UTF8"),
    ],
)
@pytest.mark.parametrize("beside", [{}, {"b": [1]}])
def test_a_column_that_no_cell_holds_is_refused_by_name(
    bulk: Bulk, tmp_path: Path, values: pa.Array, told: str, beside: dict[str, Any]
) -> None:
    with pytest.raises(ConvertError, match=told):
        csv_of(bulk, pa.table({"odd": values, **beside}), tmp_path)


def test_a_table_without_rows_has_its_header(bulk: Bulk, tmp_path: Path) -> None:
    key = csv_of(bulk, pa.table({"a": pa.array([], pa.float64()), "b": pa.array([], pa.string())}), tmp_path)
    assert bulk.get(key) == b'"a","b"\n'


def test_a_table_of_one_column_keeps_rows_without_a_value(bulk: Bulk, tmp_path: Path) -> None:
    values = np.array([[0.1], [np.nan], [0.7], [np.nan], [0.2]], np.float32)
    estimator = DecisionTreeClassifier(random_state=0).fit(values, [0, 1, 2, 1, 0])
    frame = pd.DataFrame(values, columns=["a"])
    publish(bulk, estimator, frame, tmp_path)
    key = csv_of(bulk, pa.table({"a": pa.array(values[:, 0], from_pandas=True)}), tmp_path)
    bulk.run(bulk.request(key))
    assert bulk.table()["prediction"].tolist() == estimator.predict(values).tolist()


def test_categories_booleans_and_numbers_are_scored_as_scikit_learn_scores_the_table(
    bulk: Bulk, tmp_path: Path
) -> None:
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(["Oslo", "Rome", "a,b", "Oslo", "Rome", "a,b"]),
            "member": [True, False, True, False, True, True],
            "age": [1, 2, 3, 4, 5, 6],
            "income": np.array([0.1, 0.2, np.nan, 0.4, 0.5, 1e30], np.float32),
        }
    )
    encoder = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    estimator = make_pipeline(encoder, DecisionTreeClassifier(random_state=0)).fit(frame, [0, 1, 2, 3, 4, 5])
    publish(bulk, estimator, frame, tmp_path)
    summary = bulk.run(bulk.request(csv_of(bulk, pa.Table.from_pandas(frame), tmp_path)))
    assert (bulk.failures, summary["rows"]["out"]) == ({}, 6)
    assert bulk.table()["prediction"].tolist() == estimator.predict(frame).tolist()


def publish(bulk: Bulk, estimator: Any, sample: pd.DataFrame, folder: Path) -> None:
    joblib.dump(estimator, folder / "m.joblib")
    sample.to_parquet(folder / "sample.parquet")
    export(folder / "m.joblib", folder / "m.onnx", name="m", sample=folder / "sample.parquet")
    bulk.publish(folder / "m.onnx")
