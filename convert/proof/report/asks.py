"""Estimator and model file, asked in the same way."""

from __future__ import annotations

import numpy as np

from convert.estimator.features import Floats
from convert.oracle.oracle import Oracle
from convert.proof.parity import Candidate
from convert.proof.report.answers import Answers, Ask


def asks(oracle: Oracle, candidate: Candidate) -> tuple[Ask, Ask]:
    """Return how to ask either for its answers to rows (n, features); neither has probabilities if one has none."""
    gives_probabilities = "probabilities" in candidate.outputs

    def expected(rows: Floats) -> Answers:
        return Answers(oracle.predict(rows), oracle.predict_proba(rows) if gives_probabilities else None)

    def actual(rows: Floats) -> Answers:
        answers = candidate.run(rows)
        prediction = answers["label" if oracle.task == "classification" else "value"].reshape(len(rows))
        return Answers(prediction, answers["probabilities"].astype(np.float64) if gives_probabilities else None)

    return expected, actual
