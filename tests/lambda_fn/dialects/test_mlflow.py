"""MLflow's scoring protocol: the bodies of its own tests and documentation."""

import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lambda_fn import VERSION
from tests.conftest import FEATURES, LoadEvent
from tests.lambda_fn.posts import request

LENGTH, WIDTH = FEATURES
SPLIT = {"columns": [LENGTH, WIDTH], "index": [0, 1], "data": [[6.2, 3.4], [6.2, 1]]}


def invoke(handler: ModuleType, event: LoadEvent, body: Any, content_type: str = "application/json") -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return handler.predict(request(event, "POST", "/invocations", text, {"content-type": content_type}), None)


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_split": {"columns": [WIDTH, LENGTH], "data": [[3.4, 6.2], [1, 6.2]]}},
        {"dataframe_split": {"columns": [0, 1], "index": [5, 6], "data": SPLIT["data"]}},
        {"dataframe_split": {"data": SPLIT["data"]}},
        {"dataframe_records": [{WIDTH: 3.4, LENGTH: 6.2}, {LENGTH: 6.2, WIDTH: 1}]},
        {"instances": SPLIT["data"]},
        {"instances": [{WIDTH: 3.4, LENGTH: 6.2}, {LENGTH: 6.2, WIDTH: 1}], "params": None},
        {"inputs": SPLIT["data"], "params": {}},
        {"inputs": {WIDTH: [3.4, 1], LENGTH: [6.2, 6.2]}},
        {"inputs": {WIDTH: [[3.4], [1]], LENGTH: [[6.2], [6.2]]}},
    ],
)
def test_every_form_is_scored(handler: ModuleType, event: LoadEvent, body: Any, whose: dict[str, str]) -> None:
    assert invoke(handler, event, body) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", **whose},
        "body": '{"predictions": [2, 1]}',
        "isBase64Encoded": False,
    }


def test_csv_is_scored(handler: ModuleType, event: LoadEvent) -> None:
    for content_type in ("text/csv", "text/csv; charset=utf-8"):
        answer = invoke(handler, event, f"{WIDTH},{LENGTH}\n3.4,6.2\n1,6.2\n", content_type)
        assert answer["body"] == '{"predictions": [2, 1]}'


def test_the_first_line_of_csv_is_its_header(handler: ModuleType, event: LoadEvent) -> None:
    answer = invoke(handler, event, "0,1\n6.2,3.4\n5.0,3.0\n", "text/csv")
    assert answer["statusCode"] == 400
    assert "the header has '0', the model takes" in json.loads(answer["body"])["message"]


def test_probabilities_are_asked_for_in_params(handler: ModuleType, event: LoadEvent, estimator: Any) -> None:
    answer = invoke(handler, event, {"inputs": SPLIT["data"], "params": {"probabilities": True}})
    found = np.array(json.loads(answer["body"])["predictions"])
    assert np.abs(found - estimator.predict_proba(SPLIT["data"])).max() <= 1e-15


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ([1], 400, "the body is a list, expected an object with dataframe_split or dataframe_records or"),
        ({}, 400, "the body has none of dataframe_split or dataframe_records or instances or inputs, expected one"),
        ({"instances": [[1, 2]], "inputs": [[1, 2]]}, 400, "the body has 'instances', 'inputs' of "),
        ({"columns": [], "data": []}, 400, "the body has 'columns', taken are 'dataframe_split', "),
        ({"instances": 7}, 400, "`instances` is a number, expected a list of rows"),
        ({"instances": []}, 400, "`instances` is empty"),
        ({"inputs": {}}, 400, "`inputs` is empty"),
        ({"inputs": {LENGTH: [1], WIDTH: [1, 2]}}, 400, "the columns of `inputs` are of different lengths: "),
        ({"inputs": {LENGTH: [1]}}, 400, "`inputs` lacks 'sepal width (cm)'"),
        ({"dataframe_split": []}, 400, "`dataframe_split` is a list, expected an object with data"),
        (
            {"dataframe_split": {**SPLIT, "name": 1}},
            400,
            "`dataframe_split` has 'name', taken are 'data', 'columns', 'index'",
        ),
        ({"dataframe_split": {**SPLIT, "columns": ["a", "b"]}}, 400, "`columns` has 'a', the model takes "),
        ({"instances": [[1, "2"]]}, 400, "row 0, column 1 ('sepal width (cm)') is a string, expected a number"),
        ({"instances": [[1, 2]], "params": {"temperature": 1}}, 400, "`params` is expected to be"),
        ("{", 400, "the body is not JSON"),
    ],
)
def test_what_is_wrong_is_named_as_mlflow_does(
    handler: ModuleType, event: LoadEvent, body: Any, status: int, text: str
) -> None:
    answer = invoke(handler, event, body)
    document = json.loads(answer["body"])
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (status, "application/json")
    assert document.keys() == {"error_code", "message"}
    assert document["error_code"] == "BAD_REQUEST"
    assert text in document["message"]


def test_other_types_are_refused(handler: ModuleType, event: LoadEvent) -> None:
    assert invoke(handler, event, "x", "application/vnd.apache.parquet")["statusCode"] == 415
    assert invoke(handler, event, "x", "application/json; charset=latin-1")["statusCode"] == 415


def test_it_is_up(handler: ModuleType, event: LoadEvent) -> None:
    for path, body in {"/ping": "\n", "/health": "\n", "/version": VERSION}.items():
        answer = handler.predict(request(event, "GET", path), None)
        assert (answer["statusCode"], answer["body"]) == (200, body)
        assert answer["headers"] == {"content-type": "text/plain; charset=utf-8"}


def test_the_version_is_the_project_s() -> None:
    from tests.conftest import TESTS

    assert f'version = "{VERSION}"' in (TESTS.parent / "pyproject.toml").read_text()
