"""Rows that were scored, as lines of JSON: one for each, with what was answered and by which model.

JSON has no word for a number that is not finite: NaN is null, which it is to the model if it is sent, and infinity is
the string "Infinity" or "-Infinity". All other numbers read back as the same float64.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lambda_fn.serving.catalog import CANDIDATE_SUFFIX, SUFFIX

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lambda_fn.model.card import Feature
    from lambda_fn.serving.loaded import Loaded

ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
NUMBER_BYTES, LINE_BYTES = 24, 150
"""What a number takes at the most, and a line beside its model, its features and what was answered."""


class Taken:
    """A call of which rows are kept: when it was, how many rows it had, the first of them, and what was answered.

    rows: (n, features), a copy. prediction: (n,). probabilities: (n, classes), None where nobody asked for them.
    """

    __slots__ = ("count", "prediction", "probabilities", "request_id", "rows", "time")

    def __init__(
        self,
        request_id: str,
        count: int,
        rows: NDArray[np.float64],
        prediction: NDArray[Any],
        probabilities: NDArray[Any] | None,
    ) -> None:
        self.time = time.time()
        self.request_id = request_id
        self.count = count
        self.rows = rows
        self.prediction = prediction
        self.probabilities = probabilities


class Lines:
    """How rows that a model scored become lines; about how many bytes one has.

    model: what it is called in its URI, as its candidate is.
    """

    def __init__(self, loaded: Loaded) -> None:
        name, card = loaded.uri.rpartition("/")[2], loaded.model.card
        self.model = name.removesuffix(CANDIDATE_SUFFIX).removesuffix(SUFFIX)
        self._whose: dict[str, Any] = {
            "model": self.model,
            "version": loaded.version,
            "sha256": loaded.model.sha256,
            **({"candidate": True} if name.endswith(CANDIDATE_SUFFIX) else {}),
        }
        self._features = [(column, each) for column, each in enumerate(card.features) if not each.dropped]
        self._texts = {
            column: {number: text for text, number in each.categories.items()}
            for column, each in self._features
            if each.type == "str"
        }
        names = [each.name for _, each in self._features]
        values = sum(_longest(each.categories) for _, each in self._features)
        answers = len(card.classes) * NUMBER_BYTES + _longest(card.classes)
        self.row_bytes = LINE_BYTES + len(ENCODER.encode([self._whose, names])) + values + answers

    def of(self, taken: Taken) -> Iterator[str]:
        """Yield the line of each row, with its end."""
        moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(taken.time))}.{int(taken.time % 1 * 1000):03}Z"
        call = {"time": moment, "requestId": taken.request_id, "rows": taken.count}
        names = [feature.name for _, feature in self._features]
        columns = [self._values(column, feature, taken.rows) for column, feature in self._features]
        answers = [_told(value) for value in taken.prediction.tolist()]
        asked = None if taken.probabilities is None else taken.probabilities.tolist()
        for row, answer in enumerate(answers):
            features = {name: values[row] for name, values in zip(names, columns, strict=True)}
            line = {**call, "row": row, **self._whose, "features": features}
            unknown = [names[place] for place, values in enumerate(columns) if values[row] is UNKNOWN]
            if unknown:
                line["features"] = {name: None if name in unknown else value for name, value in features.items()}
                line["unknown"] = unknown
            line["prediction"] = answer
            if asked is not None:
                line["probabilities"] = [_told(each) for each in asked[row]]
            yield ENCODER.encode(line) + "\n"

    def _values(self, column: int, feature: Feature, rows: NDArray[np.float64]) -> list[Any]:
        """Return the values of a feature as JSON has them, `UNKNOWN` for a string that is none of its categories."""
        numbers = rows[:, column].tolist()
        if feature.type == "str":
            texts = self._texts[column]
            return [None if number != number else texts.get(number, UNKNOWN) for number in numbers]
        if feature.type == "bool":
            return [bool(number) if number in (0.0, 1.0) else _told(number) for number in numbers]
        return [_told(number) for number in numbers]


def _longest(values: Iterable[Any]) -> int:
    """Return how many bytes one of the values takes at the most, or a number."""
    return max([NUMBER_BYTES, *(len(ENCODER.encode(value)) for value in values)])


UNKNOWN = object()
"""In the place of a string that is none of a feature's categories: the model, too, knows no more of it."""


def _told(value: Any) -> Any:
    """Return a number, or a label, as JSON has it.

    >>> [_told(each) for each in (0.1, 2, "a", float("nan"), float("-inf"))]
    [0.1, 2, 'a', None, '-Infinity']
    """
    if type(value) is not float or math.isfinite(value):
        return value
    return None if value != value else "Infinity" if value > 0 else "-Infinity"
