"""Whole events against whole responses, through the entry points."""

import base64
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tests.conftest import FEATURES, LoadEvent
from tests.lambda_fn.codecs.test_npy_rows import npy_of
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.posts import post, with_method


@pytest.mark.parametrize("name", ["status-http-api", "status-rest-api"])
def test_status(handler: ModuleType, event: LoadEvent, name: str) -> None:
    assert handler.predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"status": "up"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    "name",
    [
        "predict-http-api",
        "predict-http-api-base64",
        "predict-http-api-stage",
        "predict-function-url",
        "predict-http-api-domain",
        "predict-http-api-payload-1",
        "predict-rest-api",
        "predict-rest-api-base64",
    ],
)
def test_predict(handler: ModuleType, event: LoadEvent, name: str, whose: dict[str, str]) -> None:
    assert handler.predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", **whose},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["predict-http-api-payload-1-domain", "predict-rest-api-domain"])
def test_predict_behind_the_base_path_of_a_custom_domain(
    load: Load, model_file: Path, event: LoadEvent, name: str, whose: dict[str, str]
) -> None:
    assert load(MODEL_URI=model_file.as_uri()).predict(event(name), None)["statusCode"] == 404
    assert load(MODEL_URI=model_file.as_uri(), BASE_PATH="/v1/").predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/json", **whose},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }


def test_a_load_balancer_is_answered_as_it_takes_it(
    handler: ModuleType, event: LoadEvent, whose: dict[str, str]
) -> None:
    several = {name: [value] for name, value in whose.items()}
    assert handler.predict(event("status-load-balancer"), None) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "headers": {"content-type": "application/json"},
        "body": '{"status": "up"}',
        "isBase64Encoded": False,
    }
    assert handler.predict(event("predict-load-balancer"), None) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "headers": {"content-type": "application/json", **whose},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }
    assert handler.predict(event("predict-load-balancer-multi"), None) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "multiValueHeaders": {"content-type": ["application/json"], **several},
        "body": '{"prediction": [2, 1]}',
        "isBase64Encoded": False,
    }
    assert handler.predict(event("predict-load-balancer-multi-npy"), None) == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "multiValueHeaders": {"content-type": ["application/x-npy"], **several},
        "body": base64.b64encode(npy_of(np.array([2, 1]))).decode(),
        "isBase64Encoded": True,
    }


def test_an_error_is_answered_as_a_load_balancer_takes_it(handler: ModuleType, event: LoadEvent) -> None:
    answer = handler.predict(event("predict-load-balancer-multi") | {"httpMethod": "GET"}, None)
    assert json.loads(answer.pop("body"))["code"] == "method-not-allowed"
    assert answer == {
        "statusCode": 405,
        "statusDescription": "405 Method Not Allowed",
        "multiValueHeaders": {"content-type": ["application/problem+json"], "allow": ["POST"]},
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["predict-http-api-csv", "predict-rest-api-csv-base64"])
def test_predict_rows_in_csv(handler: ModuleType, event: LoadEvent, name: str, whose: dict[str, str]) -> None:
    assert handler.predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "text/csv; charset=utf-8", **whose},
        "body": "prediction\n2\n1\n",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["predict-http-api-npy", "predict-function-url-npy", "predict-rest-api-npy"])
def test_predict_rows_in_npy(handler: ModuleType, event: LoadEvent, name: str, whose: dict[str, str]) -> None:
    assert handler.predict(event(name), None) == {
        "statusCode": 200,
        "headers": {"content-type": "application/x-npy", **whose},
        "body": base64.b64encode(npy_of(np.array([2, 1]))).decode(),
        "isBase64Encoded": True,
    }


def test_predict_by_a_direct_invocation(handler: ModuleType, event: LoadEvent) -> None:
    assert handler.predict(event("predict-direct"), None) == {"prediction": [2, 1]}
    assert handler.predict({"data": []}, None)["code"] == "empty-data"
    assert handler.predict({"data": 1}, None)["code"] == "missing-data"


