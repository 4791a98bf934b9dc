"""JSON Lines and NPY, and what is written: CSV, JSON Lines, NPY, packed or not."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from lambda_fn.bulk.failures import RefusedError
from tests.conftest import FEATURES
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk, iris_rows
from tests.lambda_fn.bulk.test_csv import PLAIN
from tests.lambda_fn.mixed import mixed

ROWS = iris_rows(60, seed=1)


def npy(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def json_lines(rows: Any) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


NAMED = [{"id": f"Ö{number}", **dict(zip(FEATURES, row, strict=True))} for number, row in enumerate(ROWS.tolist())]
TABLES = {
    "a.jsonl": json_lines(ROWS.tolist()).encode(),
    "b.ndjson": json_lines(NAMED).encode(),
    "c.jsonl": ("\ufeff" + json_lines(NAMED)).replace("\n", "\r\n\r\n").rstrip().encode(),
    "d.jsonl.gz": gzip.compress(json_lines(ROWS.tolist()).encode()),
    "e.npy": npy(ROWS),
    "f.npy": npy(np.asfortranarray(ROWS)),
    "g.npy": npy(ROWS.astype(">f8")),
    "h.npy": npy(np.array([tuple(row) for row in ROWS.tolist()], [(name, "<f8") for name in FEATURES[::1]])),
    "i.npy.gz": gzip.compress(npy(ROWS)),
    "j.npy": npy(np.asfortranarray(ROWS.astype(">f8"))),
}


@pytest.mark.parametrize("chunk_mb", [0, SMALL_MB])
@pytest.mark.parametrize("name", TABLES)
def test_each_format_is_scored_row_for_row(name: str, chunk_mb: float, bulk: Bulk, estimator: Any) -> None:
    bulk.put(f"in/{name}", TABLES[name])
    summary = bulk.run(bulk.request("in/", chunk_mb=chunk_mb, output_format="csv"))
    table = bulk.table()
    assert (bulk.failures, summary["rows"]) == ({}, {"in": 60, "out": 60, "refused": 0})
    assert table["prediction"].tolist() == estimator.predict(ROWS).tolist()
    assert np.abs(table[["0", "1", "2"]].to_numpy() - estimator.predict_proba(ROWS)).max() < 1e-15
    if chunk_mb and not name.endswith(".gz"):
        assert summary["chunks"]["planned"] > 3


def test_a_prefix_of_many_objects_of_three_formats_is_scored_in_the_order_of_keys(bulk: Bulk, estimator: Any) -> None:
    parts = np.array_split(iris_rows(600, seed=2), 30)
    for number, part in enumerate(parts):
        csv = pd.DataFrame(part, columns=list(FEATURES)).to_csv(index=False).encode()
        ending, body = [("csv", csv), ("jsonl", json_lines(part.tolist()).encode()), ("npy", npy(part))][number % 3]
        bulk.put(f"in/day={number:02d}/table.{ending}", body)
    bulk.put("in/_SUCCESS", b"")
    bulk.put("in/day=00/.hidden.csv", b"x")
    bulk.put("in/day=01/", b"")
    summary = bulk.run(bulk.request("in/", "in/scored/", output_format="csv"))
    assert (summary["chunks"]["planned"], summary["rows"]["out"]) == (30, 600)
    assert bulk.table("in/scored/")["prediction"].tolist() == estimator.predict(np.concatenate(parts)).tolist()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "npy"])
def test_each_output_holds_labels_and_probabilities(kind: str, packed: bool, bulk: Bulk, estimator: Any) -> None:
    bulk.put("in/a.csv", PLAIN.encode())
    bulk.run(bulk.request("in/a.csv", output_format=kind, gzip=packed))
    [key], [part] = bulk.keys("out/part-"), bulk.parts()
    rows = np.array([[float(cell) for cell in line.split(",")] for line in PLAIN.splitlines()[1:]])
    labels, probabilities = estimator.predict(rows).tolist(), estimator.predict_proba(rows)
    assert key.endswith(f".{kind}.gz" if packed else f".{kind}")
    if kind == "csv":
        table = pd.read_csv(io.BytesIO(part))
        found, numbers = table["prediction"].tolist(), table[["0", "1", "2"]].to_numpy()
    elif kind == "jsonl":
        lines = [json.loads(line) for line in part.splitlines()]
        found = [line["prediction"] for line in lines]
        numbers = np.array([[line["probabilities"][name] for name in "012"] for line in lines])
    else:
        array = np.load(io.BytesIO(part))
        found, numbers = array["prediction"].tolist(), array["probabilities"]
    assert found == labels
    assert np.abs(numbers - probabilities).max() < 1e-15


def test_members_are_keys_whatever_is_written(bulk: Bulk, estimator: Any) -> None:
    bulk.put("in/a.jsonl", json_lines([{**NAMED[0], "more": {"x": [1, None]}}, {**NAMED[1], "more": None}]).encode())
    columns, labels = ["more", "id", "prediction"], estimator.predict(ROWS[:2]).tolist()
    bulk.run(bulk.request("in/a.jsonl", "csv/", columns=columns, output_format="csv"))
    assert bulk.parts("csv/")[0].decode().splitlines() == [
        "more,id,prediction",
        f'"{{""x"": [1, null]}}",Ö0,{labels[0]}',
        f",Ö1,{labels[1]}",
    ]
    bulk.run(bulk.request("in/a.jsonl", "jsonl/", columns=columns))
    first, second = map(json.loads, bulk.parts("jsonl/")[0].splitlines())
    assert list(first) == columns
    assert first == {"more": {"x": [1, None]}, "id": "Ö0", "prediction": labels[0]}
    assert second == {"more": None, "id": "Ö1", "prediction": labels[1]}


def test_numbers_among_the_keys_keep_their_digits(bulk: Bulk) -> None:
    texts = ["12345678901234567890.5", "0.1000000000000000055511", "-0", "1e400", '{"a": [1.50, "b"]}', "NaN"]
    lines = [f'{{"sepal length (cm)": 6.2, "sepal width (cm)": 3.4, "id": {text}}}' for text in texts]
    bulk.put("in/a.jsonl", "\n".join(lines).encode())
    bulk.run(bulk.request("in/a.jsonl", columns=["id", "prediction"]))
    found = [line.decode().partition(": ")[2].rpartition(', "prediction"')[0] for line in bulk.parts()[0].splitlines()]
    assert found == [*texts[:-1], "null"]


def test_labels_that_are_strings_in_each_output(bulk: Bulk, tmp_path: Path) -> None:
    path, table, estimator = mixed(tmp_path)
    bulk.publish(path, "mixed")
    bulk.put("in/a.csv", table.to_csv(index=False).encode())
    expected = estimator.predict(table).tolist()
    for kind in ("csv", "jsonl", "npy"):
        bulk.run(bulk.request("in/a.csv", f"{kind}/", model="mixed", output_format=kind, columns=["prediction"]))
    assert bulk.table("csv/")["prediction"].tolist() == expected
    assert [json.loads(line)["prediction"] for line in bulk.parts("jsonl/")[0].splitlines()] == expected
    assert np.load(io.BytesIO(bulk.parts("npy/")[0])).tolist() == expected


def test_a_regression_answers_values(bulk: Bulk, model_files: dict[str, Path]) -> None:
    bulk.publish(model_files["slope"], "slope")
    estimator = joblib.load(model_files["slope"].with_suffix(".joblib"))
    bulk.put("in/a.npy", npy(ROWS))
    bulk.run(bulk.request("in/a.npy", model="slope"))
    assert np.load(io.BytesIO(bulk.parts()[0])).tolist() == estimator.predict(ROWS).tolist()
    with pytest.raises(RefusedError, match="regression without probabilities"):
        bulk.plan(bulk.request("in/a.npy", "other/", model="slope", columns=["probabilities"]))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("[6.2]", "wrong-width"),
        ('[6.2, "x"]', "not-a-number"),
        ("[6.2, 3.4", "malformed-json"),
        ("[6.2, 3.4], [1, 2]", "malformed-json"),
        ("7", "invalid-row"),
        ('{"sepal length (cm)": 1}', "missing-feature"),
        ('{"sepal length (cm)": 1, "sepal length (cm)": 1, "sepal width (cm)": 1}', "duplicate-member"),
        ("[6.2, NaN]", "nan"),
    ],
)
def test_a_bad_line_is_set_aside_with_its_reason(line: str, code: str, bulk: Bulk) -> None:
    bulk.put("in/a.jsonl", f"[6.2, 3.4]\n\n{line}\n[5, 3]".encode())
    summary = bulk.run(bulk.request("in/a.jsonl", on_error="quarantine"))
    [refused] = bulk.quarantined(summary)
    assert summary["rows"] == {"in": 3, "out": 2, "refused": 1}
    assert (refused["line"], refused["byte"], refused["code"], refused["text"]) == (3, 12, code, line)


def test_lines_that_are_json_together_only_are_refused_each(bulk: Bulk) -> None:
    bulk.put("in/a.jsonl", b"[1\n2],[3, 4],[5\n6]\n")
    summary = bulk.run(bulk.request("in/a.jsonl", on_error="quarantine"))
    assert summary["rows"] == {"in": 3, "out": 0, "refused": 3}


def test_a_bad_row_of_an_array_is_told_by_its_number(bulk: Bulk) -> None:
    rows = ROWS.copy()
    rows[[7, 41], 1] = np.nan, np.inf
    for order, array in (("c", rows), ("f", np.asfortranarray(rows))):
        bulk.put(f"{order}.npy", npy(array))
        summary = bulk.run(bulk.request(f"{order}.npy", f"{order}/", chunk_mb=SMALL_MB, on_error="quarantine"))
        found = [(each["row"], each["code"]) for each in bulk.quarantined(summary)]
        assert found == [(7, "nan"), (41, "infinity")]
        assert json.loads(bulk.quarantined(summary)[0]["text"])[0] == rows[7, 0]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (npy(ROWS)[:-8], "times 16"),
        (npy(ROWS) + b"\0", "times 16"),
        (npy(ROWS).replace(b"(60, 2), ", b"(1, 10000000), "), "rows of 80,000,000 bytes"),
        (npy(ROWS[:, :1]), "the rows have 1 values, the model takes 2"),
        (npy(ROWS[:, 0]), "its shape is"),
        (npy(np.array([["a", "b"]])), "expected numbers"),
        (npy(ROWS).replace(b"'<f8', ", b"',<f8',"), "expected numbers"),
        (b"\x93NUMPY", "not an NPY file of rows"),
        (gzip.compress(npy(np.asfortranarray(ROWS))), "unpack it"),
        (b"", "begins with"),
    ],
)
def test_an_array_that_is_not_the_models_is_refused_at_plan_time(body: bytes, said: str, bulk: Bulk) -> None:
    name = "in/a.npy.gz" if body[:2] == b"\x1f\x8b" else "in/a.npy"
    bulk.put(name, body)
    with pytest.raises(RefusedError, match=said):
        bulk.plan(bulk.request(name))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "npy"])
def test_an_array_without_rows_is_an_output_without_any(kind: str, bulk: Bulk) -> None:
    bulk.put("in/a.npy", npy(np.empty((0, 2))))
    summary = bulk.run(bulk.request("in/a.npy", output_format=kind))
    assert (summary["status"], summary["rows"]["out"]) == ("SUCCEEDED", 0)
    if kind == "npy":
        array = np.load(io.BytesIO(bulk.parts()[0]))
        assert (array.shape, array.dtype["prediction"].kind) == ((0,), "i")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "npy"])
def test_packed_outputs_of_no_row_are_packed_all_the_same(kind: str, bulk: Bulk) -> None:
    bulk.put("in/a.jsonl", b'["x", 1]\n')
    request = bulk.request("in/", on_error="skip", gzip=True, output_format=kind)
    assert bulk.run(request)["rows"] == {"in": 1, "out": 0, "refused": 1}
    [key] = bulk.keys("out/part-")
    assert b"x" not in gzip.decompress(bulk.get(key))


def test_a_line_with_a_byte_order_mark_has_its_keys(bulk: Bulk) -> None:
    lines = "".join(f'\ufeff{{"id": "{place}", "{FEATURES[0]}": 5.1, "{FEATURES[1]}": 3.5}}\n' for place in "ab")
    bulk.put("in/a.jsonl", lines.encode())
    assert bulk.run(bulk.request("in/", columns=["id", "prediction"]))["rows"]["out"] == 2
    assert bulk.parts() == [b'{"id": "a", "prediction": 0}\n{"id": "b", "prediction": 0}\n']


def test_a_line_that_is_nested_too_deeply_is_refused(bulk: Bulk) -> None:
    deep = "[" * 5000 + "]" * 5000
    row = f'{{"id": %s, "{FEATURES[0]}": 5.1, "{FEATURES[1]}": 3.5}}\n'
    bulk.put("in/a.jsonl", (row % "[1]" + row % deep).encode())
    summary = bulk.run(bulk.request("in/", columns=["id", "prediction"], on_error="quarantine"))
    assert summary["rows"] == {"in": 2, "out": 1, "refused": 1}
    assert [each["reason"] for each in bulk.quarantined(summary)] == ["has lists and objects more than 100 deep"]


def test_a_packed_array_of_no_rows_has_none(bulk: Bulk) -> None:
    file = io.BytesIO()
    np.save(file, np.empty((0, 2)))
    bulk.put("in/a.npy.gz", gzip.compress(file.getvalue()))
    assert bulk.run(bulk.request("in/"))["rows"]["in"] == 0
    bulk.put("more/a.npy.gz", gzip.compress(file.getvalue() + bytes(160)))
    [failed] = bulk.run(bulk.request("more/", "more-out/"))["failed"]
    assert "holds other bytes than the 0 rows of its header" in failed["cause"]
