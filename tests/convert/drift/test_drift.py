"""Calls are captured, and what `drift` says of them: what shifted, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.__main__ import main
from convert.drift import source
from convert.drift.tally import Tally
from convert.export import export
from convert.page.plot import shortened
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.conftest import FEATURES
from tests.convert.drift.rows import Run, Write, line, words
from tests.lambda_fn.capture.captured import uri_of
from tests.lambda_fn.mixed import mixed

ANSWERS: list[str] = []
"""What the model's estimator says of its rows."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A model over a string, a boolean and a number that may be missing, and its rows."""
    file, table, estimator = mixed(tmp_path_factory.mktemp("mixed"))
    ANSWERS[:] = estimator.predict(table).tolist()
    return file, json.loads(table.to_json(orient="records"))


def test_what_comes_in_as_it_was_is_stable(run: Run, write: Write, model: Any, tmp_path: Path) -> None:
    file, rows = model
    folder = write([line(row, prediction=answer) for row, answer in zip(rows, ANSWERS, strict=True)])
    status, found = run(folder, "--model", file, "--fail-above", 0.1)
    assert found["prediction"]["psi"] == 0
    assert (status, words(found)) == (0, dict.fromkeys(["age, in years", "member", "city"], "stable"))
    assert [each["psi"] for each in found["features"]] == [0, 0, 0]
    age = next(each for each in found["features"] if each["name"] == "age, in years")
    assert age["missing"] == pytest.approx(age["missing_expected"])
    assert age["outside"] == 0
    assert main(["drift", str(folder), "--model", str(file)]) == 0


@pytest.mark.parametrize(
    ("change", "shifted"),
    [
        ({"city": "Köln"}, "city"),
        ({"member": True}, "member"),
        ({"age, in years": 90.5}, "age, in years"),
        ({"age, in years": -90.5}, "age, in years"),
        ({"age, in years": "Infinity"}, "age, in years"),
    ],
)
def test_features_of_every_type_shift(run: Run, write: Write, model: Any, change: dict[str, Any], shifted: str) -> None:
    file, rows = model
    _, found = run(write([line(row | change) for row in rows]), "--model", file)
    assert {name for name, word in words(found).items() if word != "stable"} == {shifted}
    outside = {each["name"]: each["outside"] for each in found["features"]}
    assert outside["age, in years"] == (shifted == "age, in years")


def test_missing_and_unknown_values_are_told_with_what_they_were(run: Run, write: Write, model: Any) -> None:
    file, rows = model
    lines = [line(row) for row in rows]
    for each in lines[:30]:
        each |= {"features": {**each["features"], "city": None, "age, in years": None}, "unknown": ["city"]}
    _, found = run(write(lines), "--model", file)
    by_name = {each["name"]: each for each in found["features"]}
    ages = [each["features"]["age, in years"] for each in lines]
    assert by_name["city"]["unknown"] == pytest.approx(0.1)
    assert by_name["city"]["missing"] == 0
    assert by_name["age, in years"]["missing"] == pytest.approx(ages.count(None) / 300)
    assert by_name["age, in years"]["missing_expected"] == pytest.approx(43 / 300)
    assert any("'city' is unknown in 10.0%" in note for note in found["notes"])
    lines[-1]["features"] |= {"age, in years": 1e9}
    _, found = run(write(lines), "--model", file)  # and those from before
    outside = {each["name"]: each["outside"] for each in found["features"]}
    assert outside["age, in years"] == pytest.approx(1 / 600)  # of all rows, as the other shares


@pytest.mark.parametrize(("share", "status"), [(1.0, 1), (0.5, 1), (0.2, 0)])
def test_a_feature_that_no_longer_comes_is_no_good_news(
    run: Run, write: Write, model: Any, share: float, status: int, tmp_path: Path
) -> None:
    file, rows = model
    lines = [line(row, prediction=answer) for row, answer in zip(rows, ANSWERS, strict=True)]
    for each in lines[: int(share * len(lines))]:
        each["features"] = each["features"] | {"member": None}
    folder = write(lines)
    page = tmp_path / "drift.html"
    assert run(folder, "--model", file, "--fail-above", 0.25, "--report", page)[0] == status
    assert "with more gaps" in page.read_text()
    assert "is like the sample" not in page.read_text()


