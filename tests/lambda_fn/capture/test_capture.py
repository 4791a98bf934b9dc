"""Rows that are kept: what is on S3 is what was sent and answered, in every dialect, and nothing else changes."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from convert.export import export
from lambda_fn.capture import capture
from lambda_fn.config import ConfigError, Settings
from scripts.emulator import Emulator
from tests.conftest import FEATURES, TESTS, LoadEvent
from tests.lambda_fn.capture.captured import CONTEXT, finish, objects, rows, uri_of
from tests.lambda_fn.codecs.test_npy_rows import npy_of
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.mixed import mixed
from tests.lambda_fn.posts import CSV, JSON, NPY, request

ROWS = [[6.2, 3.4], [0.1 + 0.2, 5e-324], [-0.0, 1.7976931348623157e38]]
type Ask = Callable[..., Any]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store after each call."""
    monkeypatch.setattr(capture, "FLUSH_SECONDS", 0.0)


@pytest.fixture
def keeping(load: Load, model_file: Path, aws: Emulator, bucket: str, at_once: None) -> ModuleType:
    """The demo model, of whose calls all are kept."""
    return load(MODEL_URI=model_file.as_uri(), CAPTURE_URI=uri_of(bucket), CAPTURE_SHARE="1")


def table_of(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def tensor(values: Any) -> dict[str, Any]:
    return {"name": "x", "datatype": "FP64", "shape": list(np.shape(values)), "data": np.ravel(values).tolist()}


def bodies(rows: Any) -> Iterator[tuple[str, str, str | bytes, dict[str, str]]]:
    """Yield the rows in every dialect: path, body, headers."""
    named = [dict(zip(FEATURES, row, strict=True)) for row in rows]
    columns = {name: [row[name] for row in named] for name in FEATURES}
    yield "lists", "/predict", json.dumps({"data": rows}), {"content-type": JSON}
    yield "objects", "/predict", json.dumps({"data": named}), {"content-type": JSON}
    yield "slices", "/predict", json.dumps({"data": rows}) + " " * 9000, {"content-type": JSON}
    yield "CSV", "/predict", table_of(rows), {"content-type": CSV}
    yield "NPY", "/predict", npy_of(np.array(rows)), {"content-type": NPY}
    yield "v2", "/v2/models/iris/infer", json.dumps({"inputs": [tensor(rows)]}), {"content-type": JSON}
    yield "v1", "/v1/models/iris:predict", json.dumps({"instances": rows}), {"content-type": JSON}
    yield "v1 by feature", "/v1/models/iris:predict", json.dumps({"inputs": columns}), {"content-type": JSON}
    yield "MLflow", "/invocations", json.dumps({"dataframe_records": named}), {"content-type": JSON}


DIALECTS = {name: (path, body, headers) for name, path, body, headers in bodies(ROWS)}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_kept_is_what_was_sent_and_answered(
    keeping: ModuleType,
    event: LoadEvent,
    aws: Emulator,
    bucket: str,
    whose: dict[str, str],
    estimator: Any,
    dialect: str,
) -> None:
    path, body, headers = DIALECTS[dialect]
    assert keeping.predict(request(event, "POST", path, body, headers), CONTEXT)["statusCode"] == 200
    finish(bucket)
    [(key, lines)] = objects(aws, bucket).items()
    assert re.fullmatch(r"captured/model=iris/date=\d{4}-\d\d-\d\d/\d{6}-[0-9a-f]{16}\.jsonl", key)
    assert [list(line["features"].items()) for line in lines] == [list(zip(FEATURES, row, strict=True)) for row in ROWS]
    assert math.copysign(1, lines[2]["features"][FEATURES[0]]) == -1
    assert [line["prediction"] for line in lines] == estimator.predict(np.array(ROWS)).tolist()
    assert [line["row"] for line in lines] == [0, 1, 2]
    assert [line.get("probabilities") is not None for line in lines] == [dialect == "v2"] * 3
    for line in lines:
        assert line["time"][:10] == key.split("/")[2].removeprefix("date=")
        told = {name: line[name] for name in ("requestId", "rows", "model", "version", "sha256")}
        assert told == {
            "requestId": CONTEXT.aws_request_id,
            "rows": 3,
            "model": "iris",
            "version": whose["x-model-version"],
            "sha256": whose["x-model-sha256"],
        }
        assert "candidate" not in line
        assert "unknown" not in line


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_answer_has_the_same_bytes_as_without(
    load: Load, keeping: ModuleType, event: LoadEvent, model_file: Path, bucket: str, dialect: str
) -> None:
    path, body, headers = DIALECTS[dialect]
    asked = request(event, "POST", path, body, headers) | {"queryStringParameters": {"probabilities": "true"}}
    asked = asked if path == "/predict" else request(event, "POST", path, body, headers)
    kept = keeping.predict(asked, CONTEXT)
    finish(bucket)
    assert kept == load(MODEL_URI=model_file.as_uri()).predict(asked, CONTEXT)


def test_probabilities_are_kept_if_they_were_asked_for(
    keeping: ModuleType, event: LoadEvent, aws: Emulator, bucket: str
) -> None:
    answer = keeping.predict(event("predict-http-api-probabilities"), CONTEXT)
    finish(bucket)
    assert [line["probabilities"] for line in rows(aws, bucket)] == json.loads(answer["body"])["probabilities"]


def test_strings_booleans_and_what_is_missing_are_kept_as_they_were_sent(
    load: Load, event: LoadEvent, tmp_path: Path, aws: Emulator, bucket: str, at_once: None
) -> None:
    file, table, estimator = mixed(tmp_path)
    handler = load(MODEL_URI=file.as_uri(), CAPTURE_URI=uri_of(bucket), CAPTURE_SHARE="1")
    sent = json.loads(table.head(20).to_json(orient="records"))
    assert handler.predict(request(event, "POST", "/predict", json.dumps({"data": sent})), CONTEXT)["statusCode"] == 200
    finish(bucket)
    found = rows(aws, bucket)
    assert [line["features"] for line in found] == sent
    assert None in [line["features"]["age, in years"] for line in found]
    assert [line["prediction"] for line in found] == estimator.predict(table.head(20)).tolist()


def test_a_string_that_no_category_is_is_named_and_what_is_dropped_is_left_out(
    load: Load, event: LoadEvent, tmp_path: Path, aws: Emulator, bucket: str, at_once: None
) -> None:
    table = pd.DataFrame({"city": ["Oslo", "Rome"] * 20, "id": range(40), "age": np.arange(40.0)})
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]), ("passthrough", ["age"]))
    fitted = make_pipeline(columns, DecisionTreeClassifier()).fit(table, [0, 1] * 20)
    joblib.dump(fitted, tmp_path / "towns.joblib")
    table.to_csv(tmp_path / "towns.csv", index=False)
    export(tmp_path / "towns.joblib", tmp_path / "towns.onnx", name="towns")
    handler = load(MODEL_URI=(tmp_path / "towns.onnx").as_uri(), CAPTURE_URI=uri_of(bucket), CAPTURE_SHARE="1")
    body = json.dumps({"data": [["Oslo", 7, 1.5], ["Atlantis", 8, 2.5]]})
    assert handler.predict(request(event, "POST", "/predict", body), CONTEXT)["statusCode"] == 200
    finish(bucket)
    oslo, atlantis = rows(aws, bucket)
    assert (oslo["features"], oslo.get("unknown")) == ({"city": "Oslo", "age": 1.5}, None)
    assert (atlantis["features"], atlantis["unknown"]) == ({"city": None, "age": 2.5}, ["city"])


