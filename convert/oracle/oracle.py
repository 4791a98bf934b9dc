"""The oracle: a fitted estimator that is asked with rows of numbers, whatever its features are."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError, listed
from convert.estimator.features import Floats, as_number, is_missing
from convert.estimator.fitted import classes_of, own_names, steps_of, task_of, width_of
from convert.graph.ensembles.table import READERS, read_trees
from convert.graph.tracing import Traced, trace
from convert.oracle.accepts import Accepts, ask
from convert.oracle.dropped import dropped_columns
from convert.oracle.known import features_of
from convert.oracle.sample import Sample, Table

STARTS = (0.0, 1.0, 0.5)
"""What the numbers of a row are that is asked first, where there is no sample."""


class Oracle:
    """A fitted estimator and its features. Rows are (n, features) float64, as `convert.estimator.features` has them.

    task: ``classification`` or ``regression``.
    classes: the class labels, in the order of the probabilities' columns; none for a regression.
    sample: training rows, or rows like them, if there are any.
    """

    def __init__(self, estimator: Any, table: Table | None = None, names: tuple[str, ...] | None = None) -> None:
        """Take the names and types of the features from the estimator itself, else `names`, else from `table`.

        Raises ConvertError if the two do not fit, or the estimator is of a kind that is not served.
        """
        self.estimator = estimator
        self.task = task_of(estimator)
        self.classes = classes_of(estimator)
        *self.transformers, self.last = steps_of(estimator)
        self.traced: Traced = trace(estimator, width_of(estimator))
        for last, _ in self.traced.predictors:
            if type(last) in READERS:
                read_trees(last)  # who can't be read is told of before the sample is looked at
        names = _names(estimator, table, names)
        self._take(names, table, dropped_columns(estimator))
        if any(feature.dropped for feature in self.features) and not self._does_without():
            self._take(names, table, frozenset())

    def _take(self, names: tuple[str, ...], table: Table | None, dropped: frozenset[int]) -> None:
        """Take the features, and of the `table` their columns; those that are `dropped` it may lack."""
        if table is not None:
            table = table.reordered(names, dropped)
        columns = None if table is None else table.columns
        named = own_names(self.estimator) is not None
        self.features = features_of(names, columns, self.traced, dropped, named=named)
        self.sample: Sample | None = None if table is None else table.encoded(self.features)
        self._read_typed = None if table is None else table.typed

    def _does_without(self) -> bool:
        """Whether the estimator answers on a table without the columns that it seems to drop."""
        rows = self._first
        whole = self.as_input(rows).reindex(columns=own_names(self.estimator), fill_value=0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return np.array_equal(self.predict(rows), self.estimator.predict(whole))
            except Exception:  # whatever the estimator raises
                return False

    def predict(self, rows: Floats) -> NDArray[Any]:
        """Return the labels or values, (n,)."""
        answers: NDArray[Any] = self.estimator.predict(self.as_input(rows))
        return answers

    def predict_proba(self, rows: Floats) -> Floats | None:
        """Return the probabilities, (n, classes), or None if the estimator has none."""
        if not hasattr(self.estimator, "predict_proba"):
            return None
        return np.asarray(self.estimator.predict_proba(self.as_input(rows)))

    def decision_function(self, rows: Floats) -> Floats | None:
        """Return the raw scores, (n,) or (n, classes), or None if the estimator has none."""
        if self.task == "regression" or not hasattr(self.estimator, "decision_function"):
            return None
        return np.asarray(self.estimator.decision_function(self.as_input(rows)))

    def as_input(self, rows: Floats) -> Any:
        """Return `rows` as the estimator knows them: as a table with names, if it was fitted on one.

        They are a copy: transformers with copy=False write into what they are given.
        """
        names = own_names(self.estimator)
        if names is None and all(feature.numeric for feature in self.features):
            return self.rounded(rows).astype(np.result_type(*self.dtypes))
        decoded = {
            column: feature.decode(rows[:, column])
            for column, feature in enumerate(self.features)
            if not feature.dropped
        }
        if names is None:
            return np.column_stack([values.astype(object) for values in decoded.values()])
        import pandas  # here: it takes longer than the rest to import, and most estimators know no names

        objects = {names[column]: pandas.Series(values, dtype=values.dtype) for column, values in decoded.items()}
        return pandas.DataFrame(objects, index=range(len(rows)))

    @property
    def width(self) -> int:
        """Return how many features there are."""
        return len(self.features)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Return the types of the columns as the estimator gets them, objects being float64; an array has one."""
        columns = [feature.column if feature.numeric else "float64" for feature in self.features]
        if own_names(self.estimator) is None:
            columns = [str(np.result_type(*columns))] * len(columns)
        return tuple(columns)

    def rounded(self, rows: Floats) -> Floats:
        """Return `rows` as the service's graph gets them: numbers rounded to their feature's type."""
        made = rows
        for column, feature in enumerate(self.features):
            if feature.dropped or feature.dtype != "float64":
                made = made.copy() if made is rows else made
                made[:, column] = 0.0 if feature.dropped else feature.rounded(rows[:, column])
        return made

    @cached_property
    def typed(self) -> Any | None:
        """The sample as pandas or numpy reads its file, if that has types of its own."""
        return None if self._read_typed is None else self._read_typed()

    @cached_property
    def accepts(self) -> tuple[Accepts, ...]:
        """What the estimator accepts, feature by feature; raises ConvertError as `ask` does."""
        return ask(self)

    @property
    def _first(self) -> Floats:
        """A few rows to ask with, (n, features)."""
        return self.row[np.newaxis] if self.sample is None else self.sample.rows[:20]

    @cached_property
    def row(self) -> Floats:
        """A row to start from, (features,): the sample's first without a gap, else known categories and zeros."""
        if self.sample is not None:
            whole = np.isfinite(self.sample.rows).all(axis=1)
            first: Floats = self.sample.rows[int(np.argmax(whole))]
            return first
        start = np.array([self._start(column) for column in range(len(self.features))])
        free = np.array([not any(len(one) for one in known) for known in self.traced.known])
        rows = (np.where(free, number, start) for number in STARTS)  # of 0 there is no logarithm
        return next((row for row in rows if self._answers(row)), start)

    def _answers(self, row: Floats) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.predict(row[np.newaxis])
            except Exception:  # whatever the estimator raises
                return False
        return True

    def categories(self, column: int) -> Floats:
        """Return the categories that are known of a feature, as sorted distinct numbers, missing values aside."""
        if self.features[column].type == "str":
            return np.arange(float(len(self.features[column].categories)))
        numbers = [as_number(value) for values in self.traced.known[column] for value in values.tolist()]
        return np.unique([number for number in numbers if number is not None and not np.isnan(number)])

    def _start(self, column: int) -> float:
        """Return a value that the encoders on the feature know, if there are any."""
        feature, known = self.features[column], [each.tolist() for each in self.traced.known[column]]
        every = [(value, sum(value in one for one in known), len(one)) for one in known for value in one]
        present = [each for each in every if not is_missing(each[0])]
        if not present:
            return 0.0
        likeliest, _, _ = max(present, key=lambda each: each[1:])  # known to most, and to an encoder, not an imputer
        return float(feature.encode([likeliest], "the estimator")[0])


def _names(estimator: Any, table: Table | None, given: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the features: the estimator's own, else those given, the sample's, or x0, x1 and so on."""
    count = width_of(estimator)
    own = own_names(estimator)
    if own is not None:
        names = tuple(str(name) for name in own)
    elif given is not None:
        names = given
    elif table is not None and table.names is not None:
        names = table.names
    else:
        names = tuple(f"x{column}" for column in range(count))
    if len(names) != count:
        raise ConvertError(f"the estimator takes {count} features, the sample has {len(names)}: {listed(names)}")
    if len(set(names)) != count:
        raise ConvertError(
            f"two features share a name: {listed(sorted({name for name in names if names.count(name) > 1}))}"
        )
    return names
