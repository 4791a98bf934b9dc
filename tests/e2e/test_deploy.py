"""`serverless deploy` on an AWS emulator, and the HTTP API that it makes."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from convert.model_file.publish import publish
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from scripts.gateway import Gateway
from tests.clients.case import Case
from tests.conftest import TESTS
from tests.e2e.fronts import forwarding, queue, rest_api
from tests.e2e.stateful import OBJECTS, Door, check_closed, document_of, through
from tests.lambda_fn.codecs.test_npy_rows import npy_of
from tests.served import served

pytestmark = pytest.mark.e2e

SECONDS = 60.0
MANY = json.dumps({"data": [[6.2, 3.4]] * 1000})
ROWS = '{"data": [[6.2, 3.4], [6.2, 1]]}'


@pytest.fixture
def published(deployment: Deployment, aws: Emulator, model_file: Path) -> str:
    """The id of a version of the model that has just been published where the deployment reads it."""
    return publish(model_file, deployment.outputs()["ModelUri"])


def test_functions_layer_cors_and_logs_are_as_declared(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    predict = resources["PredictLambdaFunction"]["Properties"]
    assert (predict["Runtime"], predict["MemorySize"], predict["Layers"]) == (
        "python3.13",
        512,
        [{"Ref": "RuntimeLambdaLayer"}],
    )
    assert "Layers" not in resources["ObjectsLambdaFunction"]["Properties"]
    assert predict["Environment"]["Variables"]["BASE_PATH"] == "/"
    assert resources["RuntimeLambdaLayer"]["Properties"]["CompatibleRuntimes"] == ["python3.13"]
    assert resources["PredictLogGroup"]["Properties"]["RetentionInDays"] == 14
    cors = resources["HttpApi"]["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["*"]
    assert {"GET", "POST", "PUT"} <= set(cors["AllowMethods"])
    for route in ("HttpApiRouteGetObjectsKeyVar", "HttpApiRoutePutObjectsKeyVar"):
        assert resources[route]["Properties"]["AuthorizationType"] == "AWS_IAM"


def test_the_function_ships_nothing_but_its_own_code_and_bytecode(package: Path) -> None:
    import zipfile
    from importlib.util import cache_from_source

    with zipfile.ZipFile(package / "plume.zip") as archive:
        names = set(archive.namelist())
    sources = {path.relative_to(TESTS.parent) for path in (TESTS.parent / "lambda_fn").rglob("*.py")}
    shipped = {str(path) for path in sources} | {cache_from_source(path) for path in sources}
    assert names == {*shipped, "lambda_fn/page/docs.html"}


def test_without_a_model_the_service_is_up_and_says_what_to_do(gateway: Gateway, deployment: Deployment) -> None:
    assert gateway.call("GET", "/").json() == {"status": "up"}
    answer = gateway.call("POST", "/predict", ROWS)
    assert (answer.status, answer.json()["code"]) == (503, "model-not-published")
    assert "python -m convert publish" in answer.json()["detail"]
    assert "s3://" not in answer.body


def test_scoring_over_rest(gateway: Gateway, published: str) -> None:
    answer = gateway.call("POST", "/predict", ROWS)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == '{"prediction": [2, 1]}'
    assert gateway.call("POST", "/predict?probabilities=true", ROWS).json()["classes"] == [0, 1, 2]
    assert gateway.call("GET", "/model").json()["version_id"] == published


def test_csv_and_npy_over_rest(gateway: Gateway, published: str) -> None:
    csv = gateway.call("POST", "/predict", "6.2,3.4\n6.2,1\n", headers={"Content-Type": "text/csv"})
    assert (csv.status, csv.headers["content-type"], csv.body) == (200, "text/csv; charset=utf-8", "prediction\n2\n1\n")

    rows = np.tile([[6.2, 3.4], [6.2, 1.0]], (10_000, 1))
    npy = gateway.call("POST", "/predict", npy_of(rows), headers={"Content-Type": "application/x-npy"})
    assert (npy.status, npy.headers["content-type"]) == (200, "application/x-npy")
    assert npy.content == npy_of(np.tile([2, 1], 10_000))

    headers = {"Content-Type": "application/x-npy", "Accept": "application/json"}
    assert gateway.call("POST", "/predict", npy_of(rows[:2]), headers=headers).json() == {"prediction": [2, 1]}


def test_errors_reach_the_client_as_they_are(gateway: Gateway, published: str) -> None:
    for method, path, body, headers, status, code in (
        ("POST", "/predict", '{"data": [[6.2]]}', {}, 400, "wrong-width"),
        ("POST", "/predict", "{", {}, 400, "malformed-json"),
        ("POST", "/predict", "<p>", {"Content-Type": "text/html"}, 415, "unsupported-media-type"),
        ("POST", "/predict", ROWS, {"Accept": "text/html"}, 406, "not-acceptable"),
        ("POST", "/predict", "6.2,x", {"Content-Type": "text/csv"}, 400, "not-a-number"),
        ("POST", "/predict", b"\x93NUMPY\xff", {"Content-Type": "application/x-npy"}, 400, "malformed-npy"),
        ("GET", "/predict", None, {}, 405, "method-not-allowed"),
        ("DELETE", "/objects/a", None, {}, 405, "method-not-allowed"),
        ("GET", "/nowhere", None, {}, 404, "not-found"),
    ):
        answer = gateway.call(method, path, body, headers=headers)
        assert (answer.status, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers.get("allow") == {"/predict": "POST", "/objects/a": "GET, PUT"}.get(
            path if status == 405 else ""
        )


def test_other_dialects_and_packed_bodies_over_rest(gateway: Gateway, published: str) -> None:
    data = np.array([[6.2, 3.4], [6.2, 1.0]]).tobytes()
    told = {"name": "x", "shape": [2, 2], "datatype": "FP64", "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [told], "outputs": [{"name": "prediction", "parameters": {"binary_data": True}}]})
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    answer = gateway.call("POST", "/v2/models/iris/infer", head.encode() + data, headers=headers)
    size = int(answer.headers["inference-header-content-length"])
    assert json.loads(answer.content[:size])["model_version"] == answer.headers["x-model-version"]
    assert np.frombuffer(answer.content[size:], np.int64).tolist() == [2, 1]

    assert gateway.call("POST", "/invocations", '{"inputs": [[6.2, 3.4]]}').json() == {"predictions": [2]}
    assert gateway.call("POST", "/v1/models/iris:predict", '{"instances": [[6.2, 3.4]]}').json() == {"predictions": [2]}

    headers = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip", "Content-Type": "application/x+json"}
    packed = gateway.call("POST", "/predict", gzip.compress(MANY.encode()), headers=headers)
    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.content)) == {"prediction": [2] * 1000}


def test_tritonclient_calls_the_deployed_service(gateway: Gateway, published: str, estimator: Any) -> None:
    table = pd.DataFrame({"sepal length (cm)": [6.2, 5.0, 6.2], "sepal width (cm)": [3.4, 2.0, 1.0]})
    with served(forwarding(gateway)) as url:
        case = Case(url, "iris", table, estimator)
        found = case.says("triton", "clients", url.removeprefix("http://"), case.name)
    for name in ("binary", "json"):
        for answer in (found[name], *found[f"{name}, compressed"], found[f"{name}, by name"]):
            case.check(answer["outputs"])
    assert [found[name] for name in ("live", "ready", "model ready", "no model ready")] == [True, True, True, False]


def test_a_rest_api_in_front_works_as_the_http_api_does(deployment: Deployment, published: str) -> None:
    api = rest_api(deployment)
    assert api.call("GET", "/prod/").json() == {"status": "up"}
    assert api.call("POST", "/prod/predict", ROWS).body == '{"prediction": [2, 1]}'
    rows = np.array([[6.2, 3.4], [6.2, 1.0]])
    headers = {"Content-Type": "application/x-npy", "Accept": "application/x-npy"}
    assert api.call("POST", "/prod/predict", npy_of(rows), headers=headers).content == npy_of(np.array([2, 1]))
    assert api.call("GET", "/prod/v2/models/iris/ready").json() == {"name": "iris", "ready": True}
    several = api.call("POST", "/prod/predict?probabilities=true&probabilities=false", ROWS)
    assert (several.status, several.json()["code"]) == (400, "invalid-query")


def test_a_queue_in_front_has_its_messages_scored(deployment: Deployment, published: str) -> None:
    bucket = deployment.outputs()["ModelUri"].removeprefix("s3://").partition("/")[0]
    url = queue(deployment, RESULTS_URI=f"s3://{bucket}/results/")
    sent = {
        body: deployment.client("sqs").send_message(QueueUrl=url, MessageBody=body)["MessageId"]
        for body in (ROWS, '{"data": [[6.2]]}')
    }
    stored = f"results/{sent[ROWS]}"
    end = time.monotonic() + 60
    while True:
        listed = deployment.client("s3").list_objects_v2(Bucket=bucket, Prefix="results/")
        if keys := [each["Key"] for each in listed.get("Contents", [])]:
            break
        assert time.monotonic() < end, "no message was scored"
        time.sleep(0.2)
    assert keys == [stored]
    assert deployment.client("s3").get_object(Bucket=bucket, Key=stored)["Body"].read() == b'{"prediction": [2, 1]}'


def keys_of(client: Any, bucket: str, prefix: str) -> list[str]:
    listed = client.list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", [])]


def test_a_table_that_arrives_is_scored_by_itself(deployment: Deployment, published: str, estimator: Any) -> None:
    client, outputs = deployment.client("s3"), deployment.outputs()
    bucket, _, prefix = outputs["BulkInput"].removeprefix("s3://").partition("/")
    rows = np.random.default_rng(19).uniform(0, 9, (1000, 2)).round(2)
    body = pd.DataFrame(rows).to_csv(index=False, header=False).encode()
    tables = ("_hidden.csv", "plain.csv", "a b+c%20'\"ü.csv")
    etags = [client.put_object(Bucket=bucket, Key=prefix + name, Body=body)["ETag"].strip('"') for name in tables]
    end, found = time.monotonic() + 120, []
    for name, etag in [*zip(tables, etags, strict=True)][1:]:
        begin = f"{outputs['BulkOutput']}{name}/{etag}-".removeprefix(f"s3://{bucket}/")
        while not (done := [key for key in keys_of(client, bucket, begin) if key.endswith("/_SUCCESS.json")]):
            assert time.monotonic() < end, f"{begin} was not written"
            time.sleep(0.2)
        key = done[0].removesuffix("_SUCCESS.json")
        [part] = keys_of(client, bucket, f"{key}part-")
        answers = pd.read_csv(client.get_object(Bucket=bucket, Key=part)["Body"])
        assert list(answers) == ["prediction"]
        np.testing.assert_array_equal(answers["prediction"], estimator.predict(rows))
        found.append(f"s3://{bucket}/{key}")
        assert "SUCCEEDED" in deployment.convert("status", found[-1])
    listing = deployment.convert("list")
    assert all(f"→ {output} " in listing for output in found)
    assert "_hidden.csv" not in listing


@pytest.mark.usefixtures("published")
def test_what_is_scored_is_captured_and_compared(
    gateway: Gateway, deployment: Deployment, training_rows: NDArray[np.float64]
) -> None:
    client, uri = deployment.client("s3"), deployment.outputs()["ModelUri"]
    bucket = uri.split("/")[2]
    body = json.dumps({"data": np.add(training_rows[:100], [0, 1]).tolist()})
    end = time.monotonic() + SECONDS
    word = "too few rows"  # of calls before, perhaps
    while word == "too few rows":
        assert time.monotonic() < end, "nothing is captured"
        before = len(keys_of(client, bucket, "captured/model=model/"))
        while len(keys_of(client, bucket, "captured/model=model/")) == before and time.monotonic() < end:
            assert gateway.call("POST", "/predict", body).status == 200
        found = json.loads(deployment.convert("drift", f"s3://{bucket}/captured/model=model/", "--json"))
        word = {each["name"]: each["word"] for each in found["features"]}["sepal width (cm)"]
    assert word == "large"
    assert all(each["compared"] for each in found["versions"])


def test_objects_take_signed_callers_only(gateway: Gateway) -> None:
    for method, body in (("PUT", '{"hello": "world"}'), ("GET", None)):
        assert gateway.call(method, "/objects/note", body).status == 403
    assert gateway.call("GET", "/objects/note", signed=True).status == 404
    assert gateway.call("PUT", "/objects/note", '{"hello": "world"}', signed=True).json()["key"] == "note"
    assert gateway.call("GET", "/objects/note", signed=True).body == '{"hello": "world"}'
    assert gateway.call("PUT", "/objects/note", "no json", signed=True).json()["code"] == "malformed-json"


def test_what_one_call_tells_others_take(gateway: Gateway, published: str) -> None:
    calls, found = through(gateway, Door(), document_of(gateway, Door()))
    assert found == []
    reached = {label for label, status in calls if status == 200}
    assert {"GET /models/{name}", "GET /v1/models/iris/versions/{version}"} <= reached
    assert {"GET /v2/models/iris/versions/{version}", "GET /v2/models/iris/versions/{version}/ready"} <= reached


def test_objects_that_were_put_are_got_by_who_signs(gateway: Gateway) -> None:
    door = Door(signed=True, refused=403)
    check_closed(gateway, door, OBJECTS)
    calls, found = through(gateway, door, OBJECTS)
    assert found == []
    assert {("PUT /objects/{key}", 200), ("GET /objects/{key}", 200)} <= set(calls)


def test_serverless_invoke(deployment: Deployment, published: str) -> None:
    events = TESTS / "events"
    direct = deployment.serverless("invoke", "-f", "predict", "--path", str(events / "predict-direct.json"))
    assert json.loads(direct) == {"prediction": [2, 1]}
    rest = deployment.serverless("invoke", "-f", "predict", "--path", str(events / "predict-rest-api.json"))
    assert json.loads(rest)["body"] == '{"prediction": [2, 1]}'


def test_serverless_invoke_local(deployment: Deployment, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_URI", model_file.as_uri())
    path = TESTS / "events" / "predict-http-api.json"
    result = deployment.serverless("invoke", "local", "-f", "predict", "--path", str(path))
    line, _, answer = result.lstrip().partition("\n")  # as deployed, the function tells of the call first
    assert json.loads(line)["message"] == "POST /predict 200"
    assert json.loads(line)["calls"] == 1
    assert json.loads(answer)["body"] == '{"prediction": [2, 1]}'
    assert json.loads(answer)["headers"]["server-timing"].startswith("total;dur=")


def test_remove_takes_the_service_and_leaves_what_was_stored(
    deployment: Deployment, gateway: Gateway, published: str
) -> None:
    bucket = deployment.outputs()["ModelUri"].removeprefix("s3://").partition("/")[0]
    deployment.serverless("remove")
    assert gateway.call("GET", "/").status == 404
    stored = deployment.client("s3").get_object(Bucket=bucket, Key="models/model.onnx")
    assert stored["VersionId"] == published
