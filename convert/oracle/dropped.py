"""The columns of a table that an estimator never looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from convert.estimator import insides
from convert.estimator.fitted import own_names
from convert.estimator.members import members_of


def dropped_columns(estimator: Any) -> frozenset[int]:
    """Return the columns that no part of the estimator takes; none for one that was not fitted on a table with names.

    A `ColumnTransformer` asks for the columns that it passes on, and for no other; the estimator is to be asked whether
    it does without them, as some steps in front of it count columns.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> import pandas
    >>> table = pandas.DataFrame({"id": [7, 8], "age": [41, 19], "born": [1985, 2007]})
    >>> chosen = ColumnTransformer([("numbers", "passthrough", ["age"])])
    >>> dropped_columns(Pipeline([("chosen", chosen), ("tree", DecisionTreeClassifier())]).fit(table, ["a", "b"]))
    frozenset({0, 2})
    """
    names = own_names(estimator)
    if names is None:
        return frozenset()
    taken: set[int] = set()
    for first in _first_steps(estimator):
        if type(first) is not ColumnTransformer or list(getattr(first, "feature_names_in_", ())) != list(names):
            return frozenset()
        taken |= _taken(first)
    return frozenset(range(len(names))) - taken


def _first_steps(estimator: Any) -> Iterator[Any]:
    """Yield what gets the table as it comes: of a pipeline its first step, of an ensemble those of its members."""
    members = members_of(estimator)
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if step is not None and not isinstance(step, str)]
        yield from _first_steps(steps[0]) if steps else (estimator,)
    elif members and not getattr(estimator, "passthrough", False) and all(each.columns is None for each in members):
        for member in members:
            yield from _first_steps(member.estimator)
    else:
        yield estimator


def _taken(transformer: Any) -> set[int]:
    taken: set[int] = set()
    for name, part, _ in transformer.transformers_:
        if not (isinstance(part, str) and part == "drop"):
            taken.update(insides.given_columns(transformer, name))
    return taken
