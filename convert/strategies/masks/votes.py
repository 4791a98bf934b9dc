"""Votes: where each leaf is for one class and no other, one sum holds the counts of all classes, side by side.

As trees have them that are grown in full: a leaf says 1 for its class and 0 for the rest. So sums are counts, whole
numbers, which are exact in any order and in any type that holds them: in one number, each class has some bits of its
own, and that of the first is what is left of the trees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convert.estimator.features import Floats
from convert.graph.graph import Graph, Value
from convert.graph.trees import TreeEnsemble

FLOAT32_BITS, FLOAT64_BITS = 24, 53
"""Whole numbers of so many bits are exact."""


@dataclass(frozen=True, slots=True)
class Votes:
    """How votes for `classes` are held: `bits` for each class but the first, of `trees` votes in all."""

    trees: int
    classes: int

    @property
    def bits(self) -> int:
        """How many bits the votes for a class take."""
        return self.trees.bit_length()

    @property
    def dtype(self) -> type[np.floating]:
        """The type of the sum."""
        return np.float32 if self.bits * (self.classes - 1) <= FLOAT32_BITS else np.float64

    @property
    def weights(self) -> Floats:
        """What a vote for each class adds to the sum, (classes,)."""
        return np.array([0.0, *(2.0 ** (self.bits * place) for place in range(self.classes - 1))])

    def write_counts(self, graph: Graph, sum_: Value) -> Value:
        """Write the votes for each class, (n, classes) float64, from their one sum, (n, 1)."""
        left = graph.cast(sum_, np.float64) if sum_.dtype != np.float64 else sum_
        first, counts = graph.constant(np.float64(self.trees)), []
        for weight in self.weights[:1:-1].tolist():  # the last class has the highest bits
            share = graph.node("Mul", left, graph.constant(np.float64(1 / weight)))
            whole = graph.cast(graph.cast(share, np.int64), np.float64, "votes")
            left = graph.node("Sub", left, graph.node("Mul", whole, graph.constant(np.float64(weight))))
            counts.append(whole)
        for count in [left, *counts]:
            first = graph.node("Sub", first, count, name="votes")
        return graph.node("Concat", first, left, *reversed(counts), axis=1, name="counts")


def votes_of(ensemble: TreeEnsemble) -> tuple[Votes, TreeEnsemble] | None:
    """Return how the trees vote, and those with one sum for the votes; None where they do more than vote."""
    if ensemble.one_output or ensemble.base is not None or ensemble.single:
        return None
    votes = Votes(len(ensemble.trees), ensemble.sums)
    if votes.bits * (votes.classes - 1) > FLOAT64_BITS:
        return None
    trees = []
    for tree in ensemble.trees:
        leaves = tree.values[tree.left == -1]
        if not ((leaves == 1).sum(axis=1) == 1).all() or np.count_nonzero(leaves) != len(leaves):
            return None
        trees.append(replace(tree, values=tree.values.argmax(axis=1)[:, np.newaxis].astype(np.float64)))
    weighed = [replace(tree, values=votes.weights[tree.values.astype(np.int64)]) for tree in trees]
    return votes, replace(ensemble, trees=tuple(weighed), sums=1)
