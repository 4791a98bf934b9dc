"""Bodies of any dialect, large ones as well, answered in any, through the entry point."""

import base64
import csv
import io
import json
import tracemalloc
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import LoadEvent
from tests.lambda_fn.codecs.test_npy_rows import npy_of
from tests.lambda_fn.posts import CSV, JSON, NPY, post


@pytest.mark.parametrize("name", ["predict-http-api", "predict-http-api-csv", "predict-http-api-npy"])
@pytest.mark.parametrize("probabilities", ["false", "true"])
def test_any_body_is_answered_in_any_dialect_with_the_same_numbers(
    handler: ModuleType, event: LoadEvent, name: str, probabilities: str
) -> None:
    asked = event(name) | {"queryStringParameters": {"probabilities": probabilities}}
    answers = {}
    for accept in (JSON, CSV, NPY):
        asked["headers"]["accept"] = f"{accept}, */*;q=0.1"
        answers[accept] = handler.predict(asked, None)
        assert answers[accept]["statusCode"] == 200
        assert answers[accept]["headers"]["content-type"].partition(";")[0] == accept
    expected = json.loads(answers[JSON]["body"])
    header, *table = csv.reader(io.StringIO(answers[CSV]["body"]))
    array = np.load(io.BytesIO(base64.b64decode(answers[NPY]["body"])), allow_pickle=False)
    assert [int(row[0]) for row in table] == expected["prediction"]
    if probabilities == "false":
        assert (header, array.tolist()) == (["prediction"], expected["prediction"])
        return
    assert header == ["prediction", "0", "1", "2"]
    assert [[float(cell) for cell in row[1:]] for row in table] == expected["probabilities"]
    assert array["prediction"].tolist() == expected["prediction"]
    assert array["probabilities"].tolist() == expected["probabilities"]


def test_bodies_of_four_and_a_half_megabytes_come_in_and_go_out(
    handler: ModuleType, event: LoadEvent, estimator: Any, training_rows: NDArray[np.float64]
) -> None:
    low, high = training_rows.min(0), training_rows.max(0)
    rows = np.random.default_rng(7).uniform(low, high, (4_499_872 // 16, 2))
    body = npy_of(rows)
    asked = post(event, base64.b64encode(body).decode(), headers={"Content-Type": NPY}, isBase64Encoded=True)
    answer = handler.predict(asked, None)
    assert len(body) == 4_500_000
    predicted = np.load(io.BytesIO(base64.b64decode(answer["body"])), allow_pickle=False)
    np.testing.assert_array_equal(predicted, estimator.predict(rows))

    asked |= {
        "queryStringParameters": {"probabilities": "true"},
        "body": base64.b64encode(npy_of(rows[:140_000])).decode(),
    }
    answer = handler.predict(asked, None)
    assert 4_400_000 < len(base64.b64decode(answer["body"])) < 4_500_000
    assert len(answer["body"]) < 6 * 1024 * 1024


@pytest.mark.parametrize(("kind", "accept"), [(CSV, CSV), (CSV, JSON), (NPY, NPY), (NPY, JSON)])
def test_a_large_body_takes_at_most_four_times_its_size(
    handler: ModuleType, event: LoadEvent, kind: str, accept: str
) -> None:
    rows = np.random.default_rng(7).uniform(0.1, 7.9, (100_000, 2)).round(1)
    body = npy_of(rows) if kind == NPY else "".join(f"{left},{right}\n" for left, right in rows.tolist()).encode()
    headers = {"content-type": kind, "accept": accept}
    asked = post(event, base64.b64encode(body).decode(), headers=headers, isBase64Encoded=True)
    tracemalloc.start()
    try:
        assert handler.predict(asked, None)["statusCode"] == 200
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()
