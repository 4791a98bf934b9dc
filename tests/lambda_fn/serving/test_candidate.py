"""A candidate beside the current model: which calls it answers, and what is told of the others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeRegressor

from convert.export import export
from convert.model_file.publish import publish, withdraw
from lambda_fn.model.model import Scores
from lambda_fn.serving.candidate import Difference, compare
from tests.conftest import LoadEvent
from tests.keep import FILES
from tests.lambda_fn.conftest import Load, model_of
from tests.lambda_fn.posts import post, request, with_path
from tests.lambda_fn.serving.conftest import wait_until
from tests.lambda_fn.telemetry.lines import entries_of

type Files = dict[str, Path]
ROWS = [[6.2, 3.4], [5.0, 2.0], [7.0, 3.0]]


@pytest.fixture
def beside(tmp_path: Path, model_files: Files) -> Path:
    """A place where `stump` is, and `tree` beside it as its candidate."""
    put(tmp_path / "model.onnx", model_files["stump"])
    put(tmp_path / "model.onnx.candidate", model_files["tree"])
    return tmp_path / "model.onnx"


def put(path: Path, source: Path) -> None:
    path.write_bytes(source.read_bytes())


def served_by(handler: ModuleType, event: LoadEvent, rows: Any = ROWS, **headers: str) -> str:
    """Return the digest of the model that answers."""
    asked = post(event, {"data": rows})
    answer = handler.predict({**asked, "headers": {**asked["headers"], **headers}}, None)
    assert answer["statusCode"] == 200
    return str(answer["headers"]["x-model-sha256"])


def told(handler: ModuleType, event: LoadEvent) -> Any:
    return json.loads(handler.predict(with_path(event("predict-http-api"), "GET", "/model"), None)["body"])


def shadowed(load: Load, event: LoadEvent, beside: Path) -> ModuleType:
    """Return a function that has loaded both, and compares them in each call: no call waits for the candidate."""
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="1", CANDIDATE_MODE="shadow")
    wait_until(lambda: told(handler, event)["candidate"]["serving"] is not None)
    return handler


def test_a_share_of_the_calls_is_answered_by_the_candidate(load: Load, event: LoadEvent, beside: Path) -> None:
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="0.3")
    found = [served_by(handler, event) for _ in range(400)]
    about = told(handler, event)
    candidate = about["candidate"]
    assert set(found) == {about["sha256"], candidate["serving"]["sha256"]}
    assert 80 < found.count(candidate["serving"]["sha256"]) < 160  # of 400, 120 are expected, and 9 either way
    assert (candidate["share"], candidate["mode"], candidate["compared"]) == (0.3, "answer", None)


@pytest.mark.parametrize("header", ["x-user", "X-User"])
def test_calls_of_one_key_are_answered_by_one_model(load: Load, event: LoadEvent, beside: Path, header: str) -> None:
    environ = {"MODEL_URI": beside.as_uri(), "CANDIDATE_SHARE": "0.5", "CANDIDATE_KEY": f"header:{header}"}
    handler = load(**environ)
    keys = [f"user {number}" for number in range(50)]
    first = {key: served_by(handler, event, **{"x-user": key}) for key in keys}
    assert len(set(first.values())) == 2
    other = load(**environ)  # another instance
    assert {key: served_by(other, event, **{"x-user": key}) for key in reversed(keys)} == first


def test_a_feature_is_a_key_too(load: Load, event: LoadEvent, beside: Path) -> None:
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="0.5", CANDIDATE_KEY="feature:sepal width (cm)")
    first = {width: served_by(handler, event, [[6.2, width], [1, 2]]) for width in np.arange(2, 4.5, 0.1)}
    assert len(set(first.values())) == 2
    for width, digest in first.items():
        assert served_by(handler, event, [[1.0, width]]) == digest
    asked = post(event, {"data": [["x", 1]]})
    assert json.loads(handler.predict(asked, None)["body"])["code"] == "not-a-number"


def test_a_body_that_the_current_model_refuses_is_not_the_candidates(
    load: Load, event: LoadEvent, beside: Path
) -> None:
    put(beside, FILES / "1-trees-many.onnx")  # of other features
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="1", CANDIDATE_KEY="feature:x0")
    name = told(handler, event)["features"][0]["name"]
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="1", CANDIDATE_KEY=f"feature:{name}")
    answer = handler.predict(post(event, {"data": ROWS}), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "wrong-width")


def test_a_zero_is_a_zero_and_a_body_that_is_too_large_is_not_read(
    load: Load, event: LoadEvent, beside: Path, caplog: pytest.LogCaptureFixture
) -> None:
    environ = {"MODEL_URI": beside.as_uri(), "CANDIDATE_SHARE": "0.5", "MAX_BODY_BYTES": "60"}
    handler = load(**environ, CANDIDATE_KEY="feature:sepal width (cm)")
    assert len({served_by(handler, event, [[6.2, zero]]) for zero in (0, 0.0, -0.0)}) == 1
    answer = handler.predict(post(event, "{" * 100), None)
    assert json.loads(answer["body"])["code"] == "body-too-large"
    assert caplog.text == ""
    handler = load(**environ, CANDIDATE_KEY="feature:customer")
    assert len({served_by(handler, event, [[6.2, 3.4]]) for _ in range(50)}) == 2
    assert caplog.text.count("'customer', at which the model does not look") == 1


def test_in_the_shadow_it_is_only_compared(
    load: Load, event: LoadEvent, beside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = shadowed(load, event, beside)
    rows = [[4.0 + 0.1 * number, 2.0 + 0.05 * number] for number in range(40)]
    for kind in ({"data": rows}, {"data": rows, "probabilities": True}):
        answer = handler.predict(post(event, kind), None)
        assert answer["headers"]["x-model-sha256"] == told(handler, event)["sha256"]
    candidate = handler.scoring().catalog.front.candidate.served.loaded.model
    ours, theirs = (each.score(np.array(rows)) for each in (model_of(handler), candidate))
    differing = int((ours.prediction != theirs.prediction).sum())
    largest = float(np.abs(ours.probabilities - theirs.probabilities).max())
    assert differing > 0
    assert told(handler, event)["candidate"]["compared"] == {
        "calls": 2,
        "failures": 0,
        "rows": 80,
        "rows_differing": 2 * differing,
        "largest_difference": largest,
    }
    lines = [line for line in entries_of(capsys) if "CandidateRows" in line]
    assert [(line["CandidateRows"], line["CandidateRowsDiffering"]) for line in lines] == [(40, differing)] * 2
    assert lines[0]["message"].endswith(f"the candidate answers {differing} of 40 rows otherwise")
    assert lines[0]["ModelUri"] == beside.as_uri()
    assert lines[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Plume"


def test_a_candidate_that_cannot_score_a_call_breaks_none(
    load: Load, event: LoadEvent, beside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(beside.with_name("model.onnx.candidate"), FILES / "1-trees-many.onnx")
    handler = shadowed(load, event, beside)
    assert served_by(handler, event) == told(handler, event)["sha256"]
    assert told(handler, event)["candidate"]["compared"]["failures"] == 1
    [line] = [line for line in entries_of(capsys) if "CandidateFailures" in line]
    assert line["level"] == "WARN"
    assert line["message"].endswith("did not score a call: it takes other features, or in another order")


@pytest.mark.parametrize("bad", [b"no model", b""])
def test_a_candidate_that_is_broken_is_none(load: Load, event: LoadEvent, beside: Path, bad: bytes) -> None:
    beside.with_name("model.onnx.candidate").write_bytes(bad)
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="1")
    assert served_by(handler, event) == told(handler, event)["sha256"]
    assert told(handler, event)["candidate"]["rejected"]["code"] == "model-invalid"


def test_the_current_model_again_is_no_candidate(
    load: Load, event: LoadEvent, beside: Path, model_files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    put(beside.with_name("model.onnx.candidate"), model_files["stump"])
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="1", CANDIDATE_MODE="shadow")
    assert served_by(handler, event) == told(handler, event)["sha256"]
    assert told(handler, event)["candidate"]["compared"] is None


def test_without_a_share_there_is_no_candidate(load: Load, event: LoadEvent, beside: Path) -> None:
    handler = load(MODEL_URI=beside.as_uri())
    assert served_by(handler, event) == told(handler, event)["sha256"]
    assert "candidate" not in told(handler, event)


def test_a_candidate_on_s3_comes_and_goes(
    load: Load, event: LoadEvent, bucket: str, model_file: Path, model_files: Files, tmp_path: Path
) -> None:
    uri, tree = f"s3://{bucket}/models/model.onnx", tmp_path / "tree.onnx"
    put(tree, model_files["tree"])
    publish(model_file, uri)
    version_id = publish(tree, uri, force=True, candidate=True)
    handler = load(MODEL_URI=uri, CANDIDATE_SHARE="1", MODEL_TTL="0.000001")
    about = told(handler, event)
    assert about["candidate"]["serving"]["version_id"] == version_id
    assert served_by(handler, event) == about["candidate"]["serving"]["sha256"]
    withdraw(uri)
    wait_until(lambda: served_by(handler, event) == about["sha256"])  # it is looked at beside the calls
    assert told(handler, event)["candidate"]["serving"] is None


# What differs


def scores(prediction: list[Any], probabilities: Any = None) -> Scores:
    return Scores(np.array(prediction), None if probabilities is None else np.array(probabilities, float))


@pytest.mark.parametrize(
    ("ours", "theirs", "classes", "expected"),
    [
        (scores([1, 2]), scores([1, 3]), ([1, 2, 3], [1, 2, 3]), (2, 1, None)),
        (scores([1], [[0.25, 0.75]]), scores([1], [[0.5, 0.5]]), ([0, 1], [0, 1]), (1, 0, 0.25)),
        (scores([1], [[0.25, 0.75]]), scores([1], [[0.75, 0.25]]), ([0, 1], [1, 0]), (1, 0, 0.0)),
        (scores(["a"], [[0.25, 0.75]]), scores(["b"], [[0.75, 0.25]]), (["a", "c"], ["a", "b"]), (1, 1, None)),
        (scores([1.5, 2.0]), scores([1.0, 2.0]), ([], []), (2, 1, 0.5)),
        (scores([np.nan, 1.0]), scores([np.nan, np.inf]), ([], []), (2, 1, None)),
        (scores([1.0]), scores([1]), ([], [1, 2]), (1, 0, None)),
    ],
)
def test_what_differs(ours: Scores, theirs: Scores, classes: Any, expected: tuple[int, int, float | None]) -> None:
    assert compare(ours, theirs, *classes) == Difference(*expected)


DIALECTS: list[tuple[str, Any]] = [
    ("/v2/models/model/infer", {"inputs": [{"name": "x", "shape": [3, 2], "datatype": "FP64", "data": ROWS}]}),
    ("/v1/models/model:predict", {"instances": ROWS}),
    ("/invocations", {"inputs": ROWS}),
]


@pytest.mark.parametrize(("path", "body"), DIALECTS)
def test_it_has_its_share_in_every_dialect(
    load: Load, event: LoadEvent, beside: Path, model_files: Files, path: str, body: Any
) -> None:
    digests = {hashlib.sha256(model_files[name].read_bytes()).hexdigest() for name in ("stump", "tree")}
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="0.5", CANDIDATE_KEY="feature:sepal length (cm)")
    first = served_by(handler, event)
    sent = request(event, "POST", path, json.dumps(body))
    answers = [handler.predict(sent, None) for _ in range(20)]
    assert {answer["headers"]["x-model-sha256"] for answer in answers} == {first}  # of the same key
    shares = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="0.5")
    found = {shares.predict(sent, None)["headers"]["x-model-sha256"] for _ in range(60)}
    assert found == digests


def test_a_call_for_a_version_is_answered_by_no_other(load: Load, event: LoadEvent, beside: Path) -> None:
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="1")
    version = told(handler, event)["serving"]["sha256"][:16]
    sent = request(event, "POST", f"/v1/models/model/versions/{version}:predict", json.dumps({"instances": ROWS}))
    assert handler.predict(sent, None)["headers"]["x-model-version"] == version
    assert served_by(handler, event)[:16] != version


def test_one_that_takes_features_in_another_order_answers_no_call(
    load: Load, event: LoadEvent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2))
    for name, columns in (("model.onnx", ["a", "b"]), ("other.onnx", ["b", "a"])):
        table = pd.DataFrame(rows, columns=["a", "b"])[columns]
        fitted = tmp_path / f"{columns[0]}.joblib"
        joblib.dump(DecisionTreeRegressor(random_state=0).fit(table, rows @ [1, 10]), fitted)
        export(fitted, tmp_path / name, name="order")
    (tmp_path / "other.onnx").rename(tmp_path / "model.onnx.candidate")
    handler = load(MODEL_URI=(tmp_path / "model.onnx").as_uri(), CANDIDATE_SHARE="1")
    assert served_by(handler, event, rows[:1].tolist()) == told(handler, event)["sha256"]
    assert told(handler, event)["candidate"]["compared"]["failures"] == 1
    assert '"CandidateFailures": 1' in capsys.readouterr().out


def test_the_version_that_an_answer_names_is_there(load: Load, event: LoadEvent, beside: Path) -> None:
    handler = load(MODEL_URI=beside.as_uri(), CANDIDATE_SHARE="1")
    sent = request(event, "POST", "/v1/models/model:predict", json.dumps({"instances": ROWS}))
    version = handler.predict(sent, None)["headers"]["x-model-version"]
    assert version != told(handler, event)["sha256"][:16]
    assert handler.predict(request(event, "GET", f"/v2/models/model/versions/{version}"), None)["statusCode"] == 200
