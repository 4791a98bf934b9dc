"""How raw sums become the answer: one small class for each way that scikit-learn goes.

What one estimator only does is beside what reads it, in `ensembles/`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from convert.errors import ConvertError
from convert.graph.answers import Labelled
from convert.graph.graph import Graph, Value


class LabelHead(ABC):
    """How sums become a label."""

    @abstractmethod
    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write the answer for `sums`, (n, sums) float64."""


class ValueHead(ABC):
    """How sums become a value."""

    @abstractmethod
    def write(self, graph: Graph, sums: Value) -> Value:
        """Write the value for `sums`, (n, sums) float64: (n, 1) float64."""


type Head = LabelHead | ValueHead


@dataclass(frozen=True, slots=True)
class Sum(ValueHead):
    """The value is the sum."""

    def write(self, graph: Graph, sums: Value) -> Value:
        """Write nothing more."""
        return sums


@dataclass(frozen=True, slots=True)
class Exponential(ValueHead):
    """The value is e to the power of the sum, the inverse of a logarithmic link."""

    def write(self, graph: Graph, sums: Value) -> Value:
        """Write the exponential."""
        return graph.node("Exp", sums, name="exponential")


@dataclass(frozen=True, slots=True)
class Shares(LabelHead):
    """The sums are the probabilities."""

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write the likeliest class."""
        return Labelled(write_argmax(graph, sums), sums)


@dataclass(frozen=True, slots=True)
class Softmax(LabelHead):
    """The sums are raw scores of each class."""

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write the largest, and their softmax."""
        return Labelled(write_argmax(graph, sums), graph.node("Softmax", sums, axis=1, name="shares"), sums)


@dataclass(frozen=True, slots=True)
class Sigmoid(LabelHead):
    """The one sum is the raw score of the second of two classes.

    scale: what it is multiplied with in front of the sigmoid.
    zero_is_second: whether a score of 0 is labelled as the second class.
    """

    zero_is_second: bool
    scale: float = 1.0

    def write(self, graph: Graph, sums: Value) -> Labelled:
        """Write the sigmoids of -s and s; s >= 0 is s >= -s."""
        logits = graph.node("Mul", sums, graph.constant(np.array([-self.scale, self.scale])), name="logits")
        index = graph.node(
            "ArgMax", logits, axis=1, keepdims=0, select_last_index=int(self.zero_is_second), name="class_index"
        )
        return Labelled(index, graph.node("Sigmoid", logits, name="shares"), sums)


def write_label(graph: Graph, sums: Value, head: Head) -> Labelled:
    """Write the answer of a classification; raise ConvertError for a head that has none."""
    if not isinstance(head, LabelHead):
        raise ConvertError(f"{type(head).__name__} is not how a classifier answers")
    return head.write(graph, sums)


def write_value(graph: Graph, sums: Value, head: Head) -> Value:
    """Write the value of a regression, (n, 1) float64; raise ConvertError for a head that has none."""
    if not isinstance(head, ValueHead):
        raise ConvertError(f"{type(head).__name__} is not how a regressor answers")
    return head.write(graph, sums)


def write_argmax(graph: Graph, scores: Value) -> Value:
    """Write the first of the largest of each row, as numpy's argmax: (n,) int64."""
    return graph.node("ArgMax", scores, axis=1, keepdims=0, select_last_index=0, name="class_index")
