"""Estimator and model file, asked in the same way."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.estimator import as_input, task_of
from convert.parity import Candidate
from convert.report.answers import Answers, Ask
from convert.rows import Rows


def asks(estimator: Any, candidate: Candidate) -> tuple[Ask, Ask]:
    """Return how to ask either for its answers to rows (n, features); neither has probabilities if one has none."""
    gives_probabilities = task_of(estimator) == "classification" and hasattr(estimator, "predict_proba")

    def expected(rows: Rows) -> Answers:
        table = as_input(estimator, rows)
        return Answers(estimator.predict(table), estimator.predict_proba(table) if gives_probabilities else None)

    def actual(rows: Rows) -> Answers:
        prediction, *rest = candidate.run(rows)
        return Answers(prediction.reshape(len(rows)), rest[0].astype(np.float64) if gives_probabilities else None)

    return expected, actual
