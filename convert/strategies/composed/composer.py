"""Estimators put together: each writer may ask the composer for those that its estimator is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator.fitted import steps_of
from convert.estimator.kinds import Kind, kind_of
from convert.estimator.refused import not_written
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.graph.transforms import write_steps

type ClassifierWriter = Callable[[Composer, Columns, Any], Labelled]
type RegressorWriter = Callable[[Composer, Columns, Any], Value]


class Composer:
    """Writes estimators into one graph; what is fitted on the same rows shares them."""

    def __init__(
        self, graph: Graph, classifiers: Mapping[Kind, ClassifierWriter], regressors: Mapping[Kind, RegressorWriter]
    ) -> None:
        """Write into `graph`, each class by its writer."""
        self.graph = graph
        self._classifiers = classifiers
        self._regressors = regressors

    def classifier(self, rows: Columns, estimator: Any) -> Labelled:
        """Write a classifier, a pipeline or not; raise ConvertError for one that is not written."""
        rows, last = self._behind_steps(rows, estimator)
        return _writer_of(last, self._classifiers)(self, rows, last)

    def regressor(self, rows: Columns, estimator: Any) -> Value:
        """Write a regressor; return its value, (n, 1) float64; raise ConvertError as `classifier` does."""
        rows, last = self._behind_steps(rows, estimator)
        return _writer_of(last, self._regressors)(self, rows, last)

    def label_number(self, rows: Columns, estimator: Any) -> Value:
        """Write the label of a classifier whose classes are numbers, (n, 1) float64."""
        answer = self.classifier(rows, estimator)
        classes = self.graph.constant(np.asarray(estimator.classes_, dtype=np.float64)[:, np.newaxis])
        return self.graph.node("Gather", classes, answer.class_index, axis=0)

    def _behind_steps(self, rows: Columns, estimator: Any) -> tuple[Columns, Any]:
        """Write the transformers of a pipeline; return what they make, and the estimator behind them."""
        *transformers, last = steps_of(estimator)
        return write_steps(self.graph, rows, transformers), last


def _writer_of[W](estimator: Any, writers: Mapping[Kind, W]) -> W:
    writer = writers.get(kind_of(estimator))
    if writer is None:
        raise ConvertError(not_written(estimator))
    return writer
