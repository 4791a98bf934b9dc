import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lambda_fn.codecs.json_rows import encode
from lambda_fn.errors import Problem, ServiceError


def test_what_json_has_no_word_for_is_an_error() -> None:
    for prediction, probabilities in (
        (np.array([1.0, np.inf]), None),
        (np.array([0, 1]), np.array([[0.5, 0.5], [np.nan, np.nan]])),
    ):
        with pytest.raises(ServiceError, match="row 1 is scored") as raised:
            encode(prediction, probabilities)
        assert (raised.value.problem, raised.value.row) == (Problem.SCORE_NOT_FINITE, 1)


def test_predictions_are_encoded_as_the_estimator_gives_them() -> None:
    assert encode(np.array([2, 1])) == '{"prediction": [2, 1]}'
    assert encode(np.array([1.25])) == '{"prediction": [1.25]}'
    assert encode(np.array(["a", "é"])) == '{"prediction": ["a", "\\u00e9"]}'
    assert json.loads(encode(np.array([True]), np.array([[0.25, 0.75]]), (False, True))) == {
        "prediction": [True],
        "probabilities": [[0.25, 0.75]],
        "classes": [False, True],
    }


@pytest.mark.parametrize(
    ("prediction", "probabilities"),
    [
        (np.arange(3_000_000), None),
        (np.linspace(0, 1, 500_000), None),
        (np.array(["a label"] * 700_000, object), None),
        (np.zeros(200_000, int), np.full((200_000, 3), 1 / 3)),
    ],
)
def test_an_answer_ends_at_the_limit(prediction: NDArray[Any], probabilities: NDArray[np.float64] | None) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError, match="bytes at least, Lambda returns at most 6275072: send fewer") as raised:
            encode(prediction, probabilities, (0, 1, 2))
        assert raised.value.problem is Problem.RESPONSE_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


def test_blocks_are_written_as_one() -> None:
    numbers, many = np.random.default_rng(0).normal(size=(20_000, 3)), np.array(["é", 'x"y'] * 5000, object)
    assert json.loads(encode(numbers[:, 0]))["prediction"] == numbers[:, 0].tolist()
    document = {"prediction": many.tolist(), "probabilities": numbers[:10_000].tolist(), "classes": ["é", 'x"y']}
    assert encode(many, numbers[:10_000], ("é", 'x"y')) == json.dumps(document)