@pytest.mark.parametrize("limit", ["nan", "-1", "inf", "high"])
def test_a_limit_is_a_number(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["drift", "folder", "--fail-above", limit])
    assert "expected a number from 0 on" in capsys.readouterr().err


def test_older_rows_other_versions_and_bad_lines_are_counted_apart(run: Run, write: Write, model: Any) -> None:
    file, rows = model
    lines: list[Any] = [line(row) for row in rows]
    lines += [line(row, day=2, version="v0", sha256="s0", prediction="leaves") for row in rows[:50]]
    lines += [line(row, day=9) for row in rows]
    lines += [line(row, candidate=True, version="c1", prediction="leaves") for row in rows[:10]]
    lines += ["{not JSON", "[]", json.dumps({"time": "yesterday", "features": {}}), "", "[" * 100_000]
    folder = write(lines)
    _, found = run(folder, "--model", file)
    assert (found["rows"], found["bad_lines"]) == (360, 4)
    assert [(each["version"], each["rows"], each["candidate"]) for each in found["versions"]] == [
        ("v0", 50, False),
        ("v1", 300, False),
        ("c1", 10, True),
    ]
    assert [(day["rows"], day["labels"]) for day in found["days"]] == [
        (50, {"leaves": 1.0, "stays": 0.0}),
        (310, {"leaves": 0.0, "stays": 1.0}),
    ]
    assert any(note.startswith("the model changed in between: v0 from") for note in found["notes"])
    assert run(folder, "--model", file, "--since", "1d")[1]["rows"] == 310


def test_rows_from_before_count_by_their_time_whatever_their_folder(run: Run, model: Any, tmp_path: Path) -> None:
    file, rows = model
    moment = f"{datetime.now(UTC) - timedelta(minutes=31):%Y-%m-%dT%H:%M:%S}.000Z"
    lines = [*(line(row) for row in rows), *(line(row, time=moment) for row in rows[:7])]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    _, found = run(tmp_path / "rows.jsonl", "--model", file, "--since", "30m")
    assert (found["rows"], found["older_lines"]) == (300, 7)


def test_a_row_of_the_first_second_counts() -> None:
    tally = Tally([], None, "2026-11-27T12:00:00Z")
    times = ("2026-11-27T11:59:59.999Z", "2026-11-27T12:00:00.000Z", "2026-11-27T12:00:00Z")
    tally.add(json.dumps(line({}, time=time)).encode() for time in times)
    assert (tally.older, tally.days["2026-11-27"].rows) == (1, 2)


def test_features_of_another_version_are_no_failure(run: Run, write: Write, model: Any) -> None:
    file, rows = model
    lines = [line(row) for row in rows]
    lines += [line({"city": 7, "color": "red", "age, in years": 10**400}) for _ in range(10)]
    lines += [line({"city": True, "color": "red", "member": "yes"}, unknown=["member"]) for _ in range(10)]
    _, found = run(write(lines), "--model", file)
    assert (found["rows"], {each["rows"] for each in found["features"]}) == (320, {300})
    assert "20 rows have 'color', of which the model's card tells nothing" in found["notes"]
    assert "20 rows have no 'member', or another kind of value" in found["notes"]


def test_rows_without_any_of_its_features_have_a_page(run: Run, write: Write, model: Any, tmp_path: Path) -> None:
    folder, page = write([line({"color": "red"}, prediction=None)]), tmp_path / "drift.html"
    status, found = run(folder, "--model", model[0], "--report", page)
    assert (status, {*words(found).values()}) == (0, {"nothing came in"})
    assert "1 rows have &#39;color&#39;" in page.read_text()
    assert "3 of 3 features and the answer did not come in" in page.read_text()


def test_half_a_character_is_told_as_it_is_escaped(run: Run, write: Write, model: Any, tmp_path: Path) -> None:
    file, rows = model
    lines = [line(row | {"\udc00": 1}, version="v\ud800", sha256="\ud800") for row in rows]
    lines += [line(row, version="v1") for row in rows]
    _, found = run(write(lines), "--model", file, "--report", tmp_path / "drift.html")
    assert {each["version"] for each in found["versions"]} == {"v\ud800", "v1"}
    assert r"v\ud800" in (tmp_path / "drift.html").read_text()
    assert shortened("city\ud800") == r"city\ud800"


