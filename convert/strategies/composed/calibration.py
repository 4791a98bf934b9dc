"""Calibrated classifiers: the mean of classifiers whose scores go through a sigmoid or through steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.insides import Calibrated
from convert.estimator.refused import LISTED
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.ensembles import write_mean
from convert.strategies.composed.isotonic import write_steps
from convert.strategies.composed.linear import write_complement, write_expit, write_normalized


def calibrated_classifier(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write CalibratedClassifierCV.predict_proba and predict."""
    classes = len(estimator.classes_)
    members = [insides.calibrated(member) for member in estimator.calibrated_classifiers_]
    each = [_write_calibrated(composer, rows, member, classes) for member in members]
    probabilities = write_mean(composer.graph, each)
    index = composer.graph.node("ArgMax", probabilities, axis=1, keepdims=0, select_last_index=0)
    return Labelled(index, probabilities)


def _write_calibrated(composer: Composer, rows: Columns, member: Calibrated, classes: int) -> Value:
    """Write _CalibratedClassifier.predict_proba, (n, classes)."""
    if member.method not in {"sigmoid", "isotonic"}:
        raise ConvertError(
            f"CalibratedClassifierCV is written with method='sigmoid' or 'isotonic', not with {member.method!r}, whose"
            " answer for a row may depend on the rows beside it"
        )
    if len(member.estimator.classes_) != classes:
        raise ConvertError("CalibratedClassifierCV has a member that never saw one of the classes: fit it on more rows")
    graph = composer.graph
    scores = _write_scores(composer, rows, member.estimator)
    columns = [
        graph.node("Gather", scores, graph.constant(np.array([column])), axis=1)
        for column in range(1 if classes == 2 else classes)
    ]
    pairs = zip(columns, member.calibrators, strict=True)
    calibrated = [_write_calibrator(graph, column, calibrator) for column, calibrator in pairs]
    if classes == 2:
        return write_complement(graph, calibrated[0])
    return write_normalized(graph, graph.node("Concat", *calibrated, axis=1))


def _write_scores(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write decision_function, else predict_proba; of two classes the second's only: (n, 1) or (n, classes)."""
    answer = composer.classifier(rows, estimator)
    if hasattr(estimator, "decision_function"):
        if answer.scores is None:
            raise ConvertError(f"the decision_function of {type(estimator).__name__} is not written: {LISTED}")
        return answer.scores
    if answer.probabilities is None:
        raise ConvertError(f"the probabilities of {type(estimator).__name__} are not written: {LISTED}")
    if len(estimator.classes_) > 2:
        return answer.probabilities
    return composer.graph.node("Gather", answer.probabilities, composer.graph.constant(np.array([1])), axis=1)


def _write_calibrator(graph: Graph, score: Value, calibrator: Any) -> Value:
    if isinstance(calibrator, IsotonicRegression):
        return write_steps(graph, score, calibrator)
    slope, intercept = insides.sigmoid_line(calibrator)
    scaled = graph.node("Mul", score, graph.constant(np.float64(slope)))
    moved = graph.node("Add", scaled, graph.constant(np.float64(intercept)))
    return write_expit(graph, graph.node("Neg", moved))
