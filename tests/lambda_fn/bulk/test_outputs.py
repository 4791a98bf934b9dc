"""Rows of JSON Lines, many at once and one by one, against `json`."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lambda_fn.bulk.columns import Columns
from lambda_fn.bulk.outputs import JsonOutput
from lambda_fn.codecs.csv_rows import MANY_LINES
from lambda_fn.model.card import Card
from lambda_fn.model.model import Scores
from lambda_fn.model.rows import Rows
from tests.lambda_fn.codecs.cards import EXAMPLE

CLASSES = ["Öl, %s", 'a "b"\n', "}{"]
CARD = Card.parse(json.dumps({**EXAMPLE, "classes": {"type": "str", "labels": CLASSES}}))
COUNT = 9000
LABELS: dict[str, NDArray[Any]] = {
    "words": np.array(CLASSES, object)[np.arange(COUNT) % 3],
    "whole": np.arange(COUNT) % 3 - 1,
    "true or false": np.arange(COUNT) % 3 == 0,
    "values": np.random.default_rng(1).standard_normal(COUNT),
    "long words": np.array(["x" * 90, "\ufffd" * 9], object)[np.arange(COUNT) % 2],
}


class Keyed:
    """A block with columns of keys."""

    lines = COUNT
    rows: Rows

    def csv_keys(self, names: Any, begin: int, end: int) -> list[list[bytes]]:
        """Return none: these rows are written as JSON."""
        return []

    def json_keys(self, names: Any, begin: int, end: int) -> list[list[bytes]]:
        """Return the numbers of rows, each column another text of them."""
        return [[json.dumps(f"{name}\n{row}").encode() for row in range(begin, end)] for name in names]

    def where(self, row: int) -> dict[str, Any]:
        """Return where a row is."""
        return {"line": row}

    def text(self, row: int) -> bytes:
        """Return nothing."""
        return b""


@pytest.mark.parametrize("count", [COUNT, MANY_LINES, MANY_LINES - 1])
@pytest.mark.parametrize("keys", [(), ("id", "a, b")])
@pytest.mark.parametrize("classes", [(), (1,), (0, 1, 2), (2, 0)])
@pytest.mark.parametrize("kind", [*LABELS, None])
def test_rows_are_what_json_writes(
    kind: str | None, classes: tuple[int, ...], keys: tuple[str, ...], count: int
) -> None:
    if kind is None and not classes:
        classes = (0,)
    probabilities = np.random.default_rng(0).dirichlet([0.2, 0.2, 0.2], count)
    labels = LABELS[kind or "whole"][:count]
    output = JsonOutput(Columns(keys, kind is not None, classes), CARD)
    written = output.rows(Keyed(), 0, count, Scores(labels, probabilities)).decode().splitlines()
    expected = []
    for row, (label, numbers) in enumerate(zip(labels.tolist(), probabilities.tolist(), strict=True)):
        document: dict[str, Any] = {name: f"{name}\n{row}" for name in keys}
        if kind is not None:
            document["prediction"] = label
        if classes:
            document["probabilities"] = {CLASSES[place]: numbers[place] for place in classes}
        expected.append(json.dumps(document))
    assert written == expected
