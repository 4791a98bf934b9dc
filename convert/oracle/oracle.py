"""The oracle: a fitted estimator that is asked with rows of numbers, whatever its features are."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer

from convert.errors import ConvertError, listed
from convert.estimator.encoded import needs_typed_sample
from convert.estimator.features import Floats, as_number, is_missing
from convert.estimator.fitted import classes_of, name_of, own_names, parts_of, steps_of, task_of, width_of
from convert.graph.ensembles.table import is_made_of_trees, read_trees
from convert.graph.tracing import Traced, trace
from convert.oracle.accepts import Accepts
from convert.oracle.asking import ask
from convert.oracle.dropped import dropped_columns
from convert.oracle.known import features_of
from convert.oracle.sample import Sample, Table

WIDE = 256
"""Above so many columns, rows are made into a table at once."""
STARTS = (0.0, 1.0, 0.5)
"""What the numbers of a row are that is asked first, where there is no sample."""


class Oracle:
    """A fitted estimator and its features. Rows are (n, features) float64, as `convert.estimator.features` has them.

    task: ``classification`` or ``regression``.
    classes: the class labels, in the order of the probabilities' columns; none for a regression.
    sample: training rows, or rows like them, if there are any.
    dtypes: the types of the columns as the estimator gets them, objects being float64; an array has one.
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
            if is_made_of_trees(last):
                read_trees(last)  # who can't be read is told of before the sample is looked at
        if (table is None or table.typed is None) and any(needs_typed_sample(part) for part in parts_of(estimator)):
            raise ConvertError(
                f"{name_of(estimator)} keeps its categories, and not which of two columns had them: give its training"
                " table as --sample, in Parquet"
            )
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
        self.dtypes = self._dtypes()
        self._numeric = all(feature.numeric for feature in self.features)
        self._array_dtype = np.result_type(*set(self.dtypes))
        self._wide = len(names) > WIDE
        self._plain = self._numeric and set(self.dtypes) == {"float64"} and not any(f.dropped for f in self.features)
        by_name = {type(part) for part in parts_of(self.estimator)} & {ColumnTransformer, FunctionTransformer}
        self._nameless = named and self._plain and not by_name
        self._to_round = [n for n, feature in enumerate(self.features) if feature.dropped or feature.dtype != "float64"]
        self.sample: Sample | None = None if table is None else table.encoded(self.features)
        self._read_typed = None if table is None else table.typed

    def _does_without(self) -> bool:
        """Whether the estimator answers on a table without the columns that it seems to drop."""
        rows = self._first
        whole = self.as_table(rows).reindex(columns=own_names(self.estimator), fill_value=0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return np.array_equal(self.predict(rows), np.ravel(self.estimator.predict(whole)))
            except Exception:  # whatever the estimator raises
                return False

    def predict(self, rows: Floats) -> NDArray[Any]:
        """Return the labels or values, (n,), those of several outputs (n, outputs); values are float64, always."""
        answers: NDArray[Any] = self.estimator.predict(self.as_input(rows))
        if answers.ndim == 2 and answers.shape[1] == 1:
            answers = answers[:, 0]  # fitted on y of a column
        return answers.astype(np.float64) if self.task == "regression" else answers

    def predict_proba(self, rows: Floats) -> Floats | None:
        """Return the probabilities, (n, classes), or None if the estimator has none."""
        if not hasattr(self.estimator, "predict_proba"):
            return None
        return np.asarray(self.estimator.predict_proba(self.as_input(rows)), dtype=np.float64)

    def decision_function(self, rows: Floats) -> Floats | None:
        """Return the raw scores, (n,) or (n, classes), or None if the estimator has none."""
        if self.task == "regression" or not hasattr(self.estimator, "decision_function"):
            return None
        return np.asarray(self.estimator.decision_function(self.as_input(rows)))

    def as_input(self, rows: Floats) -> Any:
        """Return `rows` as the estimator knows them: as a table with names, if it was fitted on one.

        Of very many columns that no part of it looks for by name, an array is made: scikit-learn takes a tenth of a
        second to compare ten thousand names, and answers the same. They are a copy: transformers with copy=False write
        into what they are given.
        """
        return self.rounded(rows).copy() if self._wide and self._nameless else self.as_table(rows)

    def as_table(self, rows: Floats) -> Any:
        """Return `rows` as `as_input` does, with names whenever the estimator was fitted on a table."""
        names = own_names(self.estimator)
        if names is None and self._numeric:
            return self.rounded(rows).astype(self._array_dtype)
        if names is not None and self._wide and self._plain:
            import pandas

            return pandas.DataFrame(self.rounded(rows).copy(), columns=names)
        decoded = {
            column: feature.decode(rows[:, column])
            for column, feature in enumerate(self.features)
            if not feature.dropped
        }
        if names is None:
            return np.column_stack([values.astype(object) for values in decoded.values()])
        import pandas  # here: it takes longer than the rest to import, and most estimators know no names

        objects = {
            names[column]: pandas.Series(values, dtype=self._pandas_dtype(column, values))
            for column, values in decoded.items()
        }
        return pandas.DataFrame(objects, index=range(len(rows)))

    def _pandas_dtype(self, column: int, values: NDArray[Any]) -> Any:
        """Return the type of a column: of categories, those that are known, in their type, and others that come."""
        if self.features[column].column != "category":
            return values.dtype
        import pandas

        known = pandas.Index(next(each for each in self.traced.known[column] if len(each)).tolist())
        others = pandas.unique(pandas.Series([one for one in values if one == one and one not in known], dtype=object))
        return pandas.CategoricalDtype(known.append(pandas.Index(others)) if len(others) else known)

    def one_by_one(self, cells: int) -> int:
        """Return how many rows may be asked one by one that have `cells` values in all; of strings, fewer."""
        by_name = own_names(self.estimator) is not None and not self._nameless
        weight = sum(20 if feature.type == "str" else 1 for feature in self.features)
        return max(1, cells // (weight * (10 if by_name else 1)))

    @property
    def width(self) -> int:
        """Return how many features there are."""
        return len(self.features)

    def _dtypes(self) -> tuple[str, ...]:
        columns = [feature.column if feature.numeric else "float64" for feature in self.features]
        if own_names(self.estimator) is None:
            columns = [str(np.result_type(*set(columns)))] * len(columns)
        return tuple(columns)

    def rounded(self, rows: Floats) -> Floats:
        """Return `rows` as the service's graph gets them: numbers rounded to their feature's type."""
        made = rows.copy() if self._to_round else rows
        for column in self._to_round:
            feature = self.features[column]
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


def _respelled(names: tuple[str, ...], table: Table | None) -> tuple[str, ...]:
    """Return names as the sample spells them: LightGBM makes an underscore of each space."""
    spelled = {} if table is None else {name.replace(" ", "_"): name for name in table.names or ()}
    return tuple(name if table is None or name in (table.names or ()) else spelled.get(name, name) for name in names)


def _names(estimator: Any, table: Table | None, given: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the features: the estimator's own, else those given, the sample's, or x0, x1 and so on."""
    count = width_of(estimator)
    own = own_names(estimator)
    if own is not None:
        names = _respelled(tuple(str(name) for name in own), table)
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
