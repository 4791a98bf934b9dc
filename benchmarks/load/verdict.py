"""What one answer says, compared with the estimators: which models can have given it, and what is wrong with it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.load.events import DIRECT, answered
from benchmarks.load.models import Trained
from benchmarks.load.traffic import BAD, MODEL, STATUS, Call
from lambda_fn.errors import Problem

TOLERANCE = 1e-15
"""Of probabilities: what Plume promises of trees."""
NOT_LOADED = {Problem.STORAGE_UNAVAILABLE.code, Problem.MODEL_NOT_PUBLISHED.code, Problem.MODEL_INVALID.code}
"""Why an environment that has no model yet scores nothing."""
WITHOUT_A_MODEL = {Problem.NOT_FOUND.code, Problem.METHOD_NOT_ALLOWED.code}
"""What is told whether a model is loaded or not."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says.

    status: 0 if there was none. wrong: what is wrong with the answer, empty if nothing is.
    models: the names of the models that have these scores; one, where headers name it. version: the object's.
    refused: the code of why what is published is not served, as GET /model tells.
    """

    status: int = 0
    wrong: str = ""
    models: tuple[str, ...] = ()
    version: str = ""
    refused: str = ""


def judge(call: Call, answer: Any, models: Mapping[str, Trained]) -> Verdict:
    """Return what the answer to a call says; `models` by the SHA-256 of their files."""
    if answer is None:
        return Verdict(wrong="no answer")
    if isinstance(answer, dict) and "errorMessage" in answer:
        return Verdict(wrong=f"the function failed: {str(answer)[:500]}")
    try:
        return _judge(call, answer, models)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return Verdict(wrong=f"not to be read ({type(error).__name__}: {error}): {str(answer)[:500]}")


def _judge(call: Call, answer: Any, models: Mapping[str, Trained]) -> Verdict:
    status, headers, body = answered(answer, call.sender)
    if status == 503:
        return Verdict(status, _wrong_refusal(call, headers, body))
    if call.kind == BAD or status != 200:
        expected = (getattr(Problem, call.code.upper().replace("-", "_")).status, call.code) if call.code else (200, "")
        found = status, json.loads(body).get("code", "")
        return Verdict(status, "" if found == expected else f"{found} instead of {expected}: {str(body)[:500]}")
    if call.kind == STATUS:
        return Verdict(status, "" if json.loads(body) == {"status": "up"} else f"{body} is no status")
    if call.kind == MODEL:
        return _described(status, json.loads(body))
    named = headers.get("x-model-sha256")
    among = [each for sha256, each in models.items() if call.sender == DIRECT or sha256 == named]
    if not among:
        return Verdict(status, f"no model that was published has the SHA-256 {named}")
    agreeing = tuple(each.name for each in among if _agrees(call, headers, body, each))
    wrong = "" if agreeing else f"not the scores of {' or '.join(each.name for each in among)}: {body[:500]}"
    return Verdict(status, wrong, agreeing, headers.get("x-model-version", ""))


def _wrong_refusal(call: Call, headers: Mapping[str, str], body: Any) -> str:
    """Return what is wrong with a 503."""
    code = json.loads(body)["code"]
    if code not in NOT_LOADED:
        return f"503 is {code}"
    if call.kind == STATUS or call.code in WITHOUT_A_MODEL:
        return f"503 ({code}) for what takes no model"
    return "" if call.sender == DIRECT or headers.get("retry-after", "").isdecimal() else "503 without retry-after"


def _described(status: int, description: Any) -> Verdict:
    """Return what GET /model says."""
    serving, rejected = description["serving"], description["rejected"]
    return Verdict(status, "" if serving else "nothing is served", refused=rejected["code"] if rejected else "")


def _agrees(call: Call, headers: Mapping[str, str], body: Any, model: Trained) -> bool:
    """Whether the answer has the labels of the estimator, bit for bit, and its probabilities."""
    labels, probabilities = _scores(headers.get("content-type", ""), body)
    if labels != model.labels[call.rows].tolist() or (probabilities is not None) is not call.probabilities:
        return False
    if probabilities is None:
        return True
    found, expected = np.asarray(probabilities, np.float64), model.probabilities[call.rows]
    return found.shape == expected.shape and bool(np.all(np.abs(found - expected) <= TOLERANCE))


def _scores(kind: str, body: Any) -> tuple[list[Any], ArrayLike | None]:
    """Return the labels and the probabilities, None if there are none, in a body of that media type."""
    if isinstance(body, bytes):
        array = np.load(io.BytesIO(body))
        if array.dtype.names is None:
            return array.tolist(), None
        return array["prediction"].tolist(), array["probabilities"]
    if kind.startswith("text/csv"):
        head, *rows = csv.reader(io.StringIO(body))
        return [int(row[0]) for row in rows], [list(map(float, row[1:])) for row in rows] if len(head) > 1 else None
    scores = json.loads(body)
    return scores["prediction"], scores.get("probabilities")
