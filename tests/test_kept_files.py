"""Model files that were once written keep loading, and answer what they answered then.

How one is added: tests/keep.py. What a version of the format is: lambda_fn/model/card.py.
"""

import json
import math
import platform
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from convert.errors import ConvertError
from convert.model_file.card import FORMAT_VERSION
from convert.model_file.disk import read_card, sealed
from convert.strategies.table import STRATEGIES
from lambda_fn.model.engine import BATCH_ROWS
from tests.keep import FILES, answer, started
from tests.lambda_fn.conftest import model_of

KEPT = sorted(FILES.glob("*.onnx"))
MANY = [file for file in KEPT if list(FILES.glob(f"{file.name}.*"))]
"""Those that have a companion."""
TODAYS = sorted(FILES.glob(f"{FORMAT_VERSION}-*.onnx"))
EXPONENTIALS = 0.0 if platform.machine() == "x86_64" else 1e-15
"""How far a score may be off: on the machine that wrote the files, by no bit; the engine's exp is another elsewhere."""


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_a_file_answers_what_it_answered_when_it_was_written(file: Path) -> None:
    kept = json.loads(file.with_suffix(".json").read_text())
    came = json.loads(json.dumps(answer(file, kept["request"])))
    assert came.keys() == kept["answer"].keys()
    assert labels(came) == labels(kept["answer"])
    for score, expected in zip(scores(came), scores(kept["answer"]), strict=True):
        assert math.isclose(score, expected, rel_tol=EXPONENTIALS, abs_tol=EXPONENTIALS)
        assert math.copysign(1.0, score) == math.copysign(1.0, expected)


@pytest.mark.parametrize(
    "file", [file for file in KEPT if list(FILES.glob(f"{file.name}.*"))], ids=lambda file: file.stem
)
def test_a_companion_answers_the_same_many_times_over(file: Path) -> None:
    kept = json.loads(file.with_suffix(".json").read_text())
    rows = kept["request"]["data"]
    many = {**kept["request"], "data": rows * (2 * BATCH_ROWS // len(rows))}
    with started(file) as handler:
        came = handler.predict(many, None)
        assert model_of(handler)._companion.engine() is not None
    found = np.array(scores(came)).reshape(-1, len(scores(kept["answer"])))
    np.testing.assert_allclose(found, [scores(kept["answer"])] * len(found), rtol=EXPONENTIALS, atol=EXPONENTIALS)


@pytest.mark.parametrize("version", [FORMAT_VERSION - 1, FORMAT_VERSION + 1])
def test_a_file_of_a_version_that_is_not_read_is_refused_with_both(version: int, tmp_path: Path) -> None:
    data, file = TODAYS[0].read_bytes(), tmp_path / "other.onnx"
    other = sealed(onnx.load_from_string(data), {**read_card(data), "format_version": version})
    file.write_bytes(other)
    both = rf"has format version {version}, this .* reads {FORMAT_VERSION}: "
    refused = answer(file, {"data": [[1, 2]]})
    assert (refused["status"], refused["code"]) == (503, "model-invalid")
    assert re.search(both + ("export it" if version < FORMAT_VERSION else "deploy the service"), refused["detail"])
    with pytest.raises(ConvertError, match=both):
        read_card(other)


def labels(document: dict[str, Any]) -> list[tuple[type, Any]]:
    """Return the labels with their types, those of the classes and those of the rows; of a regression none."""
    all_of_them = [*document["classes"], *document["prediction"]] if "classes" in document else []
    return [(type(label), label) for label in all_of_them]


def scores(document: dict[str, Any]) -> list[float]:
    """Return the probabilities, or the values of a regression."""
    if "probabilities" in document:
        return [score for row in document["probabilities"] for score in row]
    values: list[float] = document["prediction"]
    return values


def test_each_strategy_has_a_file_of_today_s_version() -> None:
    cards = [read_card(file.read_bytes()) for file in TODAYS]
    assert {card["strategy"] for card in cards} == STRATEGIES.keys()
    assert {card["task"] for card in cards} == {"classification", "regression"}
    assert {feature["type"] for card in cards for feature in card["features"]} == {"float", "bool", "str"}
