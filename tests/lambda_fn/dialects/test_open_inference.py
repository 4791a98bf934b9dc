"""The Open Inference Protocol: whole events in, whole answers out; what real clients send is in tests/clients/."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_fn.dialects.tensors import DTYPES
from tests.conftest import FEATURES, LoadEvent
from tests.lambda_fn.conftest import Load, anew
from tests.lambda_fn.dialects.conftest import ROWS, Call, infer, tensor
from tests.lambda_fn.mixed import mixed
from tests.lambda_fn.posts import body_of, request


def test_what_a_model_takes_and_answers(call: Call, whose: dict[str, str]) -> None:
    assert call("GET", "/v2/models/iris") == (
        200,
        {
            "name": "iris",
            "versions": [whose["x-model-version"]],
            "platform": "onnx_onnxv1",
            "inputs": [{"name": name, "datatype": "FP64", "shape": [-1, 1]} for name in FEATURES],
            "outputs": [
                {"name": "prediction", "datatype": "INT64", "shape": [-1]},
                {"name": "probabilities", "datatype": "FP64", "shape": [-1, 3], "parameters": {"labels": "[0, 1, 2]"}},
            ],
            "parameters": {
                "matrix": "instead of these, one input of any name, [-1, 2], the features in the order of GET /model"
            },
        },
    )


@pytest.mark.parametrize(
    "inputs",
    [
        [tensor("anything", [2, 2], "FP64", [6.2, 3.4, 6.2, 1.0])],
        [tensor("anything", [2, 2], "FP64", ROWS)],
        [tensor(FEATURES[1], [2], "FP64", [3.4, 1]), tensor(FEATURES[0], [2, 1], "FP64", [[6.2], [6.2]])],
        [tensor(FEATURES[1], [2, 1], "FP64", [3.4, 1]), tensor(FEATURES[0], [2], "FP64", [6.2, 6.2])],
    ],
)
def test_inputs_are_a_matrix_or_features(call: Call, inputs: list[Any], whose: dict[str, str]) -> None:
    status, answer = infer(call, *inputs, id="a", outputs=[{"name": "prediction"}])
    told = {"model_name": "iris", "model_version": whose["x-model-version"], "id": "a"}
    output = {"name": "prediction", "datatype": "INT64", "shape": [2], "data": [2, 1]}
    assert (status, answer) == (200, {**told, "outputs": [output]})


@pytest.mark.parametrize("datatype", sorted(DTYPES.keys() - {"BOOL"}))
def test_numbers_of_every_datatype_count_as_they_are(call: Call, estimator: Any, datatype: str) -> None:
    values = (np.array(ROWS) + 0.1).astype(DTYPES[datatype])
    expected = estimator.predict_proba(values.astype(np.float64)).ravel()
    for data in (values.tolist(), values.ravel().tolist()):
        _, answer = infer(call, tensor("x", [2, 2], datatype, data))
        assert np.abs(np.array(answer["outputs"][1]["data"]) - expected).max() <= 1e-15


def test_numbers_of_json_are_in_the_precision_of_their_datatype(call: Call, estimator: Any) -> None:
    _, answer = infer(call, tensor("x", [1, 2], "FP16", [6.2, 3.4]))
    expected = estimator.predict_proba(np.array([[6.2, 3.4]], np.float16).astype(np.float64)).ravel()
    assert np.abs(np.array(answer["outputs"][1]["data"]) - expected).max() <= 1e-15


def binary_parts(answer: Any) -> tuple[Any, bytes]:
    size = int(answer["headers"]["inference-header-content-length"])
    body = body_of(answer)
    return json.loads(body[:size]), body[size:]


def test_bytes_in_and_bytes_out(handler: ModuleType, event: LoadEvent, estimator: Any) -> None:
    data = np.array(ROWS).tobytes()
    told = {"name": "x", "shape": [2, 2], "datatype": "FP64", "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [told], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    answer = handler.predict(request(event, "POST", "/v2/models/iris/infer", head + data, headers), None)
    assert answer["headers"]["content-type"] == "application/octet-stream"
    document, parts = binary_parts(answer)
    sizes = [each["parameters"]["binary_data_size"] for each in document["outputs"]]
    assert sizes == [16, 48]
    assert np.frombuffer(parts[:16], np.int64).tolist() == [2, 1]
    assert np.abs(np.frombuffer(parts[16:]).reshape(2, 3) - estimator.predict_proba(ROWS)).max() <= 1e-15


@pytest.mark.parametrize(
    ("asked", "whole", "binary"),
    [(True, False, True), (False, True, False), (None, True, True), (None, False, False), (None, None, False)],
)
def test_the_word_of_an_output_wins(
    handler: ModuleType, event: LoadEvent, asked: bool | None, whole: bool | None, binary: bool
) -> None:
    output = {"name": "prediction"} | ({} if asked is None else {"parameters": {"binary_data": asked}})
    body: dict[str, Any] = {"inputs": [tensor("x", [2, 2], "FP64", ROWS)], "outputs": [output]}
    body |= {} if whole is None else {"parameters": {"binary_data_output": whole}}
    answer = handler.predict(request(event, "POST", "/v2/models/iris/infer", json.dumps(body)), None)
    assert ("inference-header-content-length" in answer["headers"]) is binary


def test_a_body_without_json_is_the_matrix(call: Call) -> None:
    headers = {"inference-header-content-length": "0"}
    status, answer = call("POST", "/v2/models/iris/infer", np.array(ROWS).tobytes(), headers)
    assert (status, answer["outputs"][0]["data"]) == (200, [2, 1])
    status, answer = call("POST", "/v2/models/iris/infer", b"\0" * 17, headers)
    assert (status, answer) == (400, {"error": "the body has 17 bytes, a row of 2 numbers of FP64 takes 16"})


def test_long_lists_are_no_deep_ones(call: Call) -> None:
    rows = [[6.2, 3.4]] * 101_000
    status, answer = infer(call, tensor("x", [101_000, 2], "FP64", rows), outputs=[{"name": "prediction"}])
    assert (status, len(answer["outputs"][0]["data"])) == (200, 101_000)


def test_who_is_not_there(call: Call) -> None:
    for path in ("/v2/models/nobody", "/v2/models/nobody/ready", "/v2/models/iris/versions/0", "/v2/nowhere"):
        status, answer = call("GET", path)
        assert (status, answer.keys()) == (404, {"error"})
    status, answer = call("GET", "/v2/models/iris/infer")
    assert (status, answer) == (405, {"error": "/v2/models/iris/infer takes POST, not GET"})


def test_without_a_model_it_is_live_and_not_ready(load: Load, event: LoadEvent, tmp_path: Path) -> None:
    handler = load(MODEL_URI=(tmp_path / "none.onnx").as_uri())
    paths = {"/v2/health/live": 200, "/v2": 200, "/v2/health/ready": 503, "/v2/models/iris": 503, "/ping": 503}
    answers = {path: handler.predict(request(event, "GET", path), None) for path in paths}
    assert {path: answer["statusCode"] for path, answer in answers.items()} == paths
    assert json.loads(answers["/v2/health/ready"]["body"]).keys() == {"error"}
    assert answers["/v2/health/ready"]["headers"]["retry-after"] == "5"


@pytest.fixture(scope="module")
def strings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ModuleType, pd.DataFrame, Any]]:
    """A function with the model of strings, booleans and missing numbers."""
    path, table, estimator = mixed(tmp_path_factory.mktemp("mixed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_URI", path.as_uri())
        yield anew(), table, estimator


def test_strings_booleans_and_what_is_missing(strings: Any, event: LoadEvent) -> None:
    handler, table, estimator = strings
    texts = table["city"].tolist()
    members: list[dict[str, Any]] = [
        tensor("city", [300, 1], "BYTES", texts),
        tensor("member", [300], "BOOL", table["member"].tolist()),
        tensor("age, in years", [300], "FP64", table["age, in years"].replace(np.nan, None).tolist()),
    ]
    sent = request(event, "POST", "/v2/models/mixed/infer", json.dumps({"inputs": members}))
    answer = json.loads(body_of(handler.predict(sent, None)))
    labels, probabilities = (each["data"] for each in answer["outputs"])
    assert [each["datatype"] for each in answer["outputs"]] == ["BYTES", "FP64"]
    assert labels == estimator.predict(table).tolist()
    assert np.abs(np.array(probabilities).reshape(-1, 2) - estimator.predict_proba(table)).max() <= 1e-15

    parts = [
        b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts),
        table["member"].to_numpy().tobytes(),
        table["age, in years"].to_numpy().tobytes(),
    ]
    for member, part in zip(members, parts, strict=True):
        del member["data"]
        member["parameters"] = {"binary_data_size": len(part)}
    head = json.dumps({"inputs": members, "parameters": {"binary_data_output": True}}).encode()
    headers = {"inference-header-content-length": str(len(head))}
    sent = request(event, "POST", "/v2/models/mixed/infer", head + b"".join(parts), headers)
    document, data = binary_parts(handler.predict(sent, None))
    size = document["outputs"][0]["parameters"]["binary_data_size"]
    assert data[:size] == b"".join(struct.pack("<I", len(label)) + label.encode() for label in labels)
    assert np.frombuffer(data[size:]).tolist() == probabilities


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x05\0\0\0abc", "string 0 of input 'city' ends behind its 7 bytes"),
        (b"\x03\0\0\0abcd", "input 'city' has 1 bytes behind its 1 strings"),
        (b"\x01\0\0\0\xff", "string 0 of input 'city' is not UTF-8"),
        (b"\x01", "input 'city' has 1 bytes, 1 strings take 4 at the least"),
        (b"\x04\0\0\0Bern", "row 0, column 0 ('city') is 'Bern', the model takes"),
    ],
)
def test_strings_that_are_none(strings: Any, event: LoadEvent, data: bytes, text: str) -> None:
    handler, _, _ = strings
    city = {"name": "city", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(data)}}
    others = [tensor("member", [1], "BOOL", [True]), tensor("age, in years", [1], "FP32", [40])]
    head = json.dumps({"inputs": [city, *others]}).encode()
    headers = {"inference-header-content-length": str(len(head))}
    answer = handler.predict(request(event, "POST", "/v2/models/mixed/infer", head + data, headers), None)
    assert answer["statusCode"] == 400
    assert text in json.loads(answer["body"])["error"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
TENSORS = st.fixed_dictionaries(
    {"name": st.sampled_from([*FEATURES, "x"]) | VALUES},
    optional={
        "shape": st.sampled_from([[2, 2], [2], [2, 1], [1, 2], [0, 2], [2**62, 2]]) | VALUES,
        "datatype": st.sampled_from([*DTYPES, "BYTES"]) | VALUES,
        "data": st.lists(st.integers() | st.floats(), max_size=4) | VALUES,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(0, 40) | VALUES}) | VALUES,
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=st.lists(TENSORS, max_size=3) | VALUES, outputs=VALUES, tail=st.binary(max_size=40), length=st.booleans())
def test_anything_is_answered_and_nothing_is_a_failure(
    handler: ModuleType, event: LoadEvent, inputs: Any, outputs: Any, tail: bytes, length: bool
) -> None:
    head = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    headers = {"inference-header-content-length": str(len(head))} if length else {}
    answer = handler.predict(request(event, "POST", "/v2/models/iris/infer", head + tail, headers), None)
    assert answer["statusCode"] in {200, 400}, answer


def test_a_function_without_a_front_is_ready_and_scores_by_name(
    load: Load, event: LoadEvent, model_files: dict[str, Path]
) -> None:
    handler = load(MODELS_URI=f"{model_files['tree'].parent.as_uri()}/")
    ready = {
        path: handler.predict(request(event, "GET", path), None)["statusCode"]
        for path in ("/v2/health/ready", "/v2/models/tree/ready", "/v2/models/iris/ready", "/ping")
    }
    assert ready == {"/v2/health/ready": 200, "/v2/models/tree/ready": 200, "/v2/models/iris/ready": 404, "/ping": 503}
    failed = json.loads(handler.predict(request(event, "GET", "/ping"), None)["body"])
    assert failed["error_code"] == "TEMPORARILY_UNAVAILABLE"
