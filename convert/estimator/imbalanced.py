"""What imbalanced-learn makes, as what it is when it predicts: scikit-learn's own classes.

Its samplers do nothing but in fitting, its pipelines leave them out from then on, and its ensembles inherit all that
predicts from scikit-learn's. It is known by the names of its classes and is never imported here: a file that holds any
of it has imported it already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sklearn.pipeline import Pipeline

PACKAGE = "imblearn"
PREDICTS = ("predict", "predict_proba", "decision_function", "transform")


def as_scikit_learn(parts: Iterable[Any]) -> None:
    """Make of each of the `parts` of an estimator that is imbalanced-learn's the class of scikit-learn that it extends.

    One that predicts in a way of its own stays what it is.
    """
    for part in parts:
        if not _is_imbalanced(type(part)):
            continue
        if isinstance(part, Pipeline):
            part.steps = [(name, step) for name, step in part.steps if not hasattr(step, "fit_resample")]
            part.__class__ = Pipeline
        else:
            kind = _extended(type(part))
            if kind is not None:
                part.__class__ = kind


def _is_imbalanced(kind: type) -> bool:
    return kind.__module__.split(".")[0] == PACKAGE


def _extended(kind: type) -> type | None:
    """Return the class of scikit-learn that one predicts as; None if it predicts in a way of its own."""
    for base in kind.__mro__:
        if not _is_imbalanced(base):
            return base if base.__module__.startswith("sklearn.") and hasattr(base, "predict") else None
        if any(method in vars(base) for method in PREDICTS):
            return None
    return None
