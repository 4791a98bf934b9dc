"""The line of the log that each call has: whole lines, of calls of every kind."""

import copy
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import TESTS, LoadEvent
from tests.lambda_fn.conftest import Load, model_of
from tests.lambda_fn.posts import CSV, NPY, body_of, post, request
from tests.lambda_fn.telemetry.lines import ALL, REQUEST_ID, TIMES, Context, lines_of, metrics_of, shown
from tests.lambda_fn.test_unrequested import GOOD, with_bodies

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FUNCTION = "plume-test-predict"


@pytest.fixture
def told(load: Load, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function `predict` that tells of everything."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", FUNCTION)
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    return load(MODEL_URI=model_file.as_uri(), **ALL)


def test_a_call_has_one_line(
    told: ModuleType, event: LoadEvent, whose: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    sent = event("predict-http-api")
    answer = told.predict(sent, Context())
    told.predict(sent, Context())
    first, second = lines_of(capsys)
    expected = {
        "level": "INFO",
        "message": "POST /predict 200",
        "requestId": REQUEST_ID,
        "gateway_request_id": sent["requestContext"]["requestId"],
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "sender": "payload_2",
        "dialect": "json",
        "model": "iris",
        "model_version": whose["x-model-version"],
        "bytes_in": len(sent["body"]),
        "bytes_out": len(answer["body"]),
        "rows": 2,
        "calls": 1,
        "Function": FUNCTION,
    }
    assert shown(first) == {**expected, "cold": True, "cold_starts": 1}
    assert shown(second) == {**expected, "cold": False}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["timestamp"])
    times = {name: first[name] for name in TIMES if name in first}
    assert times.keys() == {"total_ms", "parse_ms", "score_ms", "encode_ms"}
    assert sum(times.values()) == pytest.approx(2 * times["total_ms"], abs=0.01)
    assert metrics_of(first) == {key: [["Function"]] for key in [*times, "calls", "cold_starts", "rows"]}
    assert answer["headers"]["server-timing"] == ", ".join(f"{name[:-3]};dur={times[name]:.3f}" for name in times)


REFUSED = [
    ('{"data": [[6.2, 3.4], [6.2, "x"]]}', 400, "not-a-number", {"row": 1, "column": 1}),
    ('{"data": [[6.2, 3.4], [6.2]]}', 400, "ragged-rows", {"row": 1}),
    ("{", 400, "malformed-json", {}),
]


@pytest.mark.parametrize(("body", "status", "code", "place"), REFUSED)
def test_of_an_error_it_has_the_code_and_the_place(
    told: ModuleType,
    event: LoadEvent,
    capsys: pytest.CaptureFixture[str],
    body: str,
    status: int,
    code: str,
    place: Any,
) -> None:
    answer = told.predict(post(event, body), None)
    [line] = lines_of(capsys)
    assert (line["level"], line["status"], line["code"], line["errors"]) == ("WARN", status, code, 1)
    assert {name: line[name] for name in ("row", "column") if name in line} == place
    assert metrics_of(line)["errors"] == [["Function"], ["Function", "Code"]]
    assert {"parse_ms", "score_ms"} & line.keys() == {"parse_ms"}
    assert line["bytes_out"] == len(answer["body"])
    assert "server-timing" in answer["headers"]
    assert answer["body"].partition('"detail": "')[2][:10] not in json.dumps(line)