def test_all_members_of_a_direct_invocation_count(handler: ModuleType) -> None:
    answer = handler.predict({"data": [[6.2, 3.4]], "probabilities": True}, None)
    assert answer.keys() == {"prediction", "probabilities", "classes"}
    assert handler.predict({"data": [[6.2, 3.4]], "probabilities": False}, None) == {"prediction": [2]}
    assert handler.predict({"data": [[6.2, 3.4]], "text": "yes"}, None)["code"] == "unknown-member"
    assert handler.predict({"data": [[6.2, 3.4]], "probabilities": "yes"}, None)["code"] == "invalid-member"


@pytest.mark.parametrize(
    ("query", "wanted", "status", "scored"),
    [
        (None, True, 200, True),
        (None, False, 200, False),
        ("true", True, 200, True),
        ("false", False, 200, False),
        ("true", False, 400, None),
        ("false", True, 400, None),
    ],
)
def test_probabilities_are_asked_for_in_the_body_or_in_the_query(
    handler: ModuleType, event: LoadEvent, query: str | None, wanted: bool, status: int, scored: bool | None
) -> None:
    asked = post(event, {"data": [[6.2, 3.4]], "probabilities": wanted})
    answer = handler.predict(asked | {"queryStringParameters": {"probabilities": query} if query else None}, None)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body.get("code")) == (status, None if status == 200 else "invalid-query")
    assert scored is None or ("probabilities" in body) is scored


def test_a_table_in_another_order_is_scored_by_name(
    handler: ModuleType, event: LoadEvent, estimator: Any, training_rows: NDArray[np.float64]
) -> None:
    table = pd.DataFrame(training_rows, columns=list(FEATURES))[list(reversed(FEATURES))]
    answer = handler.predict(post(event, table.to_json(orient="split")), None)
    assert json.loads(answer["body"])["prediction"] == estimator.predict(training_rows).tolist()


@pytest.mark.parametrize(
    "name",
    [
        "predict-http-api-probabilities",
        "predict-http-api-payload-1-probabilities",
        "predict-rest-api-probabilities",
        "predict-load-balancer-probabilities",
        "predict-load-balancer-multi-probabilities",
    ],
)
def test_predict_with_probabilities(handler: ModuleType, event: LoadEvent, estimator: Any, name: str) -> None:
    body = json.loads(handler.predict(event(name), None)["body"])
    assert body.keys() == {"prediction", "probabilities", "classes"}
    assert (body["prediction"], body["classes"]) == ([2, 1], [0, 1, 2])
    expected = estimator.predict_proba([[6.2, 3.4], [6.2, 1]])
    np.testing.assert_allclose(body["probabilities"], expected, rtol=0, atol=1e-6)


def test_predict_a_thousand_rows(
    handler: ModuleType, event: LoadEvent, estimator: Any, training_rows: NDArray[np.float64]
) -> None:
    rows = np.random.default_rng(7).uniform(training_rows.min(0), training_rows.max(0), (1000, 2))
    answer = handler.predict(post(event, {"data": rows.tolist()}), None)
    assert json.loads(answer["body"])["prediction"] == estimator.predict(rows).tolist()


def test_rows_keyed_by_feature_name(handler: ModuleType, event: LoadEvent) -> None:
    rows = [{"sepal width (cm)": 3.4, "sepal length (cm)": 6.2}, {"sepal length (cm)": 6.2, "sepal width (cm)": 1}]
    assert handler.predict(post(event, {"data": rows}), None)["body"] == '{"prediction": [2, 1]}'


def test_a_preflight_is_answered(handler: ModuleType, event: LoadEvent) -> None:
    answer = handler.predict(with_method(event("predict-http-api"), "OPTIONS"), None)
    assert (answer["statusCode"], answer["headers"]["allow"]) == (204, "POST")


def test_the_function_predict_does_not_answer_for_objects(handler: ModuleType, event: LoadEvent) -> None:
    assert handler.predict(event("objects-get-http-api"), None)["statusCode"] == 404
