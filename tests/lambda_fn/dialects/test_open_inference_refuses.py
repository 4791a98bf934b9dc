"""What the Open Inference Protocol refuses: each in a text that says what was expected and what came."""

import gzip
import json
import tracemalloc
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import FEATURES, LoadEvent
from tests.lambda_fn.dialects.conftest import ROWS, Call, infer, tensor
from tests.lambda_fn.posts import request

BAD: list[tuple[Any, str]] = [
    (7, "input 0 is a number, expected an object"),
    ({}, "the name of input 0 is not there, expected a string"),
    ({"name": "x", "datatype": "FP8", "shape": [1]}, "the datatype of input 'x' is 'FP8', expected 'BOOL', "),
    ({"name": "x", "datatype": "FP64"}, "the shape of input 'x' is not there, expected [rows] or [rows, columns]"),
    (tensor("x", [1, 1, 2], "FP64", [1, 2]), "the shape of input 'x' is [1, 1, 2]"),
    (tensor("x", [1, -2], "FP64", [1, 2]), "the shape of input 'x' is [1, -2]"),
    (tensor("x", [2, 2], "FP64", [1, 2]), "input 'x' has 2 values, its shape [2, 2] has 4"),
    (tensor("x", [2, 2], "FP64", [[1, 2], [3]]), "the data of input 'x' is nested otherwise than its shape [2, 2]"),
    (tensor("x", [1, 2], "FP64", [1, "2"]), "value 1 of input 'x' is a string, expected FP64"),
    (tensor("x", [1, 2], "INT64", [1, 2.5]), "value 1 of input 'x' is a number, expected INT64"),
    (tensor("x", [1, 2], "UINT8", [1, -1]), "input 'x' has a number that UINT8 does not hold"),
    (tensor("x", [1, 2], "FP16", [1, 1e6]), "input 'x' has a number that FP16 does not hold"),
    (tensor("x", [1, 2], "FP64", [1, 10**400]), "input 'x' has a number that FP64 does not hold"),
    (tensor("x", [1, 2], "FP64", 1), "the data of input 'x' is a number, expected a list"),
    (
        tensor("x", [1, 3], "FP64", [1, 2, 3]),
        "input 'x' is of shape [1, 3], expected an input for each feature, or one",
    ),
    (tensor("x", [0, 2], "FP64", []), "the inputs have no row"),
    (tensor("x", [0, 2**62], "FP64", []), "the shape of input 'x' is [0, 4611686018427387904]"),
    (tensor("x", [1, 2], "INT64", [1, 2**53 + 1]), "input 'x' has a whole number that float64 does not hold, beyond"),
    (tensor("x", [1, 2], "UINT64", [1, 2**64 - 1]), "input 'x' has a whole number that float64 does not hold, beyond"),
    ({**tensor("x", [1], "BYTES", ["YQ=="]), "parameters": {"content_type": "base64"}}, "the content type 'base64'"),
    (tensor("x", [1, 2], "BOOL", [True, False]), "row 0, column 0 ('sepal length (cm)') is a boolean, expected a num"),
    (tensor("x", [1, 2], "BYTES", ["a", "b"]), "row 0, column 0 ('sepal length (cm)') is a string, expected a number"),
    (tensor("x", [1, 2], "FP64", [1, None]), "row 0, column 1 ('sepal width (cm)') is nan, the model takes numbers"),
    (tensor(FEATURES[0], [1], "FP64", [1]), "`inputs` lacks 'sepal width (cm)', the model takes "),
    ({"name": "x", "datatype": "FP64", "shape": [1, 2]}, "input 'x' has no `data`, and no parameter binary_data_size"),
    (
        {"name": "x", "datatype": "FP64", "shape": [1, 2], "parameters": {"binary_data_size": 16}},
        "input 'x' has 16 bytes by its binary_data_size, 0 are left in the body",
    ),
    (
        {"name": "x", "datatype": "FP64", "shape": [1, 2], "parameters": {"shared_memory_region": "a"}},
        "input 'x' is in shared memory",
    ),
]


@pytest.mark.parametrize(("member", "text"), BAD)
def test_a_bad_input_is_told_of_in_a_text(call: Call, member: Any, text: str) -> None:
    status, answer = infer(call, member)
    assert (status, answer.keys()) == (400, {"error"})
    assert text in answer["error"]


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"outputs": [{"name": "logits"}]}, "`outputs` has 'logits', the model has 'prediction', 'probabilities'"),
        ({"outputs": [7]}, "`outputs` has a number, the model has"),
        ({"outputs": 7}, "`outputs` is a number, expected a list"),
        ({"outputs": [{"name": "prediction", "parameters": {"classification": 2}}]}, "'classification', which is not"),
        ({"parameters": {"binary_data_output": "false"}}, "'binary_data_output' is a string, expected true or false"),
        ({"id": 7}, "`id` is a number, expected a string"),
        ({"parameters": []}, "`parameters` is a list, expected an object"),
    ],
)
def test_a_bad_member_is_told_of_in_a_text(call: Call, members: Any, text: str) -> None:
    status, answer = infer(call, tensor("x", [2, 2], "FP64", ROWS), **members)
    assert (status, answer.keys()) == (400, {"error"})
    assert text in answer["error"]


def test_tensors_that_came_as_text_are_refused(handler: ModuleType, event: LoadEvent) -> None:
    told = {"name": "x", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}}
    head = json.dumps({"inputs": [told]})
    headers = {"inference-header-content-length": str(len(head)), "content-type": "application/json"}
    answer = handler.predict(request(event, "POST", "/v2/models/iris/infer", head + "\ufffd\ufffdab", headers), None)
    assert answer["statusCode"] == 400
    assert "passed the tensors as text, for the Content-Type is application/json" in json.loads(answer["body"])["error"]


@pytest.mark.parametrize("length", ["x", "-1", "9" * 5000, "1000"])
def test_a_length_that_is_none(call: Call, length: str) -> None:
    status, answer = call("POST", "/v2/models/iris/infer", b"{}", {"inference-header-content-length": length})
    assert status == 400
    assert "expected the bytes of the JSON, of 2 in all" in answer["error"]


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ({"datatype": "UINT8", "shape": [3_000_000, 2]}, 6_000_000),
        ({"datatype": "BOOL", "shape": [1_500_000, 2]}, 3_000_000),
    ],
)
def test_many_rows_take_no_more_memory_than_elsewhere(
    handler: ModuleType, event: LoadEvent, head: dict[str, Any], tail: int
) -> None:
    told = {"name": "x", **head, "parameters": {"binary_data_size": tail}}
    text = json.dumps({"inputs": [told], "parameters": {"binary_data_output": True}}).encode()
    sent = request(
        event,
        "POST",
        "/v2/models/iris/infer",
        gzip.compress(text + bytes(tail - 1000) + bytes(1000)),
        {"inference-header-content-length": str(len(text)), "content-encoding": "gzip"},
    )
    tracemalloc.start()
    answer = handler.predict(sent, None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer["statusCode"] in {400, 413}
    assert peak < 150_000_000
