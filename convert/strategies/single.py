"""What is computed in float32 in an estimator: trees that add up so, and what gradient boosting starts from."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from convert.estimator.encoded import XGBOOST
from convert.estimator.features import Floats
from convert.estimator.fitted import parts_of
from convert.estimator.kinds import kind_of
from convert.graph.ensembles.table import is_made_of_trees, read_trees

ROWS = 256
"""On how many rows it is asked whether an estimator computes in float32."""
ALIKE = 1e-12
"""How far apart its answers are at the most if it does not."""


def has_float32(estimator: Any) -> bool:
    """Whether some part of an estimator computes in float32, so that last digits of that differ in a graph."""
    return any(
        kind_of(part) in XGBOOST or starts_in_float32(part) or _is_single_isotonic(part) for part in parts_of(estimator)
    )


def _is_single_isotonic(part: Any) -> bool:
    thresholds = getattr(part, "X_thresholds_", None)  # as of calibrated shares of XGBoost's
    return thresholds is not None and thresholds.dtype != np.float64


def starts_in_float32(estimator: Any) -> bool:
    """Whether it is gradient boosting that starts from what answers in float32, as it is given rows of that."""
    return apart_in_float32(estimator) > ALIKE


def apart_in_float32(estimator: Any) -> float:
    """Return how far apart are, in float32 and in float64, the answers that gradient boosting starts from; else 0.

    It is a part of the largest, as `verify` has it.

    What compares, or makes float64 of the rows first, answers them as it does in float64; it is asked of rows between
    the thresholds.
    """
    if (
        getattr(estimator, "init_", None) is None
        or not is_made_of_trees(estimator)
        or read_trees(estimator).init is None
    ):
        return 0.0
    generator, width = np.random.default_rng(0), estimator.n_features_in_
    spans = [found if len(found) else np.array([-1.0, 1.0]) for found in read_trees(estimator).thresholds(width)]
    rows = np.array([generator.uniform(each.min() - 1, each.max() + 1, ROWS) for each in spans]).T.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        single, double = (_answers(estimator.init_, each) for each in (rows, rows.astype(np.float64)))
    return float(np.abs(single - double).max() / np.abs(double).max(initial=1.0))


def _answers(estimator: Any, rows: Any) -> Floats:
    answers = estimator.predict_proba(rows) if hasattr(estimator, "predict_proba") else estimator.predict(rows)
    return np.asarray(answers, dtype=np.float64)