def test_a_failure_of_the_service_is_told_without_its_words(
    told: ModuleType, event: LoadEvent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(model_of(told), "score", fail)
    told.predict(event("predict-http-api"), None)
    [line] = lines_of(capsys)
    assert (line["level"], line["code"], line["rows"]) == ("ERROR", "internal-error", 2)
    assert {"parse_ms", "score_ms", "encode_ms"} & line.keys() == {"parse_ms", "score_ms"}
    counted = ("calls", "cold_starts", "faults", "errors", "Code", "Function")
    assert [line[name] for name in counted] == [1, 1, 1, 1, "internal-error", FUNCTION]
    counts = [{"Name": name, "Unit": "Count"} for name in ("calls", "cold_starts", "faults", "rows")]
    times = [{"Name": name, "Unit": "Milliseconds"} for name in ("total_ms", "parse_ms", "score_ms")]
    errors = {"Dimensions": [["Function"], ["Function", "Code"]], "Metrics": [{"Name": "errors", "Unit": "Count"}]}
    assert line["_aws"]["CloudWatchMetrics"] == [
        {"Namespace": "Plume", "Dimensions": [["Function"]], "Metrics": counts + times},
        {"Namespace": "Plume", **errors},
    ]


PATHS = [
    ("GET", "/", "/", 200),
    ("GET", "/model", "/model", 200),
    ("GET", "/docs", "/docs", 200),
    ("GET", "/predict", "/predict", 405),
    *[(method, "/predict", "/predict", 405) for method in ("DELETE", "HEAD", "PATCH", "PUT")],
    ("OPTIONS", "/predict", "/predict", 204),
    ("POST", "/predict/", "/predict", 200),
    ("POST", "/models/a-secret/predict", "/models/{name}/predict", 404),
    ("GET", "/models/a-secret", "/models/{name}", 404),
    ("GET", "/objects/a-secret", "/objects/{key}", 404),
    ("GET", "/a-secret", "none", 404),
    ("GET", "/predict/a-secret", "none", 404),
    ("GET", "/v2/a-secret", "none", 404),
    ("GET", "/v2/models/a-secret", "/v2/models/{name}", 404),
    ("POST", "/v1/models/tree:predict", "/v1/models/{name}:predict", 400),
    ("GET", "/v1/models/iris:predict", "/v1/models/{name}:predict", 405),
    ("GET", "/health", "/health", 200),
    ("BREW", "/predict", "/predict", 405),
    ('BR"EW\n', "/predict", "/predict", 405),
]


@pytest.mark.parametrize(("method", "path", "route", "status"), PATHS)
def test_its_route_is_one_of_a_few(
    load: Load,
    model_files: dict[str, Path],
    event: LoadEvent,
    capsys: pytest.CaptureFixture[str],
    method: str,
    path: str,
    route: str,
    status: int,
) -> None:
    file = model_files["tree"]
    told = load(MODEL_URI=file.as_uri(), MODELS_URI=f"{file.parent.as_uri()}/", **ALL)
    told.predict(request(event, method, path, GOOD), None)
    [line] = lines_of(capsys)
    assert (line["route"], line["status"]) == (route, status)
    assert line["method"] == ("other" if method.startswith("BR") else method)
    assert "a-secret" not in json.dumps(line)


def test_a_model_is_called_as_in_the_path(
    load: Load, model_files: dict[str, Path], event: LoadEvent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, name in (("small", "stump"), ("large", "forest")):
        shutil.copyfile(model_files[name], tmp_path / f"{path}.onnx")
    told = load(MODELS_URI=f"{tmp_path.as_uri()}/", **ALL)
    told.predict(request(event, "POST", "/models/small/predict", GOOD), None)
    told.predict(request(event, "POST", "/v2/models/large/infer", json.dumps(OIP)), None)
    stump, forest = lines_of(capsys)
    assert (stump["model"], stump["dialect"], stump["rows"]) == ("small", "json", 1)
    assert (forest["model"], forest["dialect"], forest["rows"]) == ("large", "open_inference", 2)
    assert stump["reload_ms"] > 0
    assert stump["reload_ms"] + stump["parse_ms"] < stump["total_ms"]


OIP = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [6.2, 3.4, 5, 3]}]}


@pytest.mark.parametrize(
    ("name", "sender", "dialect"),
    [
        ("predict-direct", "direct", "json"),
        ("predict-rest-api", "payload_1", "json"),
        ("predict-load-balancer", "balancer", "json"),
        ("predict-load-balancer-multi", "balancer_multi", "json"),
        ("predict-http-api-npy", "payload_2", "npy"),
        ("predict-http-api-csv", "payload_2", "csv"),
    ],
)
def test_senders_and_dialects(
    told: ModuleType, event: LoadEvent, capsys: pytest.CaptureFixture[str], name: str, sender: str, dialect: str
) -> None:
    sent = event(name)
    answer = told.predict(sent, None)
    [line] = lines_of(capsys)
    assert (line["sender"], line["dialect"], line["rows"]) == (sender, dialect, 2)
    headers = answer.get("multiValueHeaders", answer.get("headers", {}))
    assert ("server-timing" in headers) == (sender != "direct")
    if sender == "direct":
        assert (line["bytes_in"], line["bytes_out"]) == (len(json.dumps(sent)), len(json.dumps(answer)))
    else:
        assert (line["bytes_in"], line["bytes_out"]) == (len(body_of(sent)), len(body_of(answer)))


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_bytes_are_counted_as_they_go_over_the_wire(
    told: ModuleType, event: LoadEvent, capsys: pytest.CaptureFixture[str], rows: int
) -> None:
    sent = request(event, "POST", "/predict", "6.2,3.4\n" * rows, {"content-type": CSV, "accept": NPY})
    answer = told.predict(sent, None)
    assert answer["isBase64Encoded"]
    [line] = lines_of(capsys)
    assert line["bytes_out"] == len(body_of(answer))


