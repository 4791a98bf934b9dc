"""Ensembles of other estimators: bagging, voting, stacking."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.refused import LISTED
from convert.graph.answers import Labelled
from convert.graph.columns import Columns, number_columns, side_by_side
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer


def write_mean(graph: Graph, each: Sequence[Value], weights: Sequence[float] | None = None) -> Value:
    """Write the mean of tensors of one shape, added up from the first to the last as numpy does."""
    if weights is not None:
        pairs = zip(each, weights, strict=True)
        each = [graph.node("Mul", one, graph.constant(np.float64(weight))) for one, weight in pairs]
    total = reduce(lambda one, other: graph.node("Add", one, other), each)
    return graph.node("Div", total, graph.constant(np.float64(len(each) if weights is None else np.sum(weights))))


def bagging_classifier(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write BaggingClassifier.predict_proba and predict."""
    classes = len(estimator.classes_)
    each = []
    for member, features in zip(estimator.estimators_, estimator.estimators_features_, strict=True):
        answer = composer.classifier(rows.chosen(composer.graph, features.tolist()), member)
        if answer.probabilities is None or len(member.classes_) != classes:
            raise ConvertError(
                "BaggingClassifier is written if its members have probabilities, and saw all the classes: calibrate"
                " them, or fit it on more rows"
            )
        each.append(answer.probabilities)
    probabilities = write_mean(composer.graph, each)
    return Labelled(_write_largest(composer.graph, probabilities), probabilities)


def bagging_regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write BaggingRegressor.predict."""
    pairs = zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    each = [composer.regressor(rows.chosen(composer.graph, features.tolist()), member) for member, features in pairs]
    return write_mean(composer.graph, each)


def voting_regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write VotingRegressor.predict."""
    each = [composer.regressor(rows, member) for member in estimator.estimators_]
    return write_mean(composer.graph, each, insides.member_weights(estimator))


def voting_classifier(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write VotingClassifier: the largest mean probability, or the class with the most votes, the first of those."""
    graph, weights = composer.graph, insides.member_weights(estimator)
    answers = [composer.classifier(rows, member) for member in estimator.estimators_]
    _check_encoded(estimator)
    if estimator.voting == "soft":
        each = [answer.probabilities for answer in answers if answer.probabilities is not None]
        probabilities = write_mean(graph, each, weights)
        return Labelled(_write_largest(graph, probabilities), probabilities)
    _check_votes(estimator, weights)
    places = graph.constant(np.arange(len(estimator.classes_)))
    votes = []
    for answer, weight in zip(answers, [1.0] * len(answers) if weights is None else weights, strict=True):
        chosen = graph.node("Unsqueeze", answer.class_index, graph.constant(np.array([1])))
        vote = graph.cast(graph.node("Equal", chosen, places), np.float64)
        votes.append(graph.node("Mul", vote, graph.constant(np.float64(weight))))
    return Labelled(_write_largest(graph, reduce(lambda one, other: graph.node("Add", one, other), votes)), None)


def stacking_regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write StackingRegressor.predict."""
    return composer.regressor(_write_stacked(composer, rows, estimator), estimator.final_estimator_)


def stacking_classifier(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write StackingClassifier: its final estimator, whose classes are the numbers of the labels."""
    _check_encoded(estimator)
    if len(estimator.final_estimator_.classes_) != len(estimator.classes_):
        raise ConvertError(
            "StackingClassifier has a final estimator that never saw one of the classes: fit it on rows of all"
        )
    return composer.classifier(_write_stacked(composer, rows, estimator), estimator.final_estimator_)


def _write_stacked(composer: Composer, rows: Columns, estimator: Any) -> Columns:
    """Write what the final estimator takes: _BaseStacking._concatenate_predictions."""
    methods = [method for method in estimator.stack_method_ if method is not None]
    members = zip(estimator.estimators_, methods, strict=True)
    made = [_write_prediction(composer, rows, member, method, estimator) for member, method in members]
    columns = [count for _, count in made]
    names = [name for name, _ in made]
    if estimator.passthrough and rows.sources:
        predictions = number_columns(composer.graph.node("Concat", *names, axis=1), sum(columns))
        return side_by_side(composer.graph, [predictions, rows], sparse=False)
    if estimator.passthrough:
        names, columns = [*names, rows.value], [*columns, len(rows.categories)]
    return number_columns(composer.graph.node("Concat", *names, axis=1), sum(columns))


def _write_prediction(composer: Composer, rows: Columns, member: Any, method: str, estimator: Any) -> tuple[Value, int]:
    """Write what a member tells the final estimator; return its name and how many columns it has."""
    if not hasattr(estimator, "classes_"):
        return composer.regressor(rows, member), 1
    if method == "predict":
        return composer.label_number(rows, member), 1
    answer, classes = composer.classifier(rows, member), len(member.classes_)
    written = answer.probabilities if method == "predict_proba" else answer.scores
    if written is None:
        raise ConvertError(f"the {method} of {type(member).__name__} is not written: {LISTED}")
    if method == "decision_function":
        shape = np.shape(member.decision_function(np.zeros((1, len(rows.categories)))))
        return written, shape[1] if len(shape) > 1 else 1
    if len(estimator.classes_) > 2:
        return written, classes
    return composer.graph.node("Gather", written, composer.graph.constant(np.array([1])), axis=1), 1


def _write_largest(graph: Graph, scores: Value) -> Value:
    return graph.node("ArgMax", scores, axis=1, keepdims=0, select_last_index=0)


def _check_votes(estimator: Any, weights: Sequence[float] | None) -> None:
    """Raise ConvertError for votes that VotingClassifier counts otherwise than one by one, with numpy.bincount."""
    if weights is not None and min(weights) < 0:
        raise ConvertError("VotingClassifier is written without negative weights: give it others")
    for member in estimator.estimators_:
        if not np.array_equal(member.classes_, np.arange(len(estimator.classes_))):
            raise ConvertError(
                f"VotingClassifier counts the labels of a {type(member).__name__} as numbers of classes, which they are"
                " not: fit its members with it, or give it voting='soft'"
            )


def _check_encoded(estimator: Any) -> None:
    """Raise ConvertError for a member whose classes are not those of the ensemble."""
    for member in estimator.estimators_:
        if len(member.classes_) != len(estimator.classes_):
            raise ConvertError(
                f"{type(estimator).__name__} has a member that never saw one of the classes: fit it on rows of all"
            )
