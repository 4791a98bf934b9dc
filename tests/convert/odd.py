"""Estimators that raise whatever there is, wherever they are asked, and others that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingRegressor, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROWS, LABELS = make_classification(80, 4, random_state=0)


class Odd(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of one's own, which does what `error` says when it is asked."""

    def __init__(self, error: BaseException | None = None, answer: Any = None) -> None:
        self.error = error
        self.answer = answer

    def fit(self, rows: NDArray[np.float64], labels: NDArray[Any]) -> Odd:
        self.classes_, self.n_features_in_ = np.unique(labels), rows.shape[1]
        return self

    def predict(self, rows: NDArray[np.float64]) -> Any:
        if self.error is not None:
            raise self.error
        return self.answer


class OddProperty(Odd):
    @property
    def feature_names_in_(self) -> Any:
        raise KeyError("a property\nthat raises")


class OddClasses(Odd):
    def fit(self, rows: NDArray[np.float64], labels: NDArray[Any]) -> Odd:
        super().fit(rows, labels)
        del self.classes_
        return self


class OddParameters(Odd):
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        raise RuntimeError("no parameters " * 100)


class OddTags(Odd):
    def __sklearn_tags__(self) -> Any:
        raise ZeroDivisionError


class OddMessageError(Exception):
    def __str__(self) -> str:
        raise ValueError("not even a message")


class OddState:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise state["error"]


class OddTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, rows: Any, labels: Any = None) -> OddTransformer:
        self.n_features_in_ = 4
        return self

    def transform(self, rows: Any) -> Any:
        return rows


class OddRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, rows: Any, labels: Any) -> OddRegressor:
        self.fitted_ = True  # but not how many features it takes
        return self

    def predict(self, rows: Any) -> Any:
        return np.zeros(len(rows))


def broken_forest() -> Any:
    forest = RandomForestClassifier(3, random_state=0).fit(ROWS, LABELS)
    forest.estimators_ = [1, 2, 3]
    return forest


def broken_linear() -> Any:
    linear = LinearRegression().fit(ROWS, ROWS[:, 0])
    linear.coef_ = "none"
    return linear


def itself() -> Any:
    voting = VotingClassifier([("a", LogisticRegression()), ("b", LogisticRegression())]).fit(ROWS, LABELS)
    voting.estimators_ = [voting, voting]
    return voting


ODD: list[Callable[[], Any]] = [
    *(lambda kind=kind: kind().fit(ROWS, LABELS) for kind in (Odd, OddProperty, OddClasses, OddParameters, OddTags)),
    *(
        lambda error=error: Odd(error).fit(ROWS, LABELS)
        for error in (RuntimeError("a\nb"), OddMessageError(), SystemExit(0), KeyboardInterrupt(), MemoryError())
    ),
    *(lambda answer=answer: Odd(answer=answer).fit(ROWS, LABELS) for answer in (3, "yes", [[1, 2]], np.zeros((9, 9)))),
    *(lambda error=error: OddState(error) for error in (SystemExit(0), KeyboardInterrupt(), RecursionError("deep"))),
    lambda: make_pipeline(OddTransformer(), LogisticRegression()).fit(ROWS, LABELS),
    lambda: make_pipeline(StandardScaler(), OddTransformer(), RandomForestClassifier(2)).fit(ROWS, LABELS),
    lambda: OddRegressor().fit(ROWS, LABELS),
    lambda: BaggingRegressor(OddRegressor(), 2).fit(ROWS, LABELS),
    *(broken_forest, broken_linear, itself),
    *(lambda: Odd, lambda: len, lambda: None, lambda: [Odd()], lambda: "a text", lambda: np.zeros(3), lambda: Odd()),
]