def test_numbers_that_json_has_not_are_strings_and_null(
    load: Load, event: LoadEvent, tmp_path: Path, aws: Emulator, bucket: str, at_once: None
) -> None:
    table = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0)})
    joblib.dump(HistGradientBoostingRegressor(max_iter=3).fit(table, np.arange(40.0)), tmp_path / "m.joblib")
    table.to_csv(tmp_path / "m.csv", index=False)
    export(tmp_path / "m.joblib", tmp_path / "m.onnx", name="m")
    handler = load(MODEL_URI=(tmp_path / "m.onnx").as_uri(), CAPTURE_URI=uri_of(bucket), CAPTURE_SHARE="1")
    body = npy_of(np.array([[math.inf, -math.inf], [math.nan, 1.0]]))
    answer = handler.predict(request(event, "POST", "/predict", body, {"content-type": NPY, "accept": JSON}), CONTEXT)
    finish(bucket)
    found = rows(aws, bucket)
    assert [line["features"] for line in found] == [{"a": "Infinity", "b": "-Infinity"}, {"a": None, "b": 1.0}]
    assert [line["prediction"] for line in found] == json.loads(answer["body"])["prediction"]


def test_of_a_large_call_the_first_rows_are_kept(
    keeping: ModuleType, event: LoadEvent, aws: Emulator, bucket: str
) -> None:
    sent = np.random.default_rng(0).uniform(1, 7, (5000, 2)).tolist()
    for _, path, body, headers in [each for each in bodies(sent) if each[0] in {"slices", "CSV", "NPY"}]:
        assert keeping.predict(request(event, "POST", path, body, headers), CONTEXT)["statusCode"] == 200
        finish(bucket)
    found = rows(aws, bucket)
    assert {line["rows"] for line in found} == {5000}
    first = [list(line["features"].values()) for line in found]
    assert sorted(first) == sorted(sent[: capture.CALL_ROWS] * 3)


