"""CSV in every shape, in chunks of any size: each answers what the estimator does, or what is refused is told."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lambda_fn.bulk.failures import RefusedError
from tests.conftest import FEATURES
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk, iris_rows
from tests.lambda_fn.mixed import mixed

HEADER = ",".join(FEATURES)
ROWS = iris_rows(60)
LINES = [f"{length},{width}" for length, width in ROWS.tolist()]
PLAIN = "\n".join([HEADER, *LINES, ""])

SHAPES = {
    "plain": PLAIN,
    "no header": "\n".join([*LINES, ""]),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "no last line end": PLAIN.rstrip("\n"),
    "byte order mark": "\ufeff" + PLAIN,
    "mark, no header": "\ufeff" + "\n".join(LINES),
    "empty lines": PLAIN.replace("\n", "\n\n"),
    "empty lines of CRLF": PLAIN.replace("\n", "\r\n\r\n"),
    "empty lines in front and behind": "\n\r\n" + PLAIN + "\n\n\r\n",
    "quoted": PLAIN.replace(",", '","').replace("\n", '"\n"').join('""')[: -len('\n""')],
    "spaces": PLAIN.replace(",", ", "),
}
"""What pandas, too, reads as the same rows."""


def expected(estimator: Any, rows: Any = ROWS) -> tuple[Any, Any]:
    return estimator.predict(rows), estimator.predict_proba(rows)


@pytest.mark.parametrize("chunk_mb", [0, SMALL_MB, 0.0002])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_scored_row_for_row(shape: str, chunk_mb: float, bulk: Bulk, estimator: Any) -> None:
    bulk.put("in/a.csv", SHAPES[shape].encode())
    summary = bulk.run(bulk.request("in/a.csv", chunk_mb=chunk_mb))
    labels, probabilities = expected(estimator)
    assert bulk.failures == {}
    assert (summary["status"], summary["rows"]) == ("SUCCEEDED", {"in": 60, "out": 60, "refused": 0})
    table = bulk.table()
    assert table["prediction"].tolist() == labels.tolist()
    assert np.abs(table[["0", "1", "2"]].to_numpy() - probabilities).max() < 1e-15
    if chunk_mb:
        assert summary["chunks"]["planned"] >= 2


@pytest.mark.parametrize("text", [HEADER, HEADER + "\n", "\ufeff" + HEADER + "\r\n\r\n", "", "\n\n", "\ufeff"])
def test_no_row_is_an_output_without_any(text: str, bulk: Bulk) -> None:
    bulk.put("in/a.csv", text.encode())
    summary = bulk.run(bulk.request("in/"))
    assert (summary["status"], summary["rows"]["in"], summary["chunks"]["done"]) == ("SUCCEEDED", 0, 1)
    assert bulk.parts() == [b"prediction,0,1,2\n"]


def test_lines_without_any_row_are_cut_like_others(bulk: Bulk, estimator: Any) -> None:
    bulk.put("in/a.csv", b"\n" * 100_000)
    bulk.put("in/b.csv", b"\n" * 200_000 + "\n".join(LINES).encode())
    summary = bulk.run(bulk.request("in/", chunk_mb=0.05))
    assert (summary["status"], summary["rows"]["out"], bulk.failures) == ("SUCCEEDED", 60, {})
    assert bulk.table()["prediction"].tolist() == expected(estimator)[0].tolist()


def test_a_gzip_of_two_members_is_one_table(bulk: Bulk, estimator: Any) -> None:
    text = PLAIN.encode()
    bulk.put("in/a.csv.gz", gzip.compress(text[:300]) + gzip.compress(text[300:]) + b"\0" * 100)
    summary = bulk.run(bulk.request("in/a.csv.gz", chunk_mb=SMALL_MB))
    assert (summary["rows"]["out"], summary["chunks"]["planned"]) == (60, 1)
    assert bulk.table()["prediction"].tolist() == expected(estimator)[0].tolist()


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_gzip_that_is_cut_is_refused(bulk: Bulk, cut: int) -> None:
    bulk.put("in/a.csv.gz", gzip.compress(PLAIN.encode())[:-cut])
    with pytest.raises(RefusedError, match="ends in the middle of what gzip packed"):
        bulk.plan(bulk.request("in/a.csv.gz"))


def test_a_file_that_is_no_gzip_is_refused(bulk: Bulk) -> None:
    bulk.put("in/a.csv.gz", PLAIN.encode())
    with pytest.raises(RefusedError, match="is not gzip"):
        bulk.plan(bulk.request("in/a.csv.gz"))


def test_columns_in_another_order_among_others_and_keys_beside_the_scores(bulk: Bulk, estimator: Any) -> None:
    rows = "\n".join(
        f'"Müller, {number}",{width},"line\nbreak ""{number}""",{length},{number}'
        for number, (length, width) in enumerate(ROWS.tolist())
    )
    bulk.put("in/a.csv", f"name,{FEATURES[1]},note,{FEATURES[0]},id\n{rows}\n".encode())
    columns = ["note", "id", "name", "prediction", "2"]
    summary = bulk.run(bulk.request("in/a.csv", chunk_mb=SMALL_MB, columns=columns))
    labels, probabilities = expected(estimator)
    table = bulk.table()
    assert list(table.columns) == columns
    assert table["id"].tolist() == list(range(60))
    assert table["note"].tolist() == [f'line\nbreak "{number}"' for number in range(60)]
    assert table["name"].tolist() == [f"Müller, {number}" for number in range(60)]
    assert table["prediction"].tolist() == labels.tolist()
    assert np.abs(table["2"].to_numpy() - probabilities[:, 2]).max() < 1e-15
    assert summary["chunks"]["planned"] > 10


