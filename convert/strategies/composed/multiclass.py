"""Classifiers around others: thresholds of one's own, one against the rest, every pair, self-training."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.model_selection import TunedThresholdClassifierCV

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.fitted import steps_of
from convert.estimator.refused import LISTED
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.strategies.composed import cuts
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.kernels import write_one_against_rest
from convert.strategies.composed.linear import write_class_index, write_complement


def self_training(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write SelfTrainingClassifier.predict: that of the classifier that it trained."""
    return composer.classifier(rows, estimator.estimator_)


def threshold(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write the predict of FixedThresholdClassifier and TunedThresholdClassifierCV: a score at or above a threshold."""
    graph, member = composer.graph, getattr(estimator, "estimator_", estimator.estimator)
    answer = composer.classifier(rows, member)
    wanted = estimator.response_method
    method = (
        wanted if wanted != "auto" else "predict_proba" if hasattr(member, "predict_proba") else "decision_function"
    )
    positive, limit = _positive(estimator), _limit(estimator, method)
    reached = _write_reached(graph, answer, member, method, positive, limit)
    places = graph.constant(np.array([1 - positive, positive]))
    index = graph.node("Squeeze", graph.node("Gather", places, reached, axis=0), graph.constant(np.array([1])))
    return answer._replace(class_index=index)


def one_against_rest(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write OneVsRestClassifier.predict, .predict_proba and .decision_function."""
    graph, members = composer.graph, estimator.estimators_
    written = [_write_binary(composer, rows, member) for member in members]
    each, answers = [score for score, _ in written], [answer for _, answer in written]
    if len(members) == 1:
        index = write_class_index(graph, each[0], 2, _limit_of_binary(members[0]))
    else:
        index = write_class_index(graph, graph.node("Concat", *each, axis=1), len(members))
    return Labelled(index, _write_shares(composer, estimator, answers), _write_scores(composer, estimator, each))


def every_pair(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write OneVsOneClassifier.decision_function, votes and what breaks their ties, and .predict."""
    if estimator.pairwise_indices_ is not None:
        raise ConvertError("OneVsOneClassifier is written for rows, not for a precomputed kernel: fit it on rows")
    graph, classes = composer.graph, len(estimator.classes_)
    written = [_write_binary(composer, rows, member) for member in estimator.estimators_]
    if any(answer is None for _, answer in written):
        raise ConvertError("OneVsOneClassifier is written around classifiers, not around regressors: give it one")
    labels = [answer.class_index for _, answer in written if answer is not None]
    wide = [graph.node("Unsqueeze", label, graph.constant(np.array([1]))) for label in labels]
    second = graph.cast(graph.node("Concat", *wide, axis=1), np.float64)
    first = graph.node("Sub", graph.constant(np.float64(1)), second)
    confidence = graph.node("Neg", graph.node("Concat", *(score for score, _ in written), axis=1))
    scores = write_one_against_rest(graph, first, confidence, classes)
    if classes > 2:
        return Labelled(write_class_index(graph, scores, classes), None, scores)
    scores = graph.node("Gather", scores, graph.constant(np.array([1])), axis=1)
    return Labelled(write_class_index(graph, scores, 2, _limit_of_binary(estimator.estimators_[0])), None, scores)


def _write_reached(graph: Graph, answer: Labelled, member: Any, method: str, positive: int, limit: float) -> Value:
    """Write whether the score of the class numbered `positive` is at `limit` or above, (n, 1) int64."""
    if method == "decision_function":
        score = _written(answer.scores, method, member)
        score = score if positive == 1 else graph.node("Neg", score)
    else:
        shares = None if answer.scores is None else cuts.shares_of(steps_of(member)[-1])
        if shares is not None and answer.scores is not None:
            found = cuts.cuts_of(lambda scores: shares(scores)[:, positive] >= limit)
            return cuts.write_reached(graph, answer.scores, found)
        column = graph.constant(np.array([positive]))
        score = graph.node("Gather", _written(answer.probabilities, method, member), column, axis=1)
    return graph.cast(graph.node("GreaterOrEqual", score, graph.constant(np.float64(limit))), np.int64)


def _positive(estimator: Any) -> int:
    """Return which of the two classes is the positive one."""
    tuned = isinstance(estimator, TunedThresholdClassifierCV)
    label = insides.positive_label(estimator) if tuned else estimator.pos_label
    return 1 if label is None else int(np.flatnonzero(estimator.classes_ == label)[0])


def _limit(estimator: Any, method: str) -> float:
    if isinstance(estimator, TunedThresholdClassifierCV):
        return float(estimator.best_threshold_)
    if estimator.threshold == "auto":
        return 0.5 if method == "predict_proba" else 0.0
    return float(estimator.threshold)


def _limit_of_binary(member: Any) -> float:
    """Follow sklearn.multiclass._threshold_for_binary_predict."""
    return 0.0 if hasattr(member, "decision_function") and is_classifier(member) else 0.5


def _write_binary(composer: Composer, rows: Columns, member: Any) -> tuple[Value, Labelled | None]:
    """Write sklearn.multiclass._predict_binary, (n, 1), and all that the member answers if it is a classifier."""
    if is_regressor(member):
        return composer.regressor(rows, member), None
    answer = composer.classifier(rows, member)
    if hasattr(member, "decision_function"):
        return _written(answer.scores, "decision_function", member), answer
    probabilities = _written(answer.probabilities, "predict_proba", member)
    return composer.graph.node("Gather", probabilities, composer.graph.constant(np.array([1])), axis=1), answer


def _write_shares(composer: Composer, estimator: Any, answers: list[Labelled | None]) -> Value | None:
    """Write OneVsRestClassifier.predict_proba: each member's second class, divided by their sum if that is not 0."""
    if not hasattr(estimator, "predict_proba"):
        return None
    graph, column = composer.graph, composer.graph.constant(np.array([1]))
    members = zip(answers, estimator.estimators_, strict=True)
    each = [_written(answer.probabilities if answer else None, "predict_proba", member) for answer, member in members]
    shares = [graph.node("Gather", one, column, axis=1) for one in each]
    if len(shares) == 1:
        return write_complement(graph, shares[0])
    share = graph.node("Concat", *shares, axis=1)
    total = graph.node("ReduceSum", share, graph.constant(np.array([1])), keepdims=1)
    none = graph.node("Equal", total, graph.constant(np.float64(0)))
    return graph.node("Div", share, graph.node("Where", none, graph.constant(np.float64(1)), total))


def _write_scores(composer: Composer, estimator: Any, each: list[Value]) -> Value | None:
    if not hasattr(estimator, "decision_function"):
        return None
    return each[0] if len(each) == 1 else composer.graph.node("Concat", *each, axis=1)


def _written(value: Value | None, method: str, member: Any) -> Value:
    if value is None:
        raise ConvertError(f"the {method} of {type(member).__name__} is not written: {LISTED}")
    return value