def test_a_call_that_is_refused_is_not_kept(keeping: ModuleType, event: LoadEvent, aws: Emulator, bucket: str) -> None:
    refused = request(event, "POST", "/predict", '{"data": [[1, null]]}')
    assert keeping.predict(refused, CONTEXT)["statusCode"] == 400
    assert keeping.predict(event("predict-http-api"), CONTEXT)["statusCode"] == 200
    finish(bucket)
    assert len(rows(aws, bucket)) == 2


def test_what_the_candidate_answered_says_so(
    load: Load,
    event: LoadEvent,
    tmp_path: Path,
    model_files: dict[str, Path],
    aws: Emulator,
    bucket: str,
    at_once: None,
) -> None:
    (tmp_path / "model.onnx").write_bytes(model_files["stump"].read_bytes())
    (tmp_path / "model.onnx.candidate").write_bytes(model_files["tree"].read_bytes())
    common = {"MODEL_URI": (tmp_path / "model.onnx").as_uri(), "CANDIDATE_SHARE": "1"}
    told = []
    for mode in ("answer", "shadow"):
        handler = load(**common, CANDIDATE_MODE=mode, CAPTURE_URI=uri_of(bucket), CAPTURE_SHARE="1")
        answer = handler.predict(event("predict-http-api"), CONTEXT)
        finish(bucket)
        told.append(answer["headers"]["x-model-sha256"])
    found = {line["sha256"]: line for line in rows(aws, bucket)}
    assert list(found) == [told[0], told[1]] or list(found) == [told[1], told[0]]
    assert found[told[0]]["candidate"] is True
    assert "candidate" not in found[told[1]]
    assert {line["model"] for line in found.values()} == {"model"}


def test_as_many_calls_are_kept_as_the_share_says(
    load: Load, event: LoadEvent, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 4,000 calls each is kept with 0.25: 1,000 on average, and within 7 standard deviations but once in 10^12."""
    monkeypatch.setattr(capture.Capture, "_go_on", lambda _: None)
    kept, number = [], 0
    monkeypatch.setattr(capture.Capture, "_keep", lambda *_: kept.append(number))
    handler = load(MODEL_URI=model_file.as_uri(), CAPTURE_URI="s3://bucket/captured/share/", CAPTURE_SHARE="0.25")
    asked = event("predict-http-api")
    for number in range(4000):  # noqa: B007, as `_keep` notes it
        handler.predict(asked, CONTEXT)
    assert abs(len(kept) - 1000) < 7 * math.sqrt(4000 * 0.25 * 0.75)
    together = sum(after - before == 1 for before, after in itertools.pairwise(kept))
    assert abs(together - len(kept) / 4) < 7 * math.sqrt(len(kept) * 0.25 * 0.75)  # each is drawn by itself


def test_a_share_of_next_to_nothing_keeps_nothing(load: Load, event: LoadEvent, model_file: Path) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), CAPTURE_URI="s3://bucket/captured/", CAPTURE_SHARE="1e-310")
    assert handler.predict(event("predict-http-api"), CONTEXT)["statusCode"] == 200


@pytest.mark.parametrize("environ", [{}, {"CAPTURE_SHARE": "0", "CAPTURE_URI": "s3://bucket/captured/"}])
def test_off_nothing_of_it_is_imported(model_file: Path, environ: dict[str, str]) -> None:
    code = f"""
import json, sys
from lambda_fn import handler
event = json.loads(open({str(TESTS / "events" / "predict-http-api.json")!r}).read())
assert handler.predict(event, None)["statusCode"] == 200
print([name for name in sys.modules if name.startswith(("lambda_fn.capture", "lambda_fn.storage.s3"))])
"""
    environ = {"MODEL_URI": model_file.as_uri(), **environ}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, cwd=TESTS.parent)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    "environ",
    [
        {"CAPTURE_SHARE": "0.1"},
        {"CAPTURE_SHARE": "0.1", "CAPTURE_URI": "s3://bucket"},
        {"CAPTURE_SHARE": "2", "CAPTURE_URI": "s3://bucket/captured/"},
    ],
)
def test_settings_that_are_wrong_are_named(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="CAPTURE_"):
        Settings.from_environ({"MODEL_URI": "s3://bucket/model.onnx", **environ})