def test_strings_booleans_and_missing_values(bulk: Bulk, tmp_path: Path) -> None:
    path, table, estimator = mixed(tmp_path)
    bulk.publish(path)
    bulk.put("in/a.csv", table.to_csv(index=False).encode())
    summary = bulk.run(bulk.request("in/a.csv", chunk_mb=0.001))
    assert summary["chunks"]["planned"] >= 2
    assert bulk.table()["prediction"].tolist() == estimator.predict(table).tolist()


BAD = [
    (f"{HEADER}\n6.2,x\n6.2,3.4\n", 2, "6.2,x", "not-a-number"),
    (f"{HEADER}\n6.2,3.4\n\n6.2\n", 4, "6.2", "ragged-rows"),
    (f"{HEADER}\r\n6.2,3.4\r\n6.2,3.4,1\r\n6.2,3.4", 3, "6.2,3.4,1", "ragged-rows"),
    (f"{HEADER}\n6.2,nan\n6.2,3.4\n", 2, "6.2,nan", "nan"),
    (f"{HEADER}\n6.2,1e300\n6.2,3.4\n", 2, "6.2,1e300", "beyond-float32"),
    (f'{HEADER}\n6.2,3" 4\n6.2,3.4\n', 2, '6.2,3" 4', "malformed-csv"),
    (f'{HEADER}\n"6.2,3" 4\n6.2,3.4\n', 2, '"6.2,3" 4', "malformed-csv"),
    (f'{HEADER}\n6.2,"3.4"x\n6.2,3.4\n', 2, '6.2,"3.4"x', "malformed-csv"),
    (f'{HEADER}\n6.2,3.4\n6.2,"3.4', 3, '6.2,"3.4', "malformed-csv"),
    (f"{HEADER}\n6.2,3.4\n6.2,\n", 3, "6.2,", "not-a-number"),
]


@pytest.mark.parametrize(("text", "line", "was", "code"), BAD)
def test_a_bad_row_fails_is_skipped_or_is_set_aside(text: str, line: int, was: str, code: str, bulk: Bulk) -> None:
    bulk.put("in/a.csv", text.encode())
    byte = text.encode().rfind(was.encode())
    good = len([each for each in text.splitlines() if each]) - 2

    failed = bulk.run(bulk.request("in/a.csv", "failed/"))
    assert failed["status"] == "INCOMPLETE"
    assert f"line {line} of the chunk, byte {byte} of the object: {code}: " in failed["failed"][0]["cause"]
    assert bulk.keys("failed/part-") == []
    assert bulk.keys("failed/_SUCCESS.json") == []

    skipped = bulk.run(bulk.request("in/a.csv", "skipped/", on_error="skip"))
    assert (skipped["rows"], skipped["quarantine"]) == ({"in": good + 1, "out": good, "refused": 1}, [])

    aside = bulk.run(bulk.request("in/a.csv", "aside/", on_error="quarantine"))
    [refused] = bulk.quarantined(aside)
    assert refused["object"] == f"s3://{bulk.bucket}/in/a.csv"
    assert (refused["line"], refused["byte"], refused["code"], refused["text"]) == (line, byte, code, was)
    assert "row 0" not in refused["reason"]
    assert bulk.parts("aside/") == bulk.parts("skipped/")


