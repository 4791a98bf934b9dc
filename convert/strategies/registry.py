"""Which estimators convert, and how well: the table of docs/estimators.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from convert.estimator.encoded import XGBOOST, PandasCategories
from convert.estimator.kinds import Kind, name_of_kind
from convert.estimator.refused import REFUSED
from convert.graph.ensembles.table import READERS
from convert.graph.transformers.table import LAYOUTS, TRANSFORMERS
from convert.strategies.composed.strategy import ESTIMATORS

EXACT_OVER_TREES = {"FixedThresholdClassifier", "OneVsRestClassifier", "TunedThresholdClassifierCV"}
"""What compares the scores of its members, whose bits are scikit-learn's if those are ensembles of trees."""


class Support(NamedTuple):
    """A line of the table: the class's name, ``exact``, ``certified`` or ``refused``, and what that rests on."""

    estimator: str
    level: str
    how: str


def supported() -> Iterator[Support]:
    """Yield the lines of the table: exact, certified, refused, each in alphabetical order."""
    single = {name_of_kind(kind) for kind in XGBOOST}
    for name in _names(READERS):
        yield Support(name, "exact", f"a table of its answers, or {'float32' if name in single else 'float64'} trees")
    for name in _names([*LAYOUTS, *(kind for kind, each in TRANSFORMERS.items() if each.exact and not each.curve)]):
        yield Support(name, "exact", "in float64, in front of the above")
    for name in _names(kind for kind, each in TRANSFORMERS.items() if each.curve):
        yield Support(name, "exact", "in front of the above, and certified in front of the rest, within 1e-9")
    for name in _names(ESTIMATORS):
        exact = "; the labels exact over trees" if name in EXACT_OVER_TREES else ""
        yield Support(name, "certified", f"in float64, within 1e-9{exact}")
    for name in _names(kind for kind, each in TRANSFORMERS.items() if not each.exact):
        yield Support(name, "certified", "in float64, in front of what is certified, not of trees")
    for name, (reason, advice) in sorted(REFUSED.items()):
        yield Support(name, "refused", f"{reason}: {advice}")


def _names(classes: Iterable[Kind]) -> list[str]:
    return sorted(name_of_kind(each) for each in classes if each is not PandasCategories)


def markdown() -> str:
    """Return the table in Markdown."""
    lines = ["| estimator | | how |", "|---|---|---|"]
    lines += [f"| {support.estimator} | {support.level} | {support.how} |" for support in supported()]
    return "\n".join(lines)