def test_answers_of_a_regression_are_compared_by_deciles(
    run: Run, write: Write, model_files: dict[str, Path], training_rows: NDArray[np.float64], tmp_path: Path
) -> None:
    answers = np.random.default_rng(0).uniform(0, 2, len(training_rows)).tolist()
    rows = [dict(zip(FEATURES, row, strict=True)) for row in training_rows.tolist()]
    lines = [line(row, prediction=answer) for row, answer in zip(rows, answers, strict=True)]
    lines[0]["prediction"], lines[1]["prediction"] = None, "Infinity"
    page = tmp_path / "drift.html"
    _, found = run(write(lines), "--model", model_files["slope"], "--report", page)
    assert set(words(found).values()) == {"stable"}
    answer = found["prediction"]
    assert (answer["word"], answer["missing"], answer["rows"]) == ("large", 1 / 150, 150)
    assert (found["expected_labels"], found["days"][0]["labels"]) == ({}, {})
    assert "the answer shifted" in page.read_text()


def test_few_rows_tell_nothing(run: Run, write: Write, model: Any) -> None:
    file, rows = model
    status, found = run(write([line(row) for row in rows[:3]]), "--model", file, "--fail-above", 0.1)
    assert (status, "too few rows" in words(found).values()) == (0, True)


def wrong(write: Write, model: Any, tmp_path: Path, model_files: Any) -> Iterator[tuple[list[object], str]]:
    """Yield arguments that can't be done, and what is said of them."""
    file, rows = model
    folder = write([line(row) for row in rows])
    yield [folder], "Say --model FILE"
    yield [folder, "--model", file, "--since", "soon"], "--since is a time such as 7d, 2h"
    yield [tmp_path / "none", "--model", file], "there is no such file or folder"
    (tmp_path / "empty").mkdir()
    yield [tmp_path / "empty", "--model", file], "is CAPTURE_SHARE set?"
    write([line(row) for row in rows], model="other")
    yield [folder, "--model", tmp_path / "third.onnx"], "rows of several models, mixed, other"


def test_what_cannot_be_done_is_said(run: Run, write: Write, model: Any, tmp_path: Path, model_files: Any) -> None:
    for arguments, said in wrong(write, model, tmp_path, model_files):
        status, told = run(*arguments)
        assert status == 2
        assert said in told


def test_of_several_models_the_one_that_is_named_is_compared(run: Run, write: Write, model: Any) -> None:
    file, rows = model
    write([line(row) for row in rows])
    folder = write([line({"a": 1}) for _ in range(3)], model="other")
    assert run(folder, "--model", file)[1]["rows"] == len(rows)
    assert run(folder / "model=mixed", "--model", file)[1]["rows"] == len(rows)


def test_a_model_without_statistics_says_what_to_do(run: Run, write: Write, model: Any, tmp_path: Path) -> None:
    file, rows = model
    export(file.with_suffix(".joblib"), tmp_path / "mixed.onnx", name="mixed", tell=False)
    status, told = run(write([line(row) for row in rows]), "--model", tmp_path / "mixed.onnx")
    assert (status, "export it again with --sample" in told) == (2, True)


def test_only_the_days_that_are_asked_for_are_listed(
    run: Run, model: Any, aws: Emulator, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, rows = model
    client = Deployment(aws).client("s3")
    for day in (0, 40):
        lines = [line(row, day=day) for row in rows]
        key = f"captured/model=mixed/date={lines[0]['time'][:10]}/{day}.jsonl"
        client.put_object(Bucket=bucket, Key=key, Body="\n".join(map(json.dumps, lines)).encode())
    looked: list[str] = []
    look = source.OnS3.look

    def note(store: source.OnS3, folder: str) -> tuple[list[str], list[str]]:
        looked.append(folder)
        return look(store, folder)

    monkeypatch.setattr(source.OnS3, "look", note)
    assert run(uri_of(bucket), "--model", file)[1]["rows"] == 300
    assert len(looked) == 3
    assert run(uri_of(bucket), "--model", file, "--since", "6w")[1]["rows"] == 600