def test_bad_rows_have_the_line_of_the_object_in_whatever_chunk_they_are(bulk: Bulk) -> None:
    lines = [f"{line}{' x' if number % 7 == 3 else ''}" for number, line in enumerate(LINES)]
    bulk.put("in/a.csv", "\n".join([HEADER, *lines]).encode())
    bulk.put("in/b.csv", "\n".join([HEADER, "", *lines]).encode())
    summary = bulk.run(bulk.request("in/", chunk_mb=SMALL_MB, on_error="quarantine"))
    found = [(each["object"][-5:], each["line"]) for each in bulk.quarantined(summary)]
    bad = [number for number in range(60) if number % 7 == 3]
    assert found == [("a.csv", number + 2) for number in bad] + [("b.csv", number + 3) for number in bad]
    assert summary["rows"] == {"in": 120, "out": 120 - 2 * len(bad), "refused": 2 * len(bad)}
    assert summary["chunks"]["planned"] > 8


def test_a_stray_quote_is_refused_whatever_stands_beside_it_and_mixes_nothing(bulk: Bulk) -> None:
    rows = ['5,3,a"b', '5,3,"x,y,z"', '6,2,pipe 5" wide', "6,2,b", '5,3,"q""r"', 'a"b,3,1', '5,"3",c']
    bulk.put("in/a.csv", "\n".join([f"{HEADER},id", *rows, ""]).encode())
    for number, chunk_mb in enumerate((0, SMALL_MB)):
        request = bulk.request(
            "in/a.csv", f"{number}/", on_error="skip", columns=["id", "prediction"], chunk_mb=chunk_mb
        )
        summary = bulk.run(request)
        assert summary["rows"] == {"in": 7, "out": 4, "refused": 3}
        assert bulk.table(f"{number}/")["id"].tolist() == ["x,y,z", "b", 'q"r', "c"]


def test_many_bad_rows_are_all_set_aside_in_their_order(bulk: Bulk) -> None:
    bulk.put("in/a.csv", "\n".join([HEADER, *(["x,1"] * 500), *LINES, *(["6.2"] * 500)]).encode())
    summary = bulk.run(bulk.request("in/a.csv", on_error="quarantine"))
    assert summary["rows"] == {"in": 1060, "out": 60, "refused": 1000}
    lines = [each["line"] for each in bulk.quarantined(summary)]
    assert lines == [*range(2, 502), *range(562, 1062)]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b\n1,2\n", {}, f"its header has '{FEATURES[0]}' not, the model takes"),
        (f"{HEADER},{FEATURES[0]}\n1,2,3\n", {}, f"its header has '{FEATURES[0]}' twice"),
        ("1,2,3\n", {}, "no header that names the features, and 3 columns in its first line; the model takes 2"),
        ("1,2\n", {"columns": ["id", "prediction"]}, "has no column 'id', expected one"),
        (f"id,{HEADER},id\n1,2,3,4\n", {"columns": ["id", "prediction"]}, "has 2 columns 'id', expected one"),
        (PLAIN, {"columns": ["id"]}, "columns are id, expected 'prediction' or 'probabilities' among them"),
        (PLAIN, {"format": "npy"}, "begins with"),
    ],
)
def test_a_table_that_is_not_the_models_is_refused_at_plan_time(
    text: str, options: dict[str, Any], said: str, bulk: Bulk
) -> None:
    bulk.put("in/a.csv", text.encode())
    with pytest.raises(RefusedError) as raised:
        bulk.plan(bulk.request("in/a.csv", **options))
    assert said in str(raised.value)
    assert bulk.keys("out/") == []
