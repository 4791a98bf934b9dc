"""Which estimators convert, and how well: the table of docs/estimators.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, VotingRegressor
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC, LinearSVC

from convert.errors import ConvertError
from convert.transforms import WRITERS
from convert.trees import READERS

CERTIFIED: tuple[type, ...] = (
    *(LogisticRegression, LinearRegression, Ridge, Lasso, ElasticNet, SGDClassifier),
    *(LinearSVC, SVC, MLPClassifier, MLPRegressor, GaussianNB, LinearDiscriminantAnalysis),
    *(BaggingClassifier, BaggingRegressor, CalibratedClassifierCV, VotingRegressor),
)
"""What skl2onnx converts and `verify` is seen to certify; tests/convert/test_registry.py tries each."""

NEIGHBOURS = "takes other neighbours than scikit-learn where distances tie: use an ensemble of trees instead"
REFUSED: dict[type, str] = {KNeighborsClassifier: NEIGHBOURS, KNeighborsRegressor: NEIGHBOURS}
"""What skl2onnx converts and gets wrong, and what to do instead."""


class Support(NamedTuple):
    """A line of the table: the class's name, ``exact``, ``certified`` or ``refused``, and what that rests on."""

    estimator: str
    level: str
    how: str


def check_not_refused(estimator: Any) -> None:
    """Raise ConvertError if the estimator is known to convert wrongly."""
    reason = REFUSED.get(type(estimator))
    if reason is not None:
        raise ConvertError(f"{type(estimator).__name__} is not converted: the converted one {reason}")


def supported() -> Iterator[Support]:
    """Yield the lines of the table: exact, certified, refused, each in alphabetical order."""
    for name in sorted(reader.__name__ for reader in READERS):
        yield Support(name, "exact", "a table of its answers, or float64 trees")
    for name in sorted(writer.__name__ for writer in WRITERS):
        yield Support(name, "exact", "in float64, in front of the above")
    for name in sorted(estimator.__name__ for estimator in CERTIFIED):
        yield Support(name, "certified", "skl2onnx, within 1e-6")
    for estimator, reason in sorted(REFUSED.items(), key=lambda item: item[0].__name__):
        yield Support(estimator.__name__, "refused", reason)


def markdown() -> str:
    """Return the table in Markdown."""
    lines = ["| estimator | | how |", "|---|---|---|"]
    lines += [f"| {support.estimator} | {support.level} | {support.how} |" for support in supported()]
    return "\n".join(lines)
