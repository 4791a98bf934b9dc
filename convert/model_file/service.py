"""A model file tried on the service itself: what that refuses is no model file, and what it answers is compared."""

from __future__ import annotations

import base64
import io
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator.features import Feature, Floats
from convert.model_file.card import accepts_of
from convert.model_file.disk import read_card
from convert.model_file.function import MEMORY_MB, Function, http_event
from convert.oracle.accepts import Accepts

BATCHES = (1, 2, 1024, 1025, 8193)
"""How many rows are sent in a call: the service scores 1,024 at once, and more than 8 * 1,024 by several threads
(`lambda_fn/model/model.py`)."""
COMPANION_ROWS = 1024
"""A call of so many rows has the service load the companion, however wide they are."""
BODY_BYTES = 4_400_000
"""The largest body that is sent or asked for: Lambda takes 6 MB of text, of which base64 needs 4 for 3."""
NUMBER_BYTES = 26
"""How many a number takes in JSON at the most, with what parts it from the next."""
SHOWN = 150
"""How many characters of a reason are shown."""
NPY, JSON = "application/x-npy", "application/json"


class Service(Function):
    """The service with a model file, asked with rows (n, features) as `convert.estimator.features` has them."""

    def __init__(self, model: bytes, companions: Iterable[bytes] = ()) -> None:
        """Serve the model file with these bytes, and its companions, once entered."""
        super().__init__(model, companions)
        self._card = read_card(model)
        self._features = [_feature(member) for member in self._card["features"]]
        self._strings = any(feature.type == "str" for feature in self._features)

    def refusal(self) -> str | None:
        """Return why the service refuses the model file, in a line; None if it loads it and scores rows."""
        try:
            answer = self.ask(http_event("GET", "/model"))
            if answer["statusCode"] != 200:
                return self.logged() or _detail(answer)
            row = _plain_row(accepts_of(self._card).values())
            self.run(np.repeat(row[np.newaxis], sum(BATCHES[:3]), axis=0))
            if "companions" in self._card and self._rows_a_call() < COMPANION_ROWS:
                _array(self._predict(np.repeat(row[np.newaxis], COMPANION_ROWS, axis=0)))
        except ConvertError as error:
            return self.logged() or str(error)
        return self.without()

    @property
    def most_rows(self) -> int:
        """How many rows there are to be for `run` to make every call that it can, of the sizes in `BATCHES`."""
        return sum(min(batch, self._rows_a_call()) for batch in BATCHES)

    def run(self, rows: Floats) -> dict[str, NDArray[Any]]:
        """Return label and probabilities, or value, for rows that go in calls of `BATCHES` rows, and as many as go.

        Raises ConvertError for any that the service does not answer.
        """
        parts = [self._scores(rows[start:stop]) for start, stop in self._calls(len(rows))]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def refuses(self, rows: Floats) -> bool:
        """Return whether the service answers with 400, as it does for rows that the model does not take."""
        answer = self._predict(rows)
        if answer["statusCode"] not in {200, 400}:
            raise ConvertError(f"the service answers a row with {answer['statusCode']}: {_detail(answer)}")
        return bool(answer["statusCode"] == 400)

    def _calls(self, count: int) -> Iterator[tuple[int, int]]:
        """Yield where the rows of each call start and stop."""
        most, start, batches = self._rows_a_call(), 0, iter(BATCHES)
        while start < count:
            stop = min(start + min(next(batches, most), most), count)
            yield start, stop
            start = stop

    def _rows_a_call(self) -> int:
        """Return how many rows a call takes, and its answer, at the least."""
        texts = [max((len(json.dumps(text)) for text in feature.categories), default=0) for feature in self._features]
        asked = sum(max(NUMBER_BYTES, 20 + text) for text in texts) if self._strings else 8 * len(texts)
        labels = self._card["classes"]["labels"] if "classes" in self._card else []
        answered = 8 * len(labels) + max([8, *(4 * len(str(label)) for label in labels)])
        return max(1, BODY_BYTES // max(asked, answered))

    def _scores(self, rows: Floats) -> dict[str, NDArray[Any]]:
        """Return what `run` does, of one call without probabilities, and one with them if there are any."""
        prediction = _array(self._predict(rows))
        if self._card["task"] == "regression":
            return {"value": prediction[:, np.newaxis]}
        answer = self._predict(rows, probabilities=True)
        if answer["statusCode"] == 400 and _problem(answer)["code"] == "no-probabilities":
            return {"label": prediction}
        both = _array(answer)
        if not np.array_equal(both["prediction"], prediction):
            raise ConvertError(f"asked for probabilities of {len(rows):,} rows, it answers other labels than without")
        return {"label": prediction, "probabilities": both["probabilities"]}

    def _predict(self, rows: Floats, *, probabilities: bool = False) -> Mapping[str, Any]:
        """Send rows of any width, as NPY, or as JSON if there are strings among them; ask for NPY."""
        event = http_event("POST", "/predict")
        event["headers"] = {"content-type": JSON if self._strings else NPY, "accept": NPY}
        if probabilities:
            event["queryStringParameters"] = {"probabilities": "true"}
        if self._strings:
            return self.ask({**event, "body": json.dumps({"data": self._values(rows)})})
        file = io.BytesIO()
        np.save(file, rows)
        return self.ask({**event, "body": base64.b64encode(file.getvalue()).decode(), "isBase64Encoded": True})

    def _values(self, rows: Floats) -> list[tuple[Any, ...]]:
        """Return the rows as JSON spells them; of a row that is too wide, the last value as the first feature's."""
        features = [*self._features, self._features[0]][: rows.shape[1]]
        columns = [feature.decode(rows[:, column]).tolist() for column, feature in enumerate(features)]
        return list(zip(*columns, strict=True))


def check_served(model: bytes, companions: Iterable[bytes], name: str | None = None) -> None:
    """Raise ConvertError if the service would refuse the model file with these bytes; warn if it needs much memory.

    companions: those of the model file, which it would have to take, too.
    name: what a message calls the estimator, or else its class in the card.
    """
    with Service(model, companions) as service:
        reason, peak = service.refusal(), service.peak_bytes()
    if reason is not None:
        name, reason = name or read_card(model)["estimator"], " ".join(reason.split())[:SHOWN].rstrip(".")
        raise ConvertError(f"the service would refuse this {name}: {reason}. {_advice(reason)}")
    if peak > MEMORY_MB * 2**20:
        warnings.warn(
            f"the service takes {peak / 2**20:,.0f} MB with this model: deploy it with more memory than {MEMORY_MB} MB",
            stacklevel=2,
        )


def _advice(reason: str) -> str:
    """Say what to do about a refusal."""
    if "levels" in reason:
        return "Fit its trees with a max_depth"
    if "MAX_MODEL_BYTES" in reason:
        return "Do so on the function, and in this environment"
    return "Fit another estimator: `python -m convert estimators` lists what converts"


def _array(answer: Mapping[str, Any]) -> NDArray[Any]:
    """Return the array in an answer; raise ConvertError if it is another one than 200."""
    if answer["statusCode"] != 200:
        raise ConvertError(f"it answers {answer['statusCode']} to rows that its card accepts: {_detail(answer)}")
    array: NDArray[Any] = np.load(io.BytesIO(base64.b64decode(answer["body"])), allow_pickle=False)
    return array


def _problem(answer: Mapping[str, Any]) -> dict[str, Any]:
    problem: dict[str, Any] = json.loads(answer["body"])
    return problem


def _detail(answer: Mapping[str, Any]) -> str:
    return str(_problem(answer)["detail"])


def _feature(member: Mapping[str, Any]) -> Feature:
    """Return a feature whose missing values decode to None, JSON's null."""
    return Feature(member["name"], member["type"], tuple(member.get("categories", ())), none=True)


def _plain_row(accepts: Iterable[Accepts]) -> Floats:
    """Return a row that is accepted, (features,): zeros, or what is nearest to them."""
    return np.array(
        [
            each.values[0] if each.values else np.clip(0.0, -np.inf if each.low is None else each.low, each.high)
            for each in accepts
        ]
    )