def test_an_event_that_is_not_read_has_a_line(
    told: ModuleType, event: LoadEvent, capsys: pytest.CaptureFixture[str]
) -> None:
    told.predict(event("predict-http-api") | {"body": 7, "requestContext": None}, Context())
    [line] = lines_of(capsys)
    assert (line["method"], line["route"], line["code"]) == ("none", "none", "malformed-event")
    assert line["requestId"] == REQUEST_ID


def test_each_message_of_a_queue_has_a_line(
    told: ModuleType, event: LoadEvent, capsys: pytest.CaptureFixture[str]
) -> None:
    told.predict(with_bodies(event("unrequested/queue-sqs"), GOOD, "{", 7), Context())
    lines = [line for line in lines_of(capsys) if "route" in line]
    assert [(line["message_id"], line["status"], line.get("code")) for line in lines] == [
        ("0", 200, None),
        ("1", 400, "malformed-json"),
        ("2", 400, "malformed-event"),
    ]
    assert {(line["sender"], line["requestId"]) for line in lines} == {("sqs", REQUEST_ID)}
    assert lines[0]["rows"] == 1
    assert lines[0]["bytes_out"] > 0


FORGED = 'x"} {"level": "ERROR"\n{"route": "forged"}'


@pytest.mark.parametrize("forged", [FORGED, "forged\x7f", "forgedé", "forged" * 22])
def test_nothing_that_comes_in_forges_a_line(
    told: ModuleType, event: LoadEvent, capsys: pytest.CaptureFixture[str], forged: str
) -> None:
    class Forger:
        aws_request_id = forged

    headers = {"traceparent": forged, "content-type": f"application/{forged}", forged: forged}
    sent = request(event, forged, f"/models/{forged}/predict", forged, headers)
    sent["requestContext"]["requestId"] = forged
    told.predict(sent, Forger())
    told.predict(post(event, {"data": [[1, forged]]}) | {"queryStringParameters": {"probabilities": forged}}, Forger())
    record = with_bodies(event("unrequested/queue-sqs"), GOOD)
    record["Records"][0]["messageId"] = forged
    told.predict(record, Forger())
    lines = [line for line in lines_of(capsys) if "route" in line]
    assert len(lines) == 3
    assert "forged" not in json.dumps(lines)


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("predict-http-api", "traceparent"),  # it writes all names so, and others as they came
        *[("predict-rest-api", name) for name in ("traceparent", "Traceparent", "TraceParent", "TRACEPARENT")],
    ],
)
def test_traces_are_passed_on(
    told: ModuleType,
    event: LoadEvent,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sender: str,
    name: str,
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    sent = copy.deepcopy(event(sender))
    sent["headers"][name] = TRACE
    sent.get("multiValueHeaders", {})[name] = [TRACE]
    told.predict(sent, None)
    told.predict(event(sender), None)
    line, without = lines_of(capsys)
    assert (line["trace_id"], line["parent_id"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert line["xray_trace_id"] == without["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert "trace_id" not in without


def test_errors_alone_are_logged_and_all_are_counted(
    load: Load, model_file: Path, event: LoadEvent, capsys: pytest.CaptureFixture[str]
) -> None:
    told = load(MODEL_URI=model_file.as_uri(), LOG_CALLS="errors", METRICS="true")
    answer = told.predict(event("predict-http-api"), None)
    told.predict(post(event, "{"), None)
    counted, logged = lines_of(capsys)
    assert shown(counted) == {"calls": 1, "cold_starts": 1, "rows": 2, "Function": "local"}
    assert logged["message"] == "POST /predict 400"
    assert "server-timing" not in answer["headers"]
    told = load(MODEL_URI=model_file.as_uri(), LOG_CALLS="errors")
    told.predict(event("predict-http-api"), None)
    told.predict(post(event, "{"), None)
    [line] = lines_of(capsys)
    assert line["code"] == "malformed-json"
    assert "_aws" not in line
    assert "calls" not in line


@pytest.mark.parametrize(("settings", "imported"), [({"LOG_INPUTS": "true"}, []), (ALL, ["lambda_fn.calls"])])
def test_what_is_off_or_of_few_calls_is_not_even_imported(
    model_file: Path, settings: dict[str, str], imported: list[str]
) -> None:
    code = f"""
import json, sys
from lambda_fn import handler
event = json.loads(open({str(TESTS / "events" / "predict-http-api.json")!r}).read())
assert ("server-timing" in handler.predict(event, None)["headers"]) == {bool(imported)}
print([name for name in sys.modules if name.startswith(("lambda_fn.calls", "lambda_fn.telemetry"))], file=sys.stderr)
"""
    environ = {"MODEL_URI": model_file.as_uri(), **settings}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, cwd=TESTS.parent)
    assert done.stderr == f"{imported}\n"
